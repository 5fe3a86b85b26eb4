"""GET /healthz, GET /readyz and GET /metrics."""

from service.config import Config
from service.errors import NotReady
from service.openapi.operation import Described, Operation, Part, answer, array, json, record, schema, text, whole


def described(config: Config) -> Described:
    alive = Operation("live", "health", "The process lives", {200: answer("It does", json(schema("Live")))})
    ready = Operation(
        "ready",
        "health",
        "The default model can answer, and the service is not stopping",
        {200: answer("Both", json(schema("Ready")))},
        (NotReady,),
    )
    metrics = Operation(
        "metrics",
        "health",
        "What all workers have counted, for Prometheus",
        {200: answer("In the text format 0.0.4", {"text/plain": {"schema": text()}})},
    )
    return Described({"/healthz": {"get": alive}, "/readyz": {"get": ready}, "/metrics": {"get": metrics}}, SCHEMAS)


SCHEMAS: dict[str, Part] = {
    "Live": record(status={"const": "ok"}),
    "Ready": record(
        status={"const": "ready"},
        models={"type": "object", "additionalProperties": whole(), "description": "The served version of each"},
        broken=array(text("name/version")),
    ),
}
