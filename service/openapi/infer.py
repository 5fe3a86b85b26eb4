"""POST /v2/models/<name>/infer, and of one version."""

from service import errors
from service.config import Config
from service.openapi.operation import (
    BINARY,
    Described,
    Operation,
    Part,
    answer,
    array,
    header,
    json,
    parameter,
    record,
    schema,
    text,
    whole,
)
from service.openapi.v2 import with_version
from service.v2.question import HEADER_LENGTH

DESCRIPTION = (
    "The input is a list in JSON; or bytes after the JSON, little-endian, as many as its `binary_data_size` says, and "
    f"the header {HEADER_LENGTH} says how long the JSON is; or, with that header 0, the whole body. Encoded pictures "
    "may stand in place of pixels, as BYTES. docs/protocol.md says more. The Content-Type is not looked at; a body may "
    "be compressed (`Content-Encoding: gzip`)."
)
REFUSALS = (
    errors.InvalidParameter,
    errors.DamagedBody,
    errors.EmptyBody,
    errors.InvalidJSON,
    errors.InvalidInputs,
    errors.NotAnImage,
    errors.DamagedImage,
    errors.ImageTooLarge,
    errors.TooManyInputs,
    errors.UnsupportedImage,
    errors.UnsupportedEncoding,
    errors.PreprocessingFailed,
)


def described(config: Config) -> Described:
    length = parameter(HEADER_LENGTH, "header", whole(minimum=0), "How many bytes of the body are JSON: else all")
    infer = Operation("infer", "v2", "Ask a model", {200: ANSWER}, REFUSALS, (length,), BODY, DESCRIPTION)
    return Described(with_version("post", "/infer", infer), SCHEMAS)


BODY: Part = {
    "description": "JSON, JSON with bytes after it, or the bytes of one tensor or picture",
    "required": True,
    "content": {**json(schema("InferRequest")), "application/octet-stream": {"schema": BINARY}},
}
ANSWER = answer(
    "What the model makes of it, as bytes where they were asked for",
    {**json(schema("InferResponse")), "application/octet-stream": {"schema": BINARY}},
    {HEADER_LENGTH: header("How many bytes of an octet-stream are JSON", whole(minimum=1))},
)
SHAPE = array(whole(minimum=1), minItems=1)
SCHEMAS: dict[str, Part] = {
    "InferRequest": record(
        {
            "id": {"type": ["string", "null"], "description": "Given back in the answer"},
            "parameters": {
                "type": ["object", "null"],
                "properties": {"binary_data_output": {"type": "boolean"}},
            },
            "outputs": {
                "type": ["array", "null"],
                "maxItems": 1,
                "items": record(
                    {
                        "parameters": {
                            "type": ["object", "null"],
                            "properties": {
                                "binary_data": {"type": "boolean"},
                                "classification": whole("How many of the likeliest labels", minimum=1),
                            },
                        }
                    },
                    name=text(),
                ),
            },
        },
        inputs=array(schema("InferInput"), minItems=1, maxItems=1),
    ),
    "InferInput": record(
        {
            "data": {
                "type": "array",
                "description": "Numbers in row-major order, flat or nested as the shape; pictures as base64",
            },
            "parameters": {"type": ["object", "null"], "properties": {"binary_data_size": whole(minimum=0)}},
        },
        name=text(),
        shape=SHAPE,
        datatype=text(enum=["UINT8", "FP32", "BYTES"]),
    ),
    "InferResponse": record(
        {"id": text()},
        model_name=text(),
        model_version=text(),
        outputs=array(
            record(
                name=text(),
                datatype=text(enum=["UINT8", "FP32", "BYTES"]),
                shape=SHAPE,
                data=array({"type": ["number", "string"]}),
            ),
            minItems=1,
            maxItems=1,
        ),
    ),
}
