"""What a network makes of one example: the output of every layer, by its name.

explain.onnx is model.onnx with every layer's output kept. It is loaded when somebody first asks for it, and goes away
with its model.
"""

from threading import Lock
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

from numpy.typing import NDArray

from service.errors import BrokenVersion, ModelUnavailable, NoExplanation
from service.runtime import Model, check, give_memory_back, open_session
from service.weights import first_filters, read_nodes

FILE = "explain.onnx"
INPUT, FILTERS = "input", "filters"


class Layer(NamedTuple):
    """values: [C,H,W] or [D] of the input or a layer; [F,C,kh,kw] of the filters; [1,H,W] of service/occlusion.py.

    kind: the ONNX operator that computed them, such as "Conv"; else "Input", "Filters" or "Occlusion".
    """

    name: str
    kind: str
    values: NDArray[Any]


class Explainer:
    """explain.onnx of one model, ready to run. Any number of threads may use it at once.

    filters: what the first layer of a network for pictures looks for.
    """

    def __init__(self, model: Model) -> None:
        """Raises NoExplanation when the version was published without the file, BrokenVersion when that is damaged."""
        if FILE not in model.manifest.files:
            raise NoExplanation(f"{model.title} was published without {FILE}: only its answer can be had")
        self.model = model
        data = model.version.read(FILE)
        self.session = open_session(data, FILE)
        check(f"{FILE}: inputs", self.session.get_inputs(), model.manifest.input)
        self.names = [output.name for output in self.session.get_outputs()]
        if model.manifest.output.name not in self.names:
            raise BrokenVersion(f"{FILE}: expected {model.manifest.output.name} among {', '.join(self.names)}")
        self.kinds = {output: node.kind for node in read_nodes(data) for output in node.outputs}
        dims = model.manifest.input.dims
        W = first_filters(data, dims) if len(dims) == 3 else None
        self.filters = None if W is None else Layer(FILTERS, "Filters", W)
        self.tidy = give_memory_back()

    def layers(self, X: NDArray[Any]) -> list[Layer]:
        """The input, pixels uint8 [1,C,H,W] or features float32 [1,D], and what each layer makes of it."""
        given = {self.model.manifest.input.name: X}
        outputs = self.session.run(self.names, given, self.tidy)
        named = zip(self.names, outputs, strict=True)
        return [Layer(INPUT, "Input", X[0]), *(Layer(name, self.kinds[name], Y[0]) for name, Y in named)]


class Explainers:
    """The explainers of the models that somebody asked about."""

    def __init__(self) -> None:
        self.kept: WeakKeyDictionary[Model, Explainer] = WeakKeyDictionary()
        self.lock = Lock()

    def of(self, model: Model) -> Explainer:
        """Loaded if need be. Raises NoExplanation, or ModelUnavailable for a file that is damaged."""
        with self.lock:
            if model not in self.kept:
                try:
                    self.kept[model] = Explainer(model)
                except BrokenVersion as error:
                    raise ModelUnavailable(f"{model.title} cannot be explained: {error}") from None
            return self.kept[model]
