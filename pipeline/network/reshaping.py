"""The layers that only move values: what comes in, and the way from maps to rows."""

import numpy as np

from pipeline.network.layer import Array, Backprop, Layer
from pipeline.network.notation import Shape


class Input(Layer):
    """The examples as the datasets hold them: uint8 pixels [N,C,H,W] or features [N,D].

    Pixels are scaled from 0..255 to 0..1 and laid as the network has its maps, [H,W,N,C]; features pass as they are.
    Where the network begins with rows (`INPUT 784`), the pixels of an image stand in the order C, H, W.
    """

    kind = "input"

    def __init__(self, example: Shape, shape: Shape, dtype: np.dtype[np.floating]) -> None:
        super().__init__(shape)
        self.example = example
        self.dtype = dtype

    def forward(self, X: Array, rng: np.random.Generator | None = None) -> tuple[Array, Backprop]:
        """float [H,W,N,C] or [N,D]; there is no way back, since nothing before it learns."""
        if len(self.example) == 1:
            return X.astype(self.dtype, copy=False), lambda dY: dY
        laid = X.transpose(2, 3, 0, 1) if len(self.shape) == 3 else X.reshape(len(X), -1)
        Y: Array = self.buffers.get("Y", laid.shape, self.dtype)
        np.multiply(laid, self.dtype.type(1 / 255), out=Y)
        return Y, lambda dY: dY


class Flatten(Layer):
    """[H,W,N,C] to [N, H·W·C]."""

    kind = "flatten"

    def __init__(self, shape: Shape) -> None:
        super().__init__((int(np.prod(shape)),))
        self.maps = (*shape[1:], shape[0])

    def forward(self, X: Array, rng: np.random.Generator | None = None) -> tuple[Array, Backprop]:
        """Y [N, H·W·C] and the way back."""
        Y: Array = self.buffers.get("Y", (X.shape[2], *self.maps), X.dtype)
        Y[...] = X.transpose(2, 0, 1, 3)

        def backprop(dY: Array) -> Array:
            dX: Array = self.buffers.get("dX", X.shape, X.dtype)
            dX[...] = dY.reshape(Y.shape).transpose(1, 2, 0, 3)
            return dX

        return Y.reshape(len(Y), -1), backprop
