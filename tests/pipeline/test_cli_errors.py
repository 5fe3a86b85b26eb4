"""What the command line answers to bad input: one line, the exit code of `errors.py`, and nothing half done."""

import errno
import gzip
import os
import shutil
import signal
import struct
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from pipeline.training.run import Run

TRAIN = ("train", "fnn", "--dataset", "digits", "--epochs", "1", "--workers", "1")


def refused(said: Any, code: int, *words: str) -> None:
    """One line on stderr that says so, and the exit code."""
    assert said.err.startswith("Error: "), said.err
    assert said.err.count("\n") == 1
    assert said.err.endswith("\n")
    for word in words:
        assert word in said.err
    assert said.code == code


def nothing_was_made() -> None:
    assert not Path("runs").exists()
    assert not Path("models").exists()


# ---------------------------------------------------------------- data
def test_unknown_dataset(pipeline: Any) -> None:
    refused(pipeline("train", "fnn", "--dataset", "mnsit"), 3, "'mnsit'", "did you mean mnist?")
    refused(pipeline("train", "fnn", "--dataset", "mnist", "--data-dir", "nowhere"), 3, "nowhere", "expected a folder")
    nothing_was_made()


def idx(path: Path, array: np.ndarray, sizes: tuple[int, ...] | None = None) -> Path:
    """An IDX file, gzipped; `sizes` for a header that does not tell the truth."""
    header = struct.pack(f">I{array.ndim}I", 0x800 | array.ndim, *(sizes or array.shape))
    path.write_bytes(gzip.compress(header + array.astype(np.uint8).tobytes()))
    return path


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    """Four good files of 40 and 20 pictures of 8x8, ten labels: train and t10k, images and labels."""
    rng, found = np.random.default_rng(1), {}
    (tmp_path / "idx").mkdir()
    for split, n in (("train", 40), ("t10k", 20)):
        home = tmp_path / "idx"
        found[f"{split}-images"] = idx(home / f"{split}-images-idx3-ubyte.gz", rng.integers(0, 256, (n, 8, 8)))
        found[f"{split}-labels"] = idx(home / f"{split}-labels-idx1-ubyte.gz", np.arange(n) % 10)
    return found


def truncate(files: dict[str, Path]) -> None:
    path = files["train-images"]
    path.write_bytes(path.read_bytes()[:-100])


def cut_short(files: dict[str, Path]) -> None:
    idx(files["train-images"], np.zeros((39, 8, 8)), sizes=(40, 8, 8))


def swap(files: dict[str, Path]) -> None:
    images, labels = files["train-images"].read_bytes(), files["train-labels"].read_bytes()
    files["train-images"].write_bytes(labels)
    files["train-labels"].write_bytes(images)


def another_magic(files: dict[str, Path]) -> None:
    files["t10k-labels"].write_bytes(gzip.compress(b"PK\x03\x04" * 20))


def fewer_labels(files: dict[str, Path]) -> None:
    idx(files["train-labels"], np.arange(39) % 10)


def label_out_of_range(files: dict[str, Path]) -> None:
    idx(files["t10k-labels"], np.arange(20) % 10 + (np.arange(20) == 7) * 5)


def other_sizes(files: dict[str, Path]) -> None:
    idx(files["t10k-images"], np.zeros((20, 9, 8)))


def one_missing(files: dict[str, Path]) -> None:
    files["t10k-labels"].unlink()


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (truncate, ["train-images", "cut off"]),
        (cut_short, ["train-images", "40 x 8 x 8", "cut off"]),
        (swap, ["train-images", "are the images and labels swapped?"]),
        (another_magic, ["t10k-labels", "is this the right file?"]),
        (fewer_labels, ["train-labels", "one label for each of the 40 images", "there are 39"]),
        (label_out_of_range, ["t10k-labels", "labels from 0 to 9, label 7 is 12"]),
        (other_sizes, ["t10k-images", "pictures of (8, 8)"]),
        (one_missing, ["t10k-labels-idx1-ubyte.gz missing"]),
    ],
)
@pytest.mark.parametrize("name", ["mnist", "fashion-mnist"])
def test_idx_files(pipeline: Any, files: dict[str, Path], damage: Any, words: list[str], name: str) -> None:
    damage(files)
    refused(pipeline("train", "fnn", "--dataset", name, "--data-dir", files["train-images"].parent), 3, *words)
    nothing_was_made()


def test_good_idx_files_are_taken(pipeline: Any, files: dict[str, Path]) -> None:
    said = pipeline(*TRAIN, "--dataset", "mnist", "--data-dir", files["train-images"].parent, "--no-publish")
    assert said.code == 0


def test_a_folder_without_pictures(pipeline: Any, tmp_path: Path) -> None:
    (tmp_path / "empty" / "a").mkdir(parents=True)
    said = pipeline("train", "cnn", "--dataset", "empty")
    refused(said, 3, "empty")
    nothing_was_made()


def test_data_that_changed_since_the_run(pipeline: Any, trained: Any, tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    X, y = rng.normal(size=(60, 4)), np.arange(60) % 3
    np.savez(tmp_path / "data.npz", X=X, y=y)
    assert pipeline("train", "fnn", "--dataset", "data.npz", "--epochs", 1, "--no-publish").code == 0
    (folder,) = Path("runs").iterdir()
    np.savez(tmp_path / "data.npz", X=X + 1, y=y)
    refused(pipeline("evaluate", folder), 3, "the data has changed since this run", "train again")
    refused(pipeline("export", folder), 3, "the data has changed since this run")


def test_data_check_of_what_cannot_be_read(pipeline: Any, trained: Any, tmp_path: Path) -> None:
    (tmp_path / "empty" / "a").mkdir(parents=True)
    refused(pipeline("data", "check", "empty"), 3, "empty")
    refused(pipeline("data", "check", "mnsit"), 3, "did you mean mnist?")
    refused(pipeline("data", "check", "digits", "--model", "cnn", "--store", trained.store), 9, "no model “cnn”")
    refused(pipeline("data", "check", "digits", "--model", "cnn", "--store", "nowhere"), 9, "nowhere")
    shutil.copytree(trained.store, "models")
    Path("models/fnn/1/model.onnx").unlink()
    said = pipeline("data", "check", "digits", "--model", "fnn")
    assert said.code == 9
    assert "model.onnx: cannot be read" in said.err.splitlines()[-1]


# ---------------------------------------------------------------- the network
@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        ("INPUT 64 -> FC ten", 5, ["character 16", "expected the number of units", "“ten”"]),
        ("INPUT 64 ->\n FC 10 sofmax", 5, ["did you mean softmax?"]),
        ("INPUT 1x28x28 -> FC 10 softmax", 5, ["INPUT 1x28x28 does not fit the data", "1x8x8 or 64"]),
        ("INPUT 1x8x8 -> CONV 4@9x9 -> FC 10 softmax", 5, ["kernel 9x9 is larger than its input 1x8x8"]),
        (
            "INPUT 1x8x8 -> (CONV 4@3x3 -> POOL max 2x2) * 2 -> FC 10 softmax",
            5,
            ["POOL max 2x2", "larger than its input 4x1x1"],
        ),
        ("INPUT 64 -> FC 9 -> CONV 4@3x3 -> FC 10 softmax", 5, ["CONV 4@3x3 works on maps, but gets 9 values"]),
        ("INPUT 1x8x8 -> CONV 4@3x3", 5, ["the last layer gives maps of 4x6x6"]),
        ("INPUT 64 -> FC 10 relu", 5, ["the cross-entropy needs probabilities", "--loss mse"]),
        ("INPUT 64 -> FC 1000000 -> FC 1000000 -> FC 10 softmax", 5, ["parameters", "fc2"]),
        ("INPUT 64 -> FC 9 softmax", 6, ["9 outputs", "digits has 10 labels", "FC 10 softmax"]),
        ("INPUT 64 -> FC 5 step -> FC 10 softmax", 6, ["step1", "gradient of 0"]),
    ],
)
def test_architectures(pipeline: Any, text: str, code: int, words: list[str]) -> None:
    refused(pipeline(*TRAIN, "--architecture", text), code, *words)
    nothing_was_made()


def test_a_cnn_on_plain_numbers(pipeline: Any, tmp_path: Path) -> None:
    np.savez(tmp_path / "data.npz", X=np.random.default_rng(1).normal(size=(60, 4)), y=np.arange(60) % 3)
    refused(pipeline("train", "cnn", "--dataset", "data.npz"), 6, "train fnn instead")
    refused(pipeline("train", "fnn", "--dataset", "data.npz", "--augment", "affine"), 6, "--augment affine")
    nothing_was_made()


@pytest.mark.parametrize("name", ["a/b", "../up", ".hidden", "a b"])
def test_a_bad_name_is_said_before_the_training(pipeline: Any, name: str) -> None:
    refused(pipeline(*TRAIN, "--name", name), 9, f"“{name}” cannot be a model's name")
    nothing_was_made()


# ---------------------------------------------------------------- training
def test_a_loss_that_is_no_number(pipeline: Any) -> None:
    said = pipeline(
        *(*TRAIN, "--architecture", "INPUT 64 -> FC 10", "--loss", "mse", "--optimizer", "sgd"),
        *("--learning-rate", "1e30", "--schedule", "constant"),
    )
    refused(said, 6, "the loss became", "of epoch 1", "try --learning-rate 0.1 instead of 1e+30")
    (folder,) = Path("runs").iterdir()
    assert Run(folder).history == []
    assert not Path("models").exists()


def test_weights_that_are_missing(pipeline: Any, trained: Any, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(trained.run, tmp_path / "run"))
    (folder / "weights.npz").unlink()
    refused(pipeline("evaluate", folder), 7, "weights.npz", "train it first")


def test_runs_that_cannot_be_written(pipeline: Any, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    refused(pipeline(*TRAIN, "--runs", "file/runs"), 7, "cannot make a run folder there", "another --runs")


@pytest.mark.parametrize("name", ["history.jsonl", "weights.npz", "metrics.json", "model.onnx"])
def test_a_disk_that_fills_up_while_it_runs(pipeline: Any, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Wherever in the run folder it happens, it is said in one line, and nothing is published."""
    opened = Path.open

    def full(path: Path, mode: str = "r", *rest: Any, **named: Any) -> Any:
        if name in path.name and mode[0] in "wa":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        return opened(path, mode, *rest, **named)

    monkeypatch.setattr(Path, "open", full)
    refused(pipeline(*TRAIN), 7, "No space left on device")
    assert not Path("models").exists()


INTERRUPT = (*TRAIN[:4], "--epochs", "1000", "--workers", "2", "--batch-size", "128")


@pytest.mark.timeout(120)
@pytest.mark.parametrize("sign", ["tmp/numserve-*", "runs/*/history.jsonl"], ids=["workers start", "an epoch is done"])
def test_ctrl_c_keeps_what_there_is(pipeline: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, sign: str) -> None:
    """Sent to the whole group of processes, as a terminal does, when there is the sign of a moment on disk."""
    (tmp_path / "tmp").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    command = [sys.executable, "-m", "pipeline", *INTERRUPT]
    with subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        while not any(Path().glob(sign)):
            assert process.poll() is None, process.stderr.read()
            time.sleep(0.005)
        os.killpg(process.pid, signal.SIGINT)
        _, err = process.communicate()
    (folder,) = Path("runs").iterdir()
    assert process.returncode == 130
    assert str(folder) in err
    assert err.strip().count("\n") == 0, "one line, and none from the workers"
    assert not Path("models").exists()
    for step in ("evaluate", "export", "publish"):
        assert pipeline(step, folder).code == 0


def test_ctrl_c_before_the_training_begins(pipeline: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("pipeline.steps.load", interrupted)
    said = pipeline(*TRAIN)
    assert (said.code, said.err.strip()) == (130, "interrupted")
    nothing_was_made()


# ---------------------------------------------------------------- the parity gate
def test_what_fails_the_parity_gate_is_neither_exported_nor_published(
    pipeline: Any, trained: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = Path(shutil.copytree(trained.run, tmp_path / "run"))
    shutil.rmtree(folder / "export")
    monkeypatch.setattr("pipeline.export.parity.TOLERANCE", 0.0)
    refused(pipeline("export", folder), 8, "parity: NumPy and onnxruntime differ by", "nothing is published")
    assert not (folder / "export").exists()
    refused(pipeline("publish", folder), 7, "parity.json")
    assert not Path("models").exists()


# ---------------------------------------------------------------- the store
def test_a_full_disk_while_publishing(pipeline: Any, trained: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    write = Path.write_bytes

    def full(path: Path, content: bytes) -> int:
        if ".publishing" in str(path) and path.name == "model.onnx":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        return write(path, content)

    shutil.copytree(trained.store, "models")
    before = sorted(Path("models").rglob("*"))
    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", full)
        refused(pipeline("publish", trained.run), 9, "No space left on device", "nothing was published")
    assert sorted(Path("models").rglob("*")) == before
    assert pipeline("publish", trained.run).out == "published models/fnn/2\n"


def test_a_store_that_is_not_writable(pipeline: Any, trained: Any, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    refused(pipeline("publish", trained.run, "--store", "file/models"), 9, "cannot write to the model store", "--store")


def test_a_read_only_store(pipeline: Any, trained: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Root may write where nobody may, so the answer of a read-only file system is played."""

    def read_only(*_: object, **__: object) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    shutil.copytree(trained.store, "models")
    monkeypatch.setattr("pipeline.export.store.tempfile.mkdtemp", read_only)
    monkeypatch.setattr("pipeline.files.flush", read_only)
    refused(pipeline("publish", trained.run), 9, "Read-only file system")
    refused(pipeline("promote", "fnn", 1), 9, "Read-only file system")


def test_what_is_not_in_the_store(pipeline: Any, trained: Any, tmp_path: Path) -> None:
    Image.new("L", (8, 8)).save(tmp_path / "black.png")
    store = ("--store", trained.store)
    refused(pipeline("models", "--store", "nowhere"), 9, "nowhere", "no such folder")
    refused(pipeline("promote", "cnn", 1, *store), 9, "no model “cnn” there; expected one of: fnn")
    refused(pipeline("promote", "fnn", 7, *store), 9, "no version 7 there; expected one of: 1")
    refused(pipeline("predict", "cnn", "black.png", *store), 9, "no model “cnn”")
    refused(pipeline("predict", "fnn", "black.png", "--version", 7, *store), 9, "no version 7")


@pytest.mark.parametrize("name", ["manifest.json", "model.onnx", "preprocess.onnx"])
def test_a_damaged_version(pipeline: Any, trained: Any, tmp_path: Path, name: str) -> None:
    Image.new("L", (8, 8)).save(tmp_path / "black.png")
    shutil.copytree(trained.store, "models")
    Path("models/fnn/1", name).write_bytes(b"torn")
    said = pipeline("predict", "fnn", "black.png")
    refused(said, 9 if name == "manifest.json" else 8, name)


# ---------------------------------------------------------------- runs
def test_steps_out_of_order(pipeline: Any, trained: Any, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(trained.run, tmp_path / "run"))
    (folder / "export" / "parity.json").unlink()
    refused(pipeline("publish", folder), 7, "parity.json", f"`pipeline export {folder}` makes it")
    (folder / "metrics.json").unlink()
    refused(pipeline("publish", folder), 7, "metrics.json", f"`pipeline evaluate {folder}` makes it")
    nothing_was_made()


def test_a_folder_that_is_no_run(pipeline: Any, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    for command in ("evaluate", "export"):
        refused(pipeline(command, "folder"), 7, "folder", "is this a run folder?")
    refused(pipeline("publish", "folder"), 7, "folder")


# ---------------------------------------------------------------- the command line itself
@pytest.mark.parametrize(
    "arguments",
    [
        ("fly",),
        ("train",),
        ("train", "rnn"),
        ("train", "fnn", "--batch-size", "0"),
        ("train", "fnn", "--batch-size", "some"),
        ("train", "fnn", "--epochs", "0"),
        ("train", "fnn", "--optimizer", "magic"),
        ("train", "fnn", "--learning-rate", "-1"),
        ("train", "fnn", "--validation", "1"),
        ("train", "fnn", "--workers", "0"),
        ("train", "fnn", "--seed", "-1"),
        ("evaluate", "nowhere"),
        ("fetch", "digits"),
        ("promote", "fnn", "two"),
        ("predict", "fnn"),
        ("predict", "fnn", "x.png", "--top-k", "0"),
    ],
)
def test_wrong_options(pipeline: Any, arguments: tuple[str, ...]) -> None:
    said = pipeline(*arguments)
    assert said.code == 2
    assert "Error: " in said.err
    assert "Traceback" not in said.err
    nothing_was_made()


@pytest.mark.parametrize("arguments", [("--debug", "models"), ("models", "--debug")])
def test_debug_shows_the_traceback_and_keeps_the_exit_code(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    command = [sys.executable, "-m", "pipeline", *arguments]
    environment = {key: value for key, value in os.environ.items() if not key.startswith("NUMSERVE_")}
    said = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, env=environment, check=False)
    assert "Traceback (most recent call last)" in said.stderr
    assert "StoreError: models: expected a model store" in said.stderr
    assert said.returncode == 9
