"""What the pixels of training data look like, which is what every picture is brought to."""

from typing import Literal, NamedTuple


class Target(NamedTuple):
    """Bright ink on black in height × width pixels.

    box: the longer side of the ink's box, in pixels.
    centre: what lies in the middle: the centre of mass of the ink, or its box.
    pen: the narrowest and widest stroke that is left as it is, as shares of the box.
    edge: how much ink is black and how much is white, as shares of the pen's full ink: strokes are as soft as that.
    rim: from which level, of 1, a soft edge belongs to the box.
    """

    height: int
    width: int
    box: int
    centre: Literal["mass", "box"]
    pen: tuple[float, float]
    edge: tuple[float, float]
    rim: float


# The recipe is LeCun's, from the MNIST page: the box to 20×20, the mass to the centre of 28×28. It puts the mass in the
# middle of pixel (14, 14), counted from 0.
MNIST = Target(28, 28, box=20, centre="mass", pen=(0.1, 0.18), edge=(0.25, 0.75), rim=0.4)
# The digits of scikit-learn are 32×32 bitmaps counted in blocks of 4×4, rescaled from 0..16 to 0..255; at so few
# pixels the edges are most of a digit, so they stay soft.
DIGITS = Target(8, 8, box=8, centre="box", pen=(0.12, 0.22), edge=(0.1, 0.9), rim=0.1)


def middle(target: Target, axis: int) -> float:
    """Where the centre of the ink belongs, in pixels from the edge."""
    return (target.height, target.width)[axis] / 2 + (0.5 if target.centre == "mass" else 0.0)
