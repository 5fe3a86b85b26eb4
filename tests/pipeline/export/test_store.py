"""The model store: whole versions or none, whatever happens while one is published."""

import errno
import json
import os
import shutil
import signal
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline import files
from pipeline.errors import StoreError
from pipeline.export import store


def fill(folder: Path, version: int) -> None:
    """A version of two files, one of them in a folder."""
    (folder / "manifest.json").write_text(json.dumps({"version": version}))
    (folder / "report").mkdir(exist_ok=True)
    (folder / "report" / "index.html").write_text("report")


def tree(root: Path) -> dict[str, bytes]:
    """All that is in a folder, by path."""
    return {str(path.relative_to(root)): path.read_bytes() if path.is_file() else b"" for path in root.rglob("*")}


def full(*_: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def read_only(*_: object, **__: object) -> None:
    raise OSError(errno.EROFS, os.strerror(errno.EROFS))


@pytest.fixture
def models(tmp_path: Path) -> Path:
    """A store with versions 1 and 2 of “cnn”."""
    for _ in range(2):
        store.publish(tmp_path / "models", "cnn", fill)
    return tmp_path / "models"


def test_versions_count_up_from_one(tmp_path: Path) -> None:
    assert [store.publish(tmp_path / "new" / "models", "cnn", fill) for _ in range(11)] == list(range(1, 12))
    assert store.versions(tmp_path / "new" / "models", "cnn") == list(range(1, 12))
    assert store.publish(tmp_path / "new" / "models", "fnn", fill) == 1
    assert store.names(tmp_path / "new" / "models") == ["cnn", "fnn"]


def test_the_number_of_a_version_that_was_removed_is_not_used_again(models: Path) -> None:
    shutil.rmtree(models / "cnn" / "1")
    assert store.publish(models, "cnn", fill) == 3


def test_a_version_is_what_was_filled_in_and_nothing_beside_it(models: Path) -> None:
    assert {name for name in tree(models) if "/" not in name.removeprefix("cnn/")} == {"cnn", "cnn/1", "cnn/2"}
    assert tree(models / "cnn" / "2") == {
        "manifest.json": b'{"version": 2}',
        "report": b"",
        "report/index.html": b"report",
    }


def test_everybody_may_read_a_version(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        store.publish(tmp_path, "cnn", fill)
    finally:
        os.umask(before)
    version = tmp_path / "cnn" / "1"
    modes = {stat.S_IMODE(path.stat().st_mode) for path in version.rglob("*") if path.is_file()}
    folders = {stat.S_IMODE(path.stat().st_mode) for path in (version, version / "report")}
    assert (modes, folders) == ({0o644}, {0o755})


def test_what_is_no_version_is_passed_over(models: Path) -> None:
    for name in ("03", "0", "-1", "draft", ".publishing-abc", "1.5", "٣"):
        (models / "cnn" / name).mkdir()
    (models / "cnn" / "7").write_text("a file")
    (models / ".hidden" / "1").mkdir(parents=True)
    (models / "empty").mkdir()
    (models / "README.md").write_text("about")
    assert store.versions(models, "cnn") == [1, 2]
    assert store.names(models) == ["cnn"]


def test_the_newest_is_current_until_one_is_promoted(models: Path) -> None:
    assert store.current(models, "cnn") == 2
    store.promote(models, "cnn", 1)
    assert store.current(models, "cnn") == 1
    assert store.publish(models, "cnn", fill) == 3
    assert store.current(models, "cnn") == 1
    store.promote(models, "cnn", None)
    assert store.current(models, "cnn") == 3
    store.promote(models, "cnn", None)
    assert not (models / "cnn" / "current").exists()


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda models: store.promote(models, "cnn", 9), r"no version 9 there; expected one of: 1, 2"),
        (lambda models: store.promote(models, "fnn", 1), r"no model “fnn” there; expected one of: cnn"),
        (lambda models: store.promote(models, "fnn", None), r"no model “fnn” there"),
        (lambda models: store.folder(models, "cnn", 3), r"no version 3 there"),
        (lambda models: store.current(models / "none", "cnn"), r"no such folder; `pipeline train` makes one"),
        (lambda models: store.names(models / "none"), r"no such folder"),
    ],
)
def test_what_is_not_there_is_said_with_what_is(models: Path, call: Callable[[Path], object], said: str) -> None:
    with pytest.raises(StoreError, match=said):
        call(models)


@pytest.mark.parametrize("text", ["", "two", "0", "-1", "2\n3", "../1"])
def test_a_damaged_current_is_named(models: Path, text: str) -> None:
    (models / "cnn" / "current").write_text(text)
    with pytest.raises(StoreError, match=r"current: expected the number of a version"):
        store.current(models, "cnn")


@pytest.mark.parametrize(
    ("text", "said"), [(None, "No such file"), ("{", "expected a manifest in JSON"), ("[]", "got a list")]
)
def test_a_damaged_manifest_is_named(models: Path, text: str | None, said: str) -> None:
    path = models / "cnn" / "2" / "manifest.json"
    path.unlink() if text is None else path.write_text(text)
    with pytest.raises(StoreError, match=rf"2/manifest\.json.*{said}"):
        store.manifest(models, "cnn", 2)


def test_summary(models: Path) -> None:
    (models / "cnn" / "2" / "manifest.json").write_text(
        json.dumps({"metrics": {"accuracy": 0.98765}, "parameters": 12345, "created": "2025-01-01T00:00:00Z"})
    )
    (models / "cnn" / "2" / "model.onnx").write_bytes(bytes(1_500_000))
    assert store.summary(models, "cnn", 2) == ("98.77%", "12,345", "1.50 MB", "2025-01-01T00:00:00Z")
    assert store.summary(models, "cnn", 1)[:2] == ("?", "0")


@pytest.mark.parametrize(
    "name", ["", ".", "..", ".hidden", "a/b", "../up", "/root", "a b", "a\n", "-x", "ä", "x" * 65, "a\0b", "a\\b"]
)
def test_a_bad_name_is_refused_before_anything_is_touched(tmp_path: Path, name: str) -> None:
    with pytest.raises(StoreError, match="cannot be a model's name: expected letters, digits"):
        store.publish(tmp_path / "models", name, fill)
    assert not (tmp_path / "models").exists()


@pytest.mark.parametrize("name", ["cnn", "A", "0", "my-model_1.2", "x" * 64])
def test_good_names(tmp_path: Path, name: str) -> None:
    assert store.publish(tmp_path, name, fill) == 1


# ---------------------------------------------------------------- what goes wrong
def full_while_filling(folder: Path, version: int) -> None:
    fill(folder, version)
    full()


@pytest.mark.parametrize("name", ["cnn", "new"])
def test_a_full_disk_leaves_the_store_as_it_was(models: Path, name: str) -> None:
    before = tree(models)
    with pytest.raises(StoreError, match=r"No space left on device.*nothing was published: free some space"):
        store.publish(models, name, full_while_filling)
    assert tree(models) == before
    assert store.publish(models, name, fill) == (3 if name == "cnn" else 1)


def test_a_disk_that_is_found_full_when_flushing(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = tree(models)
    monkeypatch.setattr(files, "flush", full)
    with pytest.raises(StoreError, match="No space left"):
        store.publish(models, "cnn", fill)
    with pytest.raises(StoreError, match="No space left"):
        store.promote(models, "cnn", 1)
    monkeypatch.undo()
    assert {name: content for name, content in tree(models).items() if name != "cnn/current"} == before


@pytest.mark.parametrize("method", ["mkdir", "rename", "chmod"])
def test_a_store_that_turns_read_only(models: Path, monkeypatch: pytest.MonkeyPatch, method: str) -> None:
    before = tree(models)
    with monkeypatch.context() as patch:
        patch.setattr(Path, method, read_only)
        with pytest.raises(StoreError, match=r"cannot write to the model store \(Read-only file system"):
            store.publish(models, "cnn", lambda folder, version: None)
    assert tree(models) == before


def test_a_store_below_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match=r"cannot write to the model store .* or choose another --store"):
        store.publish(tmp_path / "file" / "models", "cnn", fill)


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
def test_whatever_is_raised_while_filling(models: Path, error: type[BaseException]) -> None:
    before = tree(models)

    def fails(folder: Path, version: int) -> None:
        fill(folder, version)
        raise error

    with pytest.raises(error):
        store.publish(models, "cnn", fails)
    assert tree(models) == before


def test_somebody_else_publishes_in_between(models: Path) -> None:
    """The number is taken when this one is done: it takes the next, and is filled again to say so."""

    def slow(folder: Path, version: int) -> None:
        fill(folder, version)
        if version == 3:
            assert store.publish(models, "cnn", fill) == 3

    assert store.publish(models, "cnn", slow) == 4
    assert store.manifest(models, "cnn", 4) == {"version": 4}
    assert store.manifest(models, "cnn", 3) == {"version": 3}


# ---------------------------------------------------------------- other processes
PUBLISH = """
import sys, time
from pathlib import Path
from pipeline.export import store

root, rank = Path(sys.argv[1]), sys.argv[2]

def fill(folder, version):
    for name in "abc":
        (folder / name).write_text(f"{rank} {version}")
    if rank == "sleeper":
        print("filling", flush=True)
        time.sleep(60)

print("ready", flush=True)
sys.stdin.readline()
print(*[store.publish(root, "cnn", fill) for _ in range(5)], flush=True)
"""


def publisher(root: Path, rank: str) -> subprocess.Popen[str]:
    """A process that publishes five versions when it is told to."""
    process = subprocess.Popen(
        [sys.executable, "-c", PUBLISH, str(root), rank], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "ready\n"
    return process


def test_processes_that_publish_at_once_get_versions_of_their_own(tmp_path: Path) -> None:
    processes = [publisher(tmp_path, str(rank)) for rank in range(4)]
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    versions = [int(word) for process in processes for word in process.communicate(timeout=60)[0].split()]
    assert sorted(versions) == store.versions(tmp_path, "cnn") == list(range(1, 21))
    for version in versions:
        content = tree(tmp_path / "cnn" / str(version))
        assert set(content) == {"a", "b", "c"}
        (text,) = set(content.values())
        assert text.decode().split()[1] == str(version)


def test_a_publisher_that_is_killed_leaves_nothing_to_be_seen(models: Path) -> None:
    process = publisher(models, "sleeper")
    with process:
        process.stdin.write("go\n")
        process.stdin.flush()
        assert process.stdout.readline() == "filling\n"
        process.send_signal(signal.SIGKILL)
    left = {path.name for path in (models / "cnn").iterdir()} - {"1", "2"}
    assert all(name.startswith(".") for name in left), "readers leave out names that begin with a dot"
    assert store.versions(models, "cnn") == [1, 2]
    assert store.publish(models, "cnn", fill) == 3
    for name in left:
        os.utime(models / "cnn" / name, (0, 0))
    assert store.publish(models, "cnn", fill) == 4
    assert not left & set(os.listdir(models / "cnn")), "the next one sweeps it away"


def test_what_somebody_is_just_publishing_is_not_swept_away(models: Path) -> None:
    process = publisher(models, "sleeper")
    with process:
        process.stdin.write("go\n")
        process.stdin.flush()
        assert process.stdout.readline() == "filling\n"
        (under_way,) = (models / "cnn").glob(".publishing-*")
        os.utime(under_way, (0, 0))
        assert store.publish(models, "cnn", fill) == 3
        assert under_way.is_dir()
        process.kill()


def test_another_user_can_read_what_a_private_umask_published(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        store.publish(tmp_path, "cnn", lambda folder, version: (folder / "model.onnx").touch())
        store.promote(tmp_path, "cnn", 1)
    finally:
        os.umask(before)
    modes = {path.name: path.stat().st_mode & 0o777 for path in (tmp_path / "cnn").rglob("*")}
    assert modes == {"1": 0o755, "model.onnx": 0o644, "current": 0o644}
    assert (tmp_path / "cnn").stat().st_mode & 0o777 == 0o755
