"""POST /explain and POST /explain/<name>."""

from service.config import Config
from service.errors import NoExplanation
from service.openapi import predict
from service.openapi.operation import (
    BINARY,
    NAME,
    VERSION,
    Described,
    Operation,
    Part,
    answer,
    array,
    json,
    number,
    parameter,
    record,
    schema,
    text,
    whole,
)
from service.routes.explain import ALL, DEFAULT_MOST, FORMATS, PNG

LAYER = parameter(
    "layer",
    "query",
    array(text(examples=[ALL])),
    f"Layers that come with their values, by name, or `{ALL}`; for pictures also `filters` and `occlusion`",
)
FORMAT = parameter(
    "format", "query", text(enum=list(FORMATS)), "Of the values: numbers, signed bytes in base64, or one picture"
)
MOST = parameter(
    "most",
    "query",
    whole(minimum=1, maximum=999_999_999, default=DEFAULT_MOST),
    "How many maps of each layer at most, the strongest",
)
DESCRIPTION = "What every layer makes of one picture or row of numbers (docs/page.md)"


def described(config: Config) -> Described:
    return Described(
        {
            "/explain": {"post": operation("explain", f"Explain the default model, {config.default_model}", config)},
            "/explain/{name}": {"post": operation("explainModel", "Explain a model", config, NAME)},
        },
        SCHEMAS,
    )


def operation(name: str, summary: str, config: Config, *parameters: Part) -> Operation:
    content = json(schema("Explanation")) | {PNG: {"schema": BINARY}}
    return Operation(
        name,
        "explain",
        summary,
        {200: answer("The answer and its layers, or the picture of one", content)},
        (*predict.REFUSALS, NoExplanation),
        (*parameters, VERSION, predict.TOP_K, LAYER, FORMAT, MOST),
        predict.body(config),
        DESCRIPTION,
    )


MILLISECONDS = record(
    {"decode": number(minimum=0), "preprocess": number(minimum=0)}, explain=number("Of all layers", minimum=0)
)
VALUES: dict[str, Part] = {
    "maps": array(whole(minimum=0)),
    "scale": number("What a byte is to be multiplied by"),
    "values": {"description": "Numbers, nested as the shape; or, with a scale, base64", "type": ["array", "string"]},
}
SCHEMAS: dict[str, Part] = {
    "Explanation": record(
        {"value": number("Of a regression"), "top_k": array(record(**predict.LABEL), minItems=1), **predict.LABEL},
        model=text(),
        version=whole(),
        layers=array(schema("Layer"), minItems=2),
        milliseconds=MILLISECONDS,
    ),
    "Layer": record(
        VALUES,
        name=text(),
        kind=text("The ONNX operator; else Input, Filters or Occlusion"),
        shape=array(whole(minimum=1), minItems=1),
        range=array(number(), minItems=2, maxItems=2),
    ),
}
