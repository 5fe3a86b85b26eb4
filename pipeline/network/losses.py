"""The losses: what is made small. Each gives its value over the examples, and its gradient.

A loss answers `(value, dY)` for outputs Y [N,K] and targets T [N,K]; both are divided by B, the size of the batch that
the examples are part of, so that the parts of a batch add up to its mean. A row of T is 1 at the true label and 0
elsewhere. One unit for two labels has the target 0 or 1, and a regression the number that is to be answered.

Softmax and sigmoid have a cross-entropy whose gradient, taken through the activation at once, is just y - t; it is
computed that way, from the values Z before the activation, where it can neither overflow nor vanish.
"""

from collections.abc import Callable

import numpy as np

from pipeline.network.layer import Array

Loss = Callable[[Array, Array, int], tuple[float, Array]]


def targets(labels: np.ndarray, K: int, dtype: np.dtype[np.floating], smoothing: float = 0.0) -> Array:
    """T [N,K] for labels [N], or for the numbers [N] of a regression."""
    if K == 1:
        return labels.astype(dtype)[:, np.newaxis]
    return one_hot(labels, K, dtype, smoothing)


def one_hot(labels: np.ndarray, K: int, dtype: np.dtype[np.floating], smoothing: float = 0.0) -> Array:
    """Targets T [N,K] for labels [N]; `smoothing` of each 1 is shared out evenly among all K.

    Szegedy et al. 2016, section 7, https://arxiv.org/abs/1512.00567
    """
    T = np.full((len(labels), K), smoothing / K, dtype)
    T[np.arange(len(labels)), labels] += dtype.type(1 - smoothing)
    return T


def mean_squared_error(Y: Array, T: Array, B: int) -> tuple[float, Array]:
    """E = ½ Σ_k (y_k - t_k)², dE/dy = y - t."""
    D = Y - T
    return 0.5 * float(np.vdot(D, D)) / B, D / B


def perceptron_criterion(Z: Array, T: Array, B: int) -> tuple[float, Array]:
    """E = Σ_k (y_k - t_k) z_k with y = step(z), dE/dz = y - t: what is on the wrong side counts by its distance.

    So the step down its gradient is the perceptron's rule.
    """
    D = (Z > 0) - T
    return float(np.vdot(D, Z)) / B, D / B


def softmax_cross_entropy(Z: Array, T: Array, B: int) -> tuple[float, Array]:
    """E = -Σ_k t_k log y_k with y = softmax(z), dE/dz = y - t."""
    Z = Z - Z.max(axis=1, keepdims=True)
    Y = np.exp(Z)
    total = Y.sum(axis=1, keepdims=True)
    value = float(np.vdot(T, np.log(total) - Z)) / B
    Y /= total
    Y -= T
    Y /= B
    return value, Y


def sigmoid_cross_entropy(Z: Array, T: Array, B: int) -> tuple[float, Array]:
    """E = -Σ_k t_k log y_k + (1 - t_k) log(1 - y_k) with y = sigmoid(z), dE/dz = y - t."""
    value = float(np.sum(np.logaddexp(0, Z) - T * Z)) / B
    return value, (0.5 * (1 + np.tanh(0.5 * Z)) - T) / B
