"""POST /v2/repository/…"""

from service import errors
from service.config import Config
from service.openapi.operation import (
    NAME,
    Described,
    Errors,
    Operation,
    Part,
    answer,
    array,
    json,
    record,
    schema,
    text,
)

OF_A_BODY = (errors.DamagedBody, errors.InvalidJSON, errors.InvalidInputs, errors.UnsupportedEncoding)
STATE = text(enum=["READY", "UNAVAILABLE"])


def described(config: Config) -> Described:
    index = Operation(
        "repositoryIndex",
        "v2",
        "Every version in the store, and why some are not served",
        {200: answer("All, or those that are ready", json(schema("RepositoryIndex")))},
        OF_A_BODY,
        body=body({"ready": {"type": "boolean", "description": "Only those that can be asked"}}),
    )
    load = change("loadModel", "Bring back what was unloaded", "ModelLoaded", {}, (errors.ModelUnavailable,), config)
    unload = change(
        "unloadModel",
        "Take a model out of service",
        "ModelUnloaded",
        {"unload_dependents": {"type": "boolean", "description": "Changes nothing: no model has any"}},
        (),
        config,
    )
    return Described(
        {
            "/v2/repository/index": {"post": index},
            "/v2/repository/models/{name}/load": {"post": load},
            "/v2/repository/models/{name}/unload": {"post": unload},
        },
        SCHEMAS,
    )


def change(name: str, summary: str, shape: str, known: dict[str, Part], refusals: Errors, config: Config) -> Operation:
    """Load or unload. Where there are no keys, nobody may."""
    parameters = {"type": ["object", "null"], "properties": known, "additionalProperties": False}
    refusals = (*OF_A_BODY, errors.ModelNotFound, *refusals)
    return Operation(
        name,
        "v2",
        summary,
        {200: answer("Done, here and soon in every worker", json(schema(shape)))},
        refusals if config.api_keys_file else (errors.Forbidden,),
        (NAME,),
        body({"parameters": parameters}),
        "Wants an API key; where there are none, it is refused.",
    )


def body(known: dict[str, Part]) -> Part:
    return {"required": False, "content": json({"type": "object", "properties": known})}


SCHEMAS: dict[str, Part] = {
    "RepositoryIndex": array(record(name=text(), version=text(), state=STATE, reason=text())),
    "ModelLoaded": record(name=text(), version=text(), state={"const": "READY"}),
    "ModelUnloaded": record(name=text(), state={"const": "UNAVAILABLE"}, reason=text()),
}
