"""Good requests of every kind, for mutations to start from: pictures, the ways to send one, and all other routes.

a picture ─▶ a carrier (raw, form, JSON, tensor of protocol v2) ─▶ Request ─▶ bytes
"""

import json
import struct
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass, replace
from io import BytesIO
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

KEY = "a-key-of-the-fuzzer"
Headers = tuple[tuple[bytes, bytes], ...]


@dataclass(frozen=True)
class Request:
    """A request of HTTP/1.1. certain: whether it is good HTTP, so that an answer of the service itself is due.

    headers: without the Content-Length, which `encode` adds unless they tell the length of the body.
    """

    method: bytes
    target: bytes
    headers: Headers = ()
    body: bytes = b""
    certain: bool = True

    def encode(self) -> bytes:
        lines = [self.method + b" " + self.target + b" HTTP/1.1", b"Host: x"]
        lines += [name + b": " + value for name, value in self.headers]
        if not {name.lower() for name, _ in self.headers} & {b"content-length", b"transfer-encoding"}:
            lines.append(b"Content-Length: %d" % len(self.body))
        return b"\r\n".join(lines) + b"\r\n\r\n" + self.body

    def value(self, name: bytes) -> bytes | None:
        return next((value for each, value in self.headers if each.lower() == name.lower()), None)

    def having(self, name: bytes, value: bytes) -> "Request":
        """The same with this header and no other of its name."""
        others = tuple(each for each in self.headers if each[0].lower() != name.lower())
        return replace(self, headers=(*others, (name, value)))


def request(method: str, target: str, body: bytes = b"", **headers: str | int) -> Request:
    """`_` stands for `-` in the names of headers."""
    given = {"X_API_Key": KEY, **headers}
    named = ((name.replace("_", "-").encode(), str(value).encode()) for name, value in given.items())
    return Request(method.encode(), target.encode(), tuple(named), body)


def page(mode: str, size: tuple[int, int] = (28, 28)) -> Image.Image:
    """A dark stroke on a light page."""
    image = Image.new("L", size, 230)
    ImageDraw.Draw(image).line([(size[0] // 4, 2), (size[0] // 2, size[1] - 3)], fill=10, width=3)
    if mode in ("F", "I"):
        return image.convert(mode)
    if mode == "I;16":
        return Image.fromarray(np.asarray(image, np.uint16) * 257)
    return image.convert("RGB").convert(mode)


def encoded(form: str, mode: str, size: tuple[int, int] = (28, 28), **options: Any) -> bytes:
    file = BytesIO()
    if options.pop("animated", False):
        options |= {"save_all": True, "append_images": [page(mode, size).rotate(90 * turn) for turn in (1, 2)]}
    page(mode, size).save(file, form, **options)
    return file.getvalue()


def turned() -> Image.Exif:
    """EXIF data that says that the camera was held sideways."""
    exif = Image.Exif()
    exif[0x0112] = 6
    return exif


def run_length_bmp() -> bytes:
    """Grey, 8 bits, run-length encoded, which Pillow reads and does not write."""
    runs = b"".join(bytes([28, 255 - row]) + b"\0\0" for row in range(28)) + b"\0\1"
    palette = b"".join(bytes([grey, grey, grey, 0]) for grey in range(256))
    start = 14 + 40 + len(palette)
    info = struct.pack("<IiiHHIIiiII", 40, 28, 28, 1, 8, 1, len(runs), 0, 0, 256, 0)
    return b"BM" + struct.pack("<IHHI", start + len(runs), 0, 0, start) + info + palette + runs


READ = [
    *(encoded("PNG", mode) for mode in ("L", "RGB", "RGBA", "LA", "P", "1", "I;16")),
    encoded("PNG", "P", transparency=0),
    encoded("PNG", "L", (1, 400)),
    encoded("PNG", "L", (300, 200)),
    encoded("PNG", "RGB", animated=True),
    *(encoded("JPEG", mode) for mode in ("L", "RGB", "CMYK")),
    encoded("JPEG", "RGB", (120, 90), progressive=True, exif=turned()),
    encoded("GIF", "P"),
    encoded("GIF", "P", animated=True, transparency=0),
    *(encoded("BMP", mode) for mode in ("1", "L", "P", "RGB", "RGBA")),
    run_length_bmp(),
    encoded("WEBP", "RGB"),
    encoded("WEBP", "RGBA", lossless=True),
    encoded("WEBP", "RGB", animated=True),
    *(encoded("TIFF", mode) for mode in ("L", "RGB", "P", "1", "I;16", "I", "F", "CMYK", "LAB")),
    *(encoded("TIFF", "RGB", compression=method) for method in ("tiff_lzw", "tiff_deflate", "jpeg", "packbits")),
    encoded("TIFF", "1", compression="group4"),
    encoded("TIFF", "L", animated=True, big_tiff=True),
]
OTHERS = [
    *(encoded(form, "RGB", (32, 32)) for form in ("ICO", "PPM", "PCX", "TGA", "DDS", "JPEG2000", "AVIF", "PDF", "QOI")),
    b'<?xml version="1.0"?><!-- a --><svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>',
    b"8BPS\0\1" + bytes(40),
    b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n",
    b"hello",
    b"",
]
PICTURES = READ + OTHERS


def form(picture: bytes) -> Request:
    disposition = b'Content-Disposition: form-data; name="image"; filename="%s"\r\nContent-Type: image/png\r\n\r\n'
    parts = [b"--b0und\r\n" + disposition % name + picture + b"\r\n" for name in (b"a.png", "ü".encode())]
    note = b'--b0und\r\nContent-Disposition: form-data; name="note"\r\n\r\nhello\r\n'
    body = b"".join([*parts, note, b"--b0und--\r\n"])
    return request("POST", "/predict", body, Content_Type="multipart/form-data; boundary=b0und")


def json_of_pictures(picture: bytes) -> Request:
    text = b64encode(picture).decode()
    body = json.dumps({"images": [text, "data:image/png;base64," + text]}).encode()
    return request("POST", "/predict/cnn?top_k=2", body, Content_Type="application/json")


def tensor(name: str, datatype: str, shape: list[int], **rest: Any) -> dict[str, Any]:
    return {"name": name, "datatype": datatype, "shape": shape, **rest}


def infer(model: str, given: dict[str, Any], raw: bytes | None = None, **rest: Any) -> Request:
    if raw is not None:
        given = {**given, "parameters": {"binary_data_size": len(raw)}}
    text = json.dumps({"id": "7", "inputs": [given], **rest}).encode()
    lengths = {} if raw is None else {"Inference_Header_Content_Length": len(text)}
    return request("POST", f"/v2/models/{model}/infer", text + (raw or b""), **lengths)


def text_elements(picture: bytes) -> Request:
    text = b64encode(picture).decode()
    return infer("cnn", tensor("image", "BYTES", [2], data=[text, text]))


def byte_elements(picture: bytes) -> Request:
    raw = (struct.pack("<I", len(picture)) + picture) * 2
    wanted = [{"name": "probabilities", "parameters": {"classification": 3}}]
    return infer("cnn/versions/1", tensor("image", "BYTES", [2]), raw, outputs=wanted)


CARRIERS: list[Callable[[bytes], Request]] = [
    lambda picture: request("POST", "/predict", picture),
    lambda picture: request("POST", "/predict/tiny?top_k=1", picture, Content_Type="image/png"),
    form,
    json_of_pictures,
    text_elements,
    byte_elements,
    lambda picture: request(
        "POST", "/v2/models/cnn.preprocess/infer", picture, Inference_Header_Content_Length=0, Accept_Encoding="gzip"
    ),
]
ROW, PIXELS = np.array([1, -2, 3, 4], np.float32), np.full((2, 1, 8, 8), 200, np.uint8)
PLAIN = [
    request("POST", "/predict/linear", b'{"inputs": [[1, 2, 3, 4], [0.5, -1e3, 0, 0]]}'),
    infer("linear", tensor("features", "FP32", [1, 4], data=ROW.tolist())),
    infer("linear", tensor("features", "FP32", [1, 4]), ROW.tobytes(), parameters={"binary_data_output": True}),
    infer("tiny", tensor("pixels", "UINT8", [2, 1, 8, 8], data=PIXELS.tolist())),
    infer("tiny", tensor("pixels", "UINT8", [2, 1, 8, 8]), PIXELS.tobytes()),
    infer("tiny.preprocess", tensor("image", "UINT8", [2, 3, 3], data=list(range(18)))),
    request("POST", "/v2/models/linear/infer", ROW.tobytes(), Inference_Header_Content_Length=0),
    *(
        request("GET", path)
        for path in (
            "/healthz", "/readyz", "/metrics", "/models", "/models/cnn", "/v2", "/v2/health/live", "/v2/health/ready",
            "/v2/models/cnn", "/v2/models/tiny/versions/1", "/v2/models/cnn/ready", "/v2/models/linear/config",
            "/v2/models/stats", "/v2/models/cnn/stats", "/nope",
        )
    ),
    request("POST", "/v2/repository/index", b'{"ready": true}'),
    request("POST", "/v2/repository/models/tiny/load"),
    request("POST", "/v2/repository/models/nope/unload", b"{}"),
]  # fmt: skip
