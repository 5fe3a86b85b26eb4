"""A single unit as it sees the numbers that come in: one straight line, plane or whatever has its weights."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.network.network import Network

Numbers = NDArray[np.floating[Any]]


def line(network: Network) -> tuple[Numbers, float] | None:
    """w [D] and b, so that w·x + b is what the unit sums up for the numbers x as they come in, before any SCALE.

    None if the network is no perceptron and no linear unit.
    """
    kinds = [layer.kind for layer in network.layers if layer.kind not in ("input", "scale")]
    if kinds not in (["fc"], ["fc", "step"]) or network.outputs != 1:
        return None
    kept = {layer.kind: layer.parameters for layer in network.layers}
    w, b = kept["fc"]["W"][:, 0].astype(np.float64), float(kept["fc"]["b"][0])
    if "scale" in kept:
        w = w / kept["scale"]["deviation"]
        b -= float(w @ kept["scale"]["mean"])
    return w, b
