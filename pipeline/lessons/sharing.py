"""The convolutional network: shared weights, feature maps and sub-sampling."""

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from pipeline.data import digits
from pipeline.data.dataset import Dataset, Split
from pipeline.evaluation.feature_maps import outputs
from pipeline.evaluation.gallery import visible
from pipeline.evaluation.theme import Theme
from pipeline.lessons.station import Lesson, Picture, columns
from pipeline.network.convolution import Convolution
from pipeline.network.dense import Dense
from pipeline.network.network import Network
from pipeline.network.notation import Conv, times
from pipeline.network.parser import parse
from pipeline.training.loop import fit
from pipeline.training.recipe import Recipe

SHOWN = "INPUT 1x28x28 -> CONV 16@5x5 relu -> POOL max 2x2 -> CONV 32@5x5 relu -> POOL max 2x2 -> FC 10 softmax"
TRAINED = {
    "convolutional": "INPUT 1x8x8 -> CONV 8@3x3 relu -> POOL max 2x2 -> FC 10 softmax",
    "fully connected": "INPUT 64 -> FC 72 relu -> FC 10 softmax",
}


def as_matrix(size: int, kernel: int) -> NDArray[np.float64]:
    """The convolution of a size x size picture as a fully connected layer: its W [size², outputs].

    Row i is what comes out when pixel i is 1 and all others are 0.
    """
    conv = Convolution((1, size, size), Conv(1, (kernel, kernel)))
    conv.parameters = {"W": np.arange(1.0, kernel**2 + 1).reshape(kernel, kernel, 1, 1), "b": np.zeros(1)}
    pictures = np.eye(size**2).reshape(size, size, size**2, 1)  # [H,W,N,C]
    return conv.forward(pictures)[0].astype(np.float64).transpose(2, 0, 1, 3).reshape(size**2, -1)


def lesson() -> Lesson:
    W = as_matrix(5, 3)
    yield f"""A convolution moves a small window over the picture and asks the same everywhere: y = f(w·window + b).
It is a fully connected layer in which most weights are 0 and the others are shared. A 3x3 kernel on a
5x5 picture, written as the matrix of a fully connected layer, {times(*W.shape)}:

  numbers in the matrix      {W.size:4}
  of them not 0              {np.count_nonzero(W):4}
  of them different          {len(np.unique(W[W != 0])):4}   the kernel: all that has to be learned"""
    yield "What that saves in a network for 28x28 pictures, against layers that are fully connected:\n\n  " + SHOWN
    yield saved(Network(parse(SHOWN)))
    yield """What comes out, one number for each place, is a feature map. Sub-sampling keeps the largest of each 2x2
window: a quarter of the numbers, the same answer if a stroke moves by a pixel within the window, and no
parameters at all."""
    dataset = digits.load()
    networks = {name: trained(architecture, dataset) for name, architecture in TRAINED.items()}
    yield "Two networks, trained now on the 8x8 digits of scikit-learn; both have 72 values before the last layer:"
    yield columns(
        ["", "parameters", "right, of the test set", "moved by one pixel"],
        *(
            [name, f"{n.theta.size:,}", _right(n, dataset.test), _right(n, moved(dataset.test))]
            for name, n in networks.items()
        ),
    )
    example = dataset.test.X[int(np.flatnonzero(dataset.test.labels == 3)[0])]
    yield Picture("sharing", lambda theme: draw(theme, networks["convolutional"], example))


def saved(network: Network) -> str:
    """A row for each layer that learns: its parameters, and those of a fully connected layer in its place."""
    rows = []
    before = network.layers[0].shape
    for layer in network.layers[1:]:
        if layer.size:
            full = Dense(int(np.prod(before)), int(np.prod(layer.shape))).size
            rows.append((layer.name, times(*before), times(*layer.shape), layer.size, full))
        before = layer.shape
    head = ("layer", "in", "out", "parameters", "fully connected", "times fewer")
    return columns(head, *((*row[:3], f"{row[3]:,}", f"{row[4]:,}", f"{row[4] / row[3]:,.0f}") for row in rows))


def trained(architecture: str, dataset: Dataset) -> Network:
    """A network trained on the digits, in about a second."""
    network = Network(parse(architecture), dataset.shape)
    data = {
        "X": dataset.train.X,
        "labels": dataset.train.labels,
        "learn": np.arange(len(dataset.train)),
        "look": np.arange(0),
    }
    fit(network, dataset.shape, data, Recipe(architecture, epochs=30, batch_size=32, learning_rate=0.01), workers=1)
    return network


def moved(split: Split) -> Split:
    """The same pictures, one pixel further to the right; what leaves on that side comes in on the other."""
    return Split(np.roll(split.X, 1, axis=3), split.labels)


def _right(network: Network, split: Split) -> str:
    return f"{np.mean(network.predict(split.X).argmax(axis=1) == split.labels):.0%}"


def draw(theme: Theme, network: Network, example: NDArray[np.uint8]) -> Figure:
    """On the left an example [1,8,8]; then for each filter its kernel, its feature map, and that after sub-sampling."""
    found = {output.name: output.values for output in outputs(network, example)}
    kernels = network.layers[1].parameters["W"].transpose(3, 2, 0, 1)[:, 0]  # [kh,kw,1,F]
    figure = Figure(figsize=(9.6, 3.4))
    left, right = figure.subfigures(1, 2, width_ratios=(1, 3), squeeze=False)[0]
    axes = left.subplots()
    axes.imshow(visible(found["input"]))
    axes.set_title("a picture, 8x8")
    axes.set_axis_off()
    rows = {"kernel": kernels, "map": found["conv1 relu"], "pooled": found["pool1"]}
    for line, (name, pictures) in zip(right.subplots(len(rows), len(kernels)), rows.items(), strict=True):
        largest = np.abs(pictures).max()
        for axes, picture in zip(line, pictures, strict=True):
            axes.imshow(picture, cmap=theme.signed(), vmin=-largest, vmax=largest)
            axes.set(xticks=[], yticks=[])
            axes.spines[:].set_visible(True)
        line[0].set_ylabel(f"{name}\n{times(*pictures.shape[1:])}")
    return figure
