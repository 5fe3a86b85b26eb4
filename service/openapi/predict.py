"""POST /predict and POST /predict/<name>."""

from service import errors
from service.config import Config
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
from service.routes.predict import DEFAULT_TOP_K

FORMATS = tuple(f"image/{form}" for form in ("png", "jpeg", "gif", "bmp", "webp", "tiff"))
TOP_K = parameter(
    "top_k",
    "query",
    whole(minimum=1, maximum=999_999_999, default=DEFAULT_TOP_K),
    "How many labels of each picture or row, the likeliest first",
)
OF_A_PICTURE = (
    errors.EmptyBody,
    errors.NotAnImage,
    errors.DamagedImage,
    errors.ImageTooLarge,
    errors.UnsupportedImage,
    errors.PreprocessingFailed,
)
REFUSALS = (
    *OF_A_PICTURE,
    errors.RequestError,
    errors.InvalidParameter,
    errors.DamagedBody,
    errors.InvalidJSON,
    errors.InvalidInputs,
    errors.WrongInputKind,
    errors.NoImage,
    errors.ModelNotFound,
    errors.VersionNotFound,
    errors.TooManyInputs,
    errors.UnsupportedMediaType,
    errors.UnsupportedEncoding,
    errors.ModelUnavailable,
)
DESCRIPTION = (
    "One prediction for each picture or row of numbers, in order. A picture that cannot be read has its error at its "
    "place; when no picture at all can be read, the first one's error is the answer. A body may be compressed "
    "(`Content-Encoding: gzip`)."
)


def described(config: Config) -> Described:
    return Described(
        {
            "/predict": {"post": operation("predict", f"Ask the default model, {config.default_model}", config)},
            "/predict/{name}": {"post": operation("predictWithModel", "Ask a model", config, NAME)},
        },
        {
            "Pictures": record(images=array(text("Base64, or a data URL"), minItems=1, maxItems=config.max_images)),
            "Rows": {
                **record(inputs=array(array(number()), minItems=1, maxItems=config.max_images)),
                "not": {"required": ["images"]},
            },
            **SCHEMAS,
        },
    )


def operation(name: str, summary: str, config: Config, *parameters: Part) -> Operation:
    return Operation(
        name,
        "predict",
        summary,
        {200: answer("What the model says", json(schema("Predictions")))},
        REFUSALS,
        (*parameters, VERSION, TOP_K),
        body(config),
        DESCRIPTION,
    )


def body(config: Config) -> Part:
    pictures = array(BINARY, minItems=1, maxItems=config.max_images)
    return {
        "description": "Pictures in a form, as the field `image`; one picture as it is; or JSON",
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": record(image=pictures),
                "encoding": {"image": {"contentType": ", ".join(FORMATS)}},
            },
            **{form: {"schema": BINARY} for form in FORMATS},
            **json({"anyOf": [schema("Pictures"), schema("Rows")]}),
        },
    }


LABEL = {"label": text(), "probability": number(minimum=0, maximum=1)}
MILLISECONDS = record(
    {"decode": number(minimum=0), "preprocess": number(minimum=0)}, inference=number("Of the whole batch", minimum=0)
)
FILENAME = {"filename": text("As the form had it")}
SCHEMAS: dict[str, Part] = {
    "Predictions": record(
        model=text(),
        version=whole(),
        predictions=array({"anyOf": [schema("Prediction"), schema("Value"), schema("Unreadable")]}, minItems=1),
    ),
    "Prediction": record(FILENAME, **LABEL, top_k=array(record(**LABEL), minItems=1), milliseconds=MILLISECONDS),
    "Value": record(FILENAME, value=number("Of a regression"), milliseconds=MILLISECONDS),
    "Unreadable": record(
        FILENAME, error=record(code=text(enum=sorted(each.code for each in OF_A_PICTURE)), message=text())
    ),
}
