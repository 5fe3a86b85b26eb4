"""GET /models and GET /models/<name>."""

from service.config import Config
from service.errors import InvalidParameter, ModelNotFound, ModelUnavailable, VersionNotFound
from service.manifest import TASKS
from service.openapi.operation import (
    IF_NONE_MATCH,
    NAME,
    VERSION,
    Described,
    Operation,
    Part,
    answer,
    array,
    json,
    kept,
    nullable,
    number,
    record,
    schema,
    text,
    whole,
)


def described(config: Config) -> Described:
    listing = Operation(
        "listModels", "models", "What is in the store", {200: answer("Every model", json(schema("Models")))}
    )
    manifest = Operation(
        "showModel",
        "models",
        "The manifest of a version: labels, architecture, training, metrics, parity, checksums",
        kept("As it was published", json(schema("Manifest"))),
        (InvalidParameter, ModelNotFound, VersionNotFound, ModelUnavailable),
        (NAME, VERSION, IF_NONE_MATCH),
    )
    return Described({"/models": {"get": listing}, "/models/{name}": {"get": manifest}}, SCHEMAS)


TENSOR = {"name": text(), "shape": array({"type": ["integer", "string"]}, minItems=2), "dtype": text()}
TASK = text("What is answered: a label, or a number", enum=list(TASKS))
INPUT_KIND = text("Pictures, or rows of numbers", enum=["image", "features"])
SCHEMAS: dict[str, Part] = {
    "Models": record(default=text("The model that POST /predict asks"), models=array(schema("Model"))),
    "Model": record(
        name=text(),
        version=nullable(whole("The one that is served")),
        versions=array(whole()),
        current=nullable(text("What the file `current` says")),
        unloaded={"type": "boolean"},
        task=nullable(TASK),
        labels=nullable(whole("How many")),
        input=nullable(INPUT_KIND),
        accuracy=nullable(number("On the test set")),
        broken=array(record(version=whole(), reason=text())),
    ),
    "Manifest": {
        **record(
            schema=whole(),
            name=text(),
            version=whole(),
            task=TASK,
            labels=array(text(), minItems=1),
            input=record(kind=INPUT_KIND, **TENSOR),
            outputs=array(record(**TENSOR), minItems=1, maxItems=1),
            files={"type": "object", "additionalProperties": text("SHA-256, in hex")},
        ),
        "description": "What the service needs of it; models/README.md tells of the other keys",
        "additionalProperties": True,
    },
}
