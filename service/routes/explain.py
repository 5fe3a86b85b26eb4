"""POST /explain and POST /explain/<model>: what every layer makes of a picture or a row of numbers.

?layer=NAME, several times or `all`    with the values of these layers; besides those of the network there are
                                       `filters` (what the first one looks for) and `occlusion` (what carried the
                                       answer)
?format=json, int8 or png              nested numbers; bytes in base64, value = scale × byte; one layer's picture
?most=N                                of each layer no more than its N strongest maps; 64 if nothing is said
"""

from binascii import b2a_base64
from time import perf_counter
from typing import Any

import numpy as np
import orjson
from flask import Blueprint, Response, request
from numpy.typing import NDArray

from service.answers import likeliest, milliseconds, numbers, read_pictures, read_rows
from service.body import Rows, Upload, parse_body, read_body
from service.config import Config
from service.errors import InvalidParameter, RequestError, TooManyInputs
from service.explain import FILTERS, Explainer, Explainers, Layer
from service.models import Models
from service.mosaic import largest, png
from service.occlusion import OCCLUSION, occlusion
from service.routes.predict import DEFAULT_TOP_K, whole_parameter
from service.runtime import Model

DEFAULT_MOST = 64
ALL = "all"
FORMATS = ("json", "int8", "png")
PNG = "image/png"


def routes(config: Config, models: Models) -> Blueprint:
    blueprint = Blueprint("explain", __name__)
    explainers = Explainers()

    @blueprint.post("/explain")
    @blueprint.post("/explain/<name>")
    def explain(name: str = config.default_model) -> Response:
        """The answer and its layers by name, kind, shape and range; the values of those that are asked for."""
        model, form = models.get(name, whole_parameter("version")), read_format()
        top_k, most = whole_parameter("top_k") or DEFAULT_TOP_K, whole_parameter("most") or DEFAULT_MOST
        explainer = explainers.of(model)
        asked = parse_body(request, read_body(request, config.max_body), config.max_images)
        X, took = read_example(model, asked, config.max_pixels)
        began = perf_counter()
        layers = explainer.layers(X)
        wanted = choose(explainer, layers, request.args.getlist("layer"), X)
        took["explain"] = milliseconds(began, perf_counter())
        if form == "png":
            return picture(wanted, most)
        values = {layer.name: content(layer, form, most) for layer in wanted}
        every = {layer.name: layer for layer in [*layers, *wanted]}.values()
        described = [describe(layer) | values.get(layer.name, {}) for layer in every]
        document = answer(model, layers, top_k) | {"layers": described, "milliseconds": took}
        text = orjson.dumps(document, option=orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_APPEND_NEWLINE)
        return Response(text, content_type="application/json")

    return blueprint


def read_format() -> str:
    """?format=, or what the client would rather have. Raises InvalidParameter."""
    form = request.args.get("format")
    if form is None:
        return "png" if request.accept_mimetypes.best_match(["application/json", PNG]) == PNG else "json"
    if form not in FORMATS:
        raise InvalidParameter(f"expected ?format= to be one of {', '.join(FORMATS)}, got {form[:40]!r}")
    return form


def read_example(model: Model, asked: list[Upload] | Rows, max_pixels: int) -> tuple[NDArray[Any], dict[str, float]]:
    """The one example of a request, pixels [1,C,H,W] or features [1,D], and the milliseconds that it took.

    Raises TooManyInputs, or what is wrong with the example.
    """
    count = len(asked.rows if isinstance(asked, Rows) else asked)
    if count > 1:
        raise TooManyInputs(f"expected one picture or row of numbers to explain, got {count}")
    if isinstance(asked, Rows):
        return read_rows(model, asked.rows), {}
    (read,) = read_pictures(model, asked, max_pixels)
    if isinstance(read, RequestError):
        raise read
    return read.pixels, dict(read.milliseconds)


def choose(explainer: Explainer, layers: list[Layer], names: list[str], X: NDArray[Any]) -> list[Layer]:
    """The layers of these names, computed if need be. Raises InvalidParameter with the names that there are."""
    there = {layer.name: layer for layer in layers}
    chosen: dict[str, Layer] = {}
    for name in names:
        if name == ALL:
            chosen |= there
        elif name in there:
            chosen[name] = there[name]
        else:
            chosen[name] = compute(explainer, name, X) or unknown(name, there)
    return list(chosen.values())


def compute(explainer: Explainer, name: str, X: NDArray[Any]) -> Layer | None:
    """What is no output of the network; None for what there is not."""
    if name == FILTERS:
        return explainer.filters
    return occlusion(explainer.model, X) if name == OCCLUSION and X.ndim == 4 else None


def unknown(name: str, there: dict[str, Layer]) -> Layer:
    raise InvalidParameter(
        f"no layer {name[:40]!r} here; there are {', '.join(there)}, {ALL}, and for pictures {FILTERS} and {OCCLUSION}"
    )


def picture(wanted: list[Layer], most: int) -> Response:
    if len(wanted) != 1:
        raise InvalidParameter(f"expected one ?layer= for a picture, got {len(wanted)}")
    layer = wanted[0]
    return Response(png(Layer(layer.name, layer.kind, layer.values[strongest(layer, most)])), content_type=PNG)


def answer(model: Model, layers: list[Layer], top_k: int) -> dict[str, Any]:
    """As POST /predict has it."""
    said = {"model": model.version.name, "version": model.version.number}
    (Y,) = (layer.values[None] for layer in layers if layer.name == model.manifest.output.name)
    if model.manifest.task != "classification":
        return said | numbers(Y)[0]
    return said | likeliest(model, Y, top_k)[0]


def describe(layer: Layer) -> dict[str, Any]:
    span = [float(layer.values.min()), float(layer.values.max())]
    return {"name": layer.name, "kind": layer.kind, "shape": layer.values.shape, "range": span}


def content(layer: Layer, form: str, most: int) -> dict[str, Any]:
    """The values in the form that was asked for, and of which maps they are."""
    maps = strongest(layer, most)
    values = np.ascontiguousarray(layer.values[maps])
    if form == "json":
        return {"maps": maps, "values": values}
    scale = largest(layer.values) / 127
    return {"maps": maps, "scale": scale, "values": b2a_base64(as_bytes(values, scale), newline=False).decode()}


def as_bytes(values: NDArray[Any], scale: float) -> bytes:
    """Each value over `scale`, rounded, as a signed byte."""
    return np.rint(values / scale).astype(np.int8).tobytes()


def strongest(layer: Layer, most: int) -> NDArray[np.int64]:
    """Which maps are given, in order: the `most` with the largest sums of squares. Values in a row are all given."""
    count = len(layer.values)
    if most >= count or layer.values.ndim == 1:
        return np.arange(count)
    maps = layer.values.reshape(count, -1)
    return np.sort(np.argsort(-np.einsum("ij,ij->i", maps, maps, dtype=np.float32), kind="stable")[:most])
