"""Hostile requests against the real server with two workers: what was found once, always; and a search for more.

    FUZZ_SEED=7 FUZZ_REQUESTS=1000000 python -m pytest -m slow -s tests/service/test_fuzz.py

searches elsewhere and longer. The request that a search fails on is written to build/fuzz, as few mutations away from a
good one as hypothesis could make it: it belongs into tests/service/fuzz/found, where it is asked again in every run.
"""

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random

import pytest
from fuzz.mutations import CHANGES, FRAMINGS, MOST_BYTES, PICTURE_CHANGES, damaged
from fuzz.seeds import CARRIERS, KEY, PICTURES, PLAIN, READ
from fuzz.wire import Wires
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from running import Service, running, until
from stores import publish_features, publish_images

ROOT = Path(__file__).resolve().parents[2]
FOUND = sorted((Path(__file__).parent / "fuzz" / "found").iterdir())
SEED = int(os.environ.get("FUZZ_SEED", "1"))
REQUESTS = int(os.environ.get("FUZZ_REQUESTS", "20000"))
# The limits are low, so that what is over them is often asked for.
LIMITS = {
    "NUMSERVE_READ_SECONDS": "3600",
    "NUMSERVE_MAX_BODY": "300000",
    "NUMSERVE_MAX_PIXELS": "250000",
    "NUMSERVE_MAX_IMAGES": "8",
}
# What a worker may take more at the end than after a tenth of the requests, in MB. onnxruntime keeps what the largest
# picture took, which may come late (some 10 MB for these limits), and glibc fragments: 4 to 6 in all were seen. A leak
# of 2 KB a request, which is a picture of the median, would be 18.
GROWTH = 15


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The shipped model of pictures, a tiny one, and one of numbers; with API keys, so that these are fuzzed too."""
    folder = tmp_path_factory.mktemp("fuzz")
    shutil.copytree(ROOT / "models" / "cnn", folder / "models" / "cnn")
    publish_images(folder / "models", "tiny")
    publish_features(folder / "models")
    (folder / "keys").write_text(KEY)
    with running(folder / "models", folder / "log", NUMSERVE_API_KEYS_FILE=str(folder / "keys"), **LIMITS) as service:
        yield service
    check_log(service.log)


def check_log(log: Path) -> None:
    """Its lines are whole JSON, whatever was asked; none tells of a defect, or of such an answer that nobody read.

    Others are libtiff's, which prints what it thinks of a file to stderr; Pillow must not warn there in Python's way.
    """
    text = log.read_text(errors="replace")
    assert "Warning: " not in text
    lines = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
    assert lines
    for said in lines:
        assert said["level"] not in ("error", "critical"), said
        assert said.get("status", 200) < 500, said


@dataclass(frozen=True)
class Message:
    """A request as it is sent. certain: as in Request. It may be long, so its beginning stands for it."""

    data: bytes
    certain: bool

    def __repr__(self) -> str:
        return f"{'certain' if self.certain else 'raw'}: {self.data[:300]!r}"


class Search:
    """Asks, counts, and looks at the memory of the workers on the way."""

    def __init__(self, service: Service) -> None:
        self.service, self.sent, self.warm = service, 0, 0.0
        self.wires, self.pids = Wires(service.port, count=8), service.workers()

    def ask(self, message: Message) -> None:
        self.sent += 1
        if self.sent == REQUESTS // 10:
            self.warm = self.memory()
        try:
            self.wires.ask(message.data, message.certain)
            assert all(alive(pid) for pid in self.pids), "a worker is gone"
        except Exception:
            keep(message)
            self.begin_again()
            raise

    def begin_again(self) -> None:
        """What comes after a worker that died, such as a smaller request for it to die of, must find another."""
        self.wires.close()
        until(lambda: len(self.service.workers()) == 2 and self.service.get("/healthz")[0] == 200)
        self.wires, self.pids = Wires(self.service.port, count=8), self.service.workers()

    def memory(self) -> float:
        """What a worker takes, in MB, with what they share divided among them."""
        texts = (Path(f"/proc/{pid}/smaps_rollup").read_text() for pid in self.pids)
        return sum(int(text.split("Pss:")[1].split()[0]) for text in texts) / 1024 / len(self.pids)


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def keep(message: Message) -> None:
    """Write down a request that went wrong; the last that hypothesis tries is the smallest."""
    folder = ROOT / "build" / "fuzz"
    folder.mkdir(parents=True, exist_ok=True)
    print(f"written to {folder}: {message}")
    (folder / f"seed-{SEED}.{'http' if message.certain else 'raw'}").write_bytes(message.data)


CHANCE = st.integers(0, 2**64 - 1).map(Random)
CHANCES = st.lists(CHANCE, max_size=3)


@st.composite
def messages(draw: st.DrawFn) -> Message:
    """A good request, changed in up to eight ways: its picture, its body and head, its framing, and its bytes."""
    asked = draw(st.sampled_from(PLAIN))
    if draw(st.booleans()):
        picture = draw(st.sampled_from(PICTURES + READ))
        for chance in draw(CHANCES):
            picture = chance.choice(PICTURE_CHANGES)(picture, chance)
        asked = draw(st.sampled_from(CARRIERS))(picture)
    for chance in draw(CHANCES):
        asked = chance.choice(CHANGES)(asked, chance)
    asked = replace(asked, body=asked.body[:MOST_BYTES])
    if draw(st.integers(0, 3)) == 3:
        chance = draw(CHANCE)
        asked = chance.choice(FRAMINGS)(asked, chance)
    data = asked.encode()
    if draw(st.integers(0, 15)) == 15:
        return Message(damaged(data, draw(CHANCE)), False)
    return Message(data, asked.certain)


@pytest.mark.parametrize("path", FOUND, ids=lambda path: path.name)
def test_what_was_found(service: Service, path: Path) -> None:
    """.http is good HTTP, which the service has to answer, and another after it; .raw may be cut off."""
    before = service.workers()
    with closing(Wires(service.port)) as wires:
        wires.ask(path.read_bytes(), certain=path.suffix == ".http")
        wires.ask(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n", certain=True)
    assert service.workers() == before


@pytest.mark.slow
@pytest.mark.timeout(600 + REQUESTS // 20)
def test_mutated_requests(service: Service) -> None:
    print(f"seed {SEED}")
    search, before = Search(service), service.workers()

    @seed(SEED)
    @settings(
        max_examples=REQUESTS,
        deadline=None,
        database=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    @given(messages())
    def ask(message: Message) -> None:
        search.ask(message)

    ask()
    search.wires.close()
    after = search.memory()
    print(f"{search.sent} requests; MB a worker: {search.warm:.1f} after a tenth, {after:.1f} at the end")
    assert search.sent >= REQUESTS
    assert service.workers() == before
    assert after < search.warm + GROWTH
