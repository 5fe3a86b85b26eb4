"""The losses: what is made small. Each gives the mean over the examples, and its gradient.

A loss answers `(value, dY)` for outputs Y [N,K] and targets T [N,K], a row of T being 1 at the true label and 0
elsewhere. Softmax and sigmoid have a cross-entropy whose gradient, taken through the activation at once, is just
y - t; it is computed that way, from the values Z before the activation, where it can neither overflow nor vanish.
"""

from collections.abc import Callable

import numpy as np

from pipeline.network.layer import Array

Loss = Callable[[Array, Array], tuple[float, Array]]


def one_hot(labels: np.ndarray, K: int, dtype: np.dtype[np.floating]) -> Array:
    """Targets T [N,K] for labels [N]."""
    T = np.zeros((len(labels), K), dtype)
    T[np.arange(len(labels)), labels] = 1
    return T


def mean_squared_error(Y: Array, T: Array) -> tuple[float, Array]:
    """E = ½ Σ_k (y_k - t_k)², dE/dy = y - t."""
    D = Y - T
    return 0.5 * float(np.vdot(D, D)) / len(Y), D / len(Y)


def softmax_cross_entropy(Z: Array, T: Array) -> tuple[float, Array]:
    """E = -Σ_k t_k log y_k with y = softmax(z), dE/dz = y - t."""
    Z = Z - Z.max(axis=1, keepdims=True)
    exp = np.exp(Z)
    total = exp.sum(axis=1, keepdims=True)
    value = float(np.vdot(T, np.log(total) - Z)) / len(Z)
    return value, (exp / total - T) / len(Z)


def sigmoid_cross_entropy(Z: Array, T: Array) -> tuple[float, Array]:
    """E = -Σ_k t_k log y_k + (1 - t_k) log(1 - y_k) with y = sigmoid(z), dE/dz = y - t."""
    value = float(np.sum(np.logaddexp(0, Z) - T * Z)) / len(Z)
    return value, (0.5 * (1 + np.tanh(0.5 * Z)) - T) / len(Z)
