"""GET /v2 and below: the Open Inference Protocol but for infer, with Triton's extensions."""

from dataclasses import replace

from service.config import Config
from service.errors import InvalidParameter, ModelNotFound, ModelUnavailable, VersionNotFound
from service.openapi.operation import (
    NAME,
    Described,
    Operation,
    Part,
    Paths,
    answer,
    array,
    json,
    parameter,
    record,
    schema,
    text,
    whole,
)

OF_A_MODEL = (ModelNotFound, ModelUnavailable)
OF_A_VERSION = (*OF_A_MODEL, InvalidParameter, VersionNotFound)
VERSION_IN_PATH = parameter("version", "path", text(pattern="^[1-9][0-9]{0,8}$"), "A version of the model")


def described(config: Config) -> Described:
    unready = answer("It cannot, and why", json(record(ready={"const": False}, error=text())))
    return Described(
        {
            "/v2": {"get": operation("server", "What the server is and can", "Server")},
            "/v2/health/live": {"get": operation("v2Live", "The process lives", "LiveV2")},
            "/v2/health/ready": {
                "get": replace(
                    operation("v2Ready", "The default model can answer", "ReadyV2"),
                    answers={200: answer("It can", json(schema("ReadyV2"))), 503: unready},
                )
            },
            **with_version("get", "", operation("modelMetadata", "Inputs, outputs and versions", "ModelMetadata")),
            **with_version("get", "/ready", operation("modelReady", "Whether it can be asked", "ModelReady")),
            **with_version(
                "get", "/config", operation("modelConfig", "Configuration, as Triton has it", "ModelConfig")
            ),
            **with_version("get", "/stats", operation("modelStats", "How much it was asked", "ModelStats")),
            "/v2/models/stats": {"get": operation("allStats", "How much every model was asked", "ModelStats")},
        },
        SCHEMAS,
    )


def operation(name: str, summary: str, shape: str) -> Operation:
    return Operation(name, "v2", summary, {200: answer(summary, json(schema(shape)))})


def with_version(method: str, end: str, of_model: Operation) -> Paths:
    """What can be asked of a model, and of one version of it."""
    refusals, parameters = of_model.refusals, of_model.parameters
    by_name = replace(of_model, refusals=(*refusals, *OF_A_MODEL), parameters=(NAME, *parameters))
    by_version = replace(
        of_model,
        name=of_model.name + "OfVersion",
        summary=of_model.summary + ", of one version",
        refusals=(*refusals, *OF_A_VERSION),
        parameters=(NAME, VERSION_IN_PATH, *parameters),
    )
    return {
        f"/v2/models/{{name}}{end}": {method: by_name},
        f"/v2/models/{{name}}/versions/{{version}}{end}": {method: by_version},
    }


PORTS = array(record(name=text(), datatype=text(), shape=array(whole())), minItems=1, maxItems=1)
CONFIGURED = array(record(name=text(), data_type=text(), dims=array(whole())), minItems=1, maxItems=1)
DURATION = schema("Duration")
COMPUTED = {"compute_input": DURATION, "compute_infer": DURATION, "compute_output": DURATION}
SCHEMAS: dict[str, Part] = {
    "Server": record(name=text(), version=text(), extensions=array(text())),
    "LiveV2": record(live={"const": True}),
    "ReadyV2": record(ready={"const": True}),
    "ModelReady": record(name=text(), ready={"const": True}),
    "ModelMetadata": record(name=text(), versions=array(text()), platform=text(), inputs=PORTS, outputs=PORTS),
    "ModelConfig": record(
        name=text(),
        platform=text(),
        backend=text(),
        version_policy=record(all={"type": "object"}),
        max_batch_size=whole(minimum=0),
        input=CONFIGURED,
        output=CONFIGURED,
        default_model_filename=text(),
    ),
    "Duration": record(count=whole(minimum=0), ns=whole(minimum=0)),
    "ModelStats": record(
        model_stats=array(
            record(
                name=text(),
                version=text(),
                last_inference=whole("Milliseconds since 1970", minimum=0),
                inference_count=whole("Pictures or rows", minimum=0),
                execution_count=whole("Requests", minimum=0),
                inference_stats=record(
                    success=DURATION, fail=DURATION, queue=DURATION, **COMPUTED, cache_hit=DURATION, cache_miss=DURATION
                ),
                batch_stats=array(record(batch_size=whole(minimum=1), **COMPUTED)),
            )
        )
    ),
}
