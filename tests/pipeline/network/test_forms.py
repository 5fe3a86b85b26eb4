"""Every form of INPUT -> (CONV * N -> POOL?) * M -> FC * K parses, fits and learns."""

from dataclasses import dataclass

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.network.network import Network
from pipeline.network.parser import parse
from pipeline.training.loop import fit
from pipeline.training.recipe import Recipe

LABELS = 3


@dataclass(frozen=True)
class Form:
    """How often each part is there; pool: "" for none."""

    N: int
    M: int
    K: int
    pool: str
    conv: str
    activation: str
    channels: int
    side: int

    def __str__(self) -> str:
        parts = [f"{self.conv} {self.activation} * {self.N}"] if self.N else []
        parts += [self.pool] if self.pool else []
        maps = [f"({' -> '.join(parts)}) * {self.M}"] if parts and self.M else []
        hidden = [f"FC 5 {self.activation} * {self.K - 1}"] if self.K > 1 else []
        shape = f"INPUT {self.channels}x{self.side}x{self.side}"
        return " -> ".join([shape, *maps, *hidden, f"FC {LABELS} softmax"])

    @property
    def layers(self) -> int:
        """That learn."""
        return self.M * self.N + self.K


forms = st.builds(
    Form,
    N=st.integers(0, 2),
    M=st.integers(0, 2),
    K=st.integers(1, 3),
    pool=st.sampled_from(["", "POOL max 2x2", "POOL avg 2x2", "POOL max 3x3 stride 2", "POOL avg 2x2 stride 1"]),
    conv=st.sampled_from(["CONV 4@3x3 same", "CONV 2@3x3", "CONV 3@2x3 same", "CONV 4@3x3 stride 2 same"]),
    activation=st.sampled_from(["relu", "sigmoid", "tanh", ""]),
    channels=st.sampled_from([1, 3]),
    side=st.integers(20, 24),
)


@given(forms, st.sampled_from(["adam", "sgd"]), st.sampled_from([1, 4, "full"]))
@settings(max_examples=60)
def test_every_form_learns(form: Form, optimizer: str, batch_size: int | str) -> None:
    if form.M * form.N > 2 and "stride 2" in form.conv:
        form = Form(**{**form.__dict__, "conv": "CONV 4@3x3 same"})  # nothing would be left to look at
    architecture = parse(str(form))
    assert parse(str(architecture)) == architecture
    rng = np.random.default_rng(form.side)
    labels = np.arange(6) % LABELS
    data = {
        "X": rng.integers(0, 256, (6, form.channels, form.side, form.side), np.uint8),
        "labels": labels,
        "learn": np.arange(6),
        "look": np.arange(0),
    }
    recipe = Recipe(str(architecture), 2, batch_size, optimizer, learning_rate=0.01, schedule="constant")
    network = Network(architecture)
    assert sum(layer.size > 0 for layer in network.layers) == form.layers
    network.initialise(np.random.default_rng([recipe.seed, 0]))
    before = [W.copy() for layer in network.layers for W in layer.parameters.values()]
    history = fit(network, data["X"].shape[1:], data, recipe, workers=1)
    assert all(np.isfinite(line["train_loss"]) for line in history)
    after = [W for layer in network.layers for W in layer.parameters.values()]
    assert all((a != b).any() for a, b in zip(before[-2:], after[-2:], strict=True)), "the last layer at the least"
    moved = np.concatenate([(a != b).ravel() for a, b in zip(before, after, strict=True)])
    assert moved.mean() > 0.2
