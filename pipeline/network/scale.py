"""Numbers of any size brought to one size, so that one learning rate suits them all."""

import numpy as np

from pipeline.network.layer import Array, Backprop, Layer
from pipeline.network.notation import Shape


class Scale(Layer):
    """Y [N,D] = (X - mean) / deviation, where mean and deviation [D] are those of the training set.

    They are kept with the parameters, since they go where those go, but are measured, not learned.
    (LeCun et al. 1998, Efficient BackProp, 4.3: https://doi.org/10.1007/3-540-49430-8_2)
    """

    kind = "scale"

    def __init__(self, shape: Shape) -> None:
        super().__init__(shape, {"mean": shape, "deviation": shape})

    def initialise(self, rng: np.random.Generator, gain: float) -> None:
        """mean = 0, deviation = 1: nothing is changed before anything is measured."""
        self.parameters["mean"][...] = 0
        self.parameters["deviation"][...] = 1

    def measure(self, X: np.ndarray) -> None:
        """Take mean and deviation from examples X [N,D]; what is always the same is not divided."""
        deviation = X.std(axis=0, dtype=np.float64)
        self.parameters["mean"][...] = X.mean(axis=0, dtype=np.float64)
        self.parameters["deviation"][...] = np.where(deviation > 0, deviation, 1)

    def forward(self, X: Array, rng: np.random.Generator | None = None) -> tuple[Array, Backprop]:
        """Y [N,D]; the way back ends here, with gradients of 0."""
        mean, deviation = self.parameters["mean"], self.parameters["deviation"]

        def backprop(dY: Array) -> Array:
            for gradient in self.gradients.values():
                gradient[...] = 0
            return dY[:, :0]

        return (X - mean) / deviation, backprop
