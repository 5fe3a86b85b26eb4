"""How the learning rate moves in the course of a training: a factor on it for each progress 0 ≤ t ≤ 1."""

from collections.abc import Callable
from math import cos, pi

RISE = 0.25  # the part of a one-cycle schedule in which the rate still rises


def constant(t: float) -> float:
    """1 all the time."""
    return 1.0


def steps(t: float) -> float:
    """1, then a tenth from the middle on, then a hundredth for the last quarter."""
    return 1.0 if t < 0.5 else 0.1 if t < 0.75 else 0.01


def cosine(t: float) -> float:
    """From 1 down to 0 on half a wave (Loshchilov and Hutter 2017, https://arxiv.org/abs/1608.03983)."""
    return (1 + cos(pi * t)) / 2


def one_cycle(t: float) -> float:
    """From 1/25 up to 1, then down to 0, on half waves (Smith 2018, https://arxiv.org/abs/1708.07120)."""
    if t < RISE:
        return 1 / 25 + (1 - 1 / 25) * (1 - cosine(t / RISE))
    return cosine((t - RISE) / (1 - RISE))


SCHEDULES: dict[str, Callable[[float], float]] = {
    "constant": constant,
    "steps": steps,
    "cosine": cosine,
    "one-cycle": one_cycle,
}
