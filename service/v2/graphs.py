"""What the protocol can ask: of each version its network, and of a model of pictures its preprocessing as well.

cnn                 pixels UINT8 [-1,C,H,W] -> probabilities FP32 [-1,K]
cnn.preprocess      image UINT8 [-1,-1,3] -> pixels UINT8 [1,C,H,W]
"""

from collections.abc import Sequence
from typing import NamedTuple

from service.errors import InvalidParameter, ModelNotFound
from service.manifest import Manifest, Tensor
from service.models import Models
from service.runtime import IMAGE, Model
from service.store import NUMBER

SUFFIX = ".preprocess"
DATATYPES = {"uint8": "UINT8", "float32": "FP32"}


class Port(NamedTuple):
    """An input or output as the protocol tells of it; -1 in a shape is any size."""

    name: str
    datatype: str
    shape: tuple[int, ...]

    def __str__(self) -> str:
        return f"{self.name!r} {self.datatype} [{','.join(map(str, self.shape))}]"


class Graph(NamedTuple):
    """One ONNX graph: what goes in, what comes out, and the labels of what comes out, none for pixels.

    classifies: whether the labels are classes; of a regression the label is the number's name.
    pictures: whether encoded pictures may come in place of the input.
    """

    given: Port
    gives: Port
    labels: Sequence[str]
    classifies: bool
    pictures: bool

    def takes(self) -> str:
        """What an error says can be sent."""
        pictures = f", or encoded pictures as {IMAGE.name!r} BYTES [{self.gives.shape[0]}]" if self.pictures else ""
        return f"{self.given}{pictures}"


class Target(NamedTuple):
    """What a request is about: a graph of a model, and the name that it was asked by."""

    name: str
    model: Model
    graph: Graph

    @property
    def version(self) -> int:
        return self.model.version.number

    @property
    def preprocesses(self) -> bool:
        return not self.graph.labels


def find(models: Models, name: str, version: str | None = None) -> Target:
    """The graph called `name`, of the served version or of the one asked for.

    A model that is really called x.preprocess goes before the preprocessing of x. Raises InvalidParameter for what is
    no number of a version, and what Models.get raises.
    """
    number = read_version(version)
    if name.endswith(SUFFIX) and name not in models.listings and name.removesuffix(SUFFIX) in models.listings:
        model = models.get(name.removesuffix(SUFFIX), number)
        return Target(name, model, preprocessing(model.manifest, name))
    model = models.get(name, number)
    return Target(name, model, network(model.manifest))


def read_version(text: str | None) -> int | None:
    if text is None:
        return None
    if not NUMBER.fullmatch(text):
        raise InvalidParameter(f"expected a version to be a whole number of at least 1, got {text[:40]!r}")
    return int(text)


def network(manifest: Manifest) -> Graph:
    classifies, pictures = manifest.task == "classification", manifest.kind == "image"
    return Graph(port(manifest.input, -1), port(manifest.output, -1), manifest.labels, classifies, pictures)


def preprocessing(manifest: Manifest, name: str) -> Graph:
    """Raises ModelNotFound for a model of numbers, which has none."""
    if manifest.kind != "image":
        raise ModelNotFound(f"no model {name!r}: {name.removesuffix(SUFFIX)!r} takes its numbers as they are")
    return Graph(Port(IMAGE.name, "UINT8", (-1, -1, 3)), port(manifest.input, 1), (), False, True)


def port(tensor: Tensor, batch: int) -> Port:
    return Port(tensor.name, DATATYPES.get(tensor.dtype, tensor.dtype.upper()), (batch, *tensor.dims))
