"""A store as the pipeline publishes it, from the command line: pictures of ink and plain numbers."""

import os
from contextlib import redirect_stdout
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings

from pipeline.__main__ import main

settings.register_profile("house", derandomize=True, deadline=None, max_examples=30)
settings.load_profile("house")


def pipeline(*arguments: object) -> None:
    """Run a command of the pipeline; it must succeed."""
    with open(os.devnull, "w") as nowhere, redirect_stdout(nowhere), pytest.raises(SystemExit) as ended:
        main([str(argument) for argument in arguments])
    assert not ended.value.code


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with models/ and runs/, of one version each of “cnn” (the digits) and “flowers” (numbers).

    And of the units: the perceptrons “and” and “xor”, and “salary”, a regression.
    """
    home, rng = tmp_path_factory.mktemp("contract"), np.random.default_rng(1)
    labels = rng.integers(0, 3, 120)
    X = rng.normal(size=(120, 4)) + 3 * np.eye(3, 4)[labels]
    np.savez(home / "flowers.npz", X=X, y=labels, label_names=np.array(["Iris setosa", "Märzenbecher", "百合"]))
    places = ("--store", home / "models", "--runs", home / "runs", "--workers", 1)
    small = "INPUT 1x8x8 -> CONV 8@3x3 same relu -> POOL max 2x2 -> FC 10 softmax"
    options = ("--augment", "none", "--learning-rate", 0.005, *places)
    pipeline("train", "cnn", "--dataset", "digits", "--architecture", small, "--epochs", 25, *options)
    pipeline("train", "fnn", "--dataset", home / "flowers.npz", "--name", "flowers", "--epochs", 5, *places)
    for name in ("and", "xor"):
        pipeline("train", "perceptron", "--dataset", name, "--name", name, "--epochs", 20, *places)
    (home / "salary.csv").write_text("years,salary\n5,5500\n3,2300\n8,7600\n1.4,1800\n10.1,11400\n")
    pipeline("train", "linear", "--dataset", home / "salary.csv", "--name", "salary", "--epochs", 200, *places)
    return home
