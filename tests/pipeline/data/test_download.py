import hashlib
import signal
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import StringIO

import numpy as np
import pytest
from rich.console import Console

from pipeline.data import download as module
from pipeline.data import mnist
from pipeline.data.download import download
from pipeline.errors import DownloadError

CONTENT = np.random.default_rng(0).bytes(300_000)
SHA256 = hashlib.sha256(CONTENT).hexdigest()
NOWHERE = "http://127.0.0.1:9/file.gz"  # the discard port: nobody listens


class Mirror(ThreadingHTTPServer):
    """A mirror with a will of its own; `asked` holds the Range of each request that came."""

    def __init__(self, content=CONTENT, *, ranges=True, cuts=(), status=200, lie=False, slow=0.0):
        super().__init__(("127.0.0.1", 0), Handler)
        self.content, self.ranges, self.cuts, self.status = content, ranges, list(cuts), status
        self.lie, self.slow, self.asked = lie, slow, []
        self.url = f"http://127.0.0.1:{self.server_port}/file.gz"


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        mirror = self.server
        mirror.asked.append(self.headers["Range"])
        start = int((self.headers["Range"] or "bytes=0-")[6:-1]) if mirror.ranges else 0
        if start >= len(mirror.content):
            return self.send_error(416)
        if mirror.status != 200:
            return self.send_error(mirror.status)
        body = mirror.content[start:]
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Content-Encoding", "gzip")  # some say so of every .gz: it is not to be unzipped
        if start:
            self.send_header("Content-Range", f"bytes {start + mirror.lie}-{len(body) - 1}/{len(mirror.content)}")
        self.end_headers()
        self.send(body[: mirror.cuts.pop(0)] if mirror.cuts else body)

    def send(self, body):
        for start in range(0, len(body), 20_000):
            self.wfile.write(body[start : start + 20_000])
            time.sleep(self.server.slow)

    def log_message(self, *args):
        pass


@pytest.fixture
def mirror(monkeypatch):
    monkeypatch.setattr(module, "PAUSE", 0)
    servers = []

    def start(*args, **options):
        servers.append(Mirror(*args, **options))
        threading.Thread(target=servers[-1].serve_forever, args=(0.01,)).start()
        return servers[-1]

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture
def target(tmp_path):
    return tmp_path / "cache" / "file.gz"


def arrived(target):
    return target.read_bytes() == CONTENT and [path.name for path in target.parent.iterdir()] == [target.name]


def test_a_whole_file_with_its_progress(mirror, target):
    seen = []
    download([mirror().url], target, SHA256, lambda done, total: seen.append((done, total)))
    assert arrived(target)
    assert seen == sorted(seen)
    assert seen[-1] == (len(CONTENT), len(CONTENT))


def test_what_is_there_is_not_downloaded(target):
    target.parent.mkdir()
    target.write_bytes(b"mine")
    download([NOWHERE], target, SHA256)
    assert target.read_bytes() == b"mine"


def test_a_broken_connection_is_resumed(mirror, target):
    server = mirror(cuts=[100_000, 50_000])
    download([server.url], target, SHA256)
    assert arrived(target)
    assert server.asked == [None, "bytes=100000-", "bytes=150000-"]


def test_without_ranges_it_begins_again(mirror, target):
    server = mirror(cuts=[100_000], ranges=False)
    download([server.url], target, SHA256)
    assert arrived(target)
    assert server.asked == [None, "bytes=100000-"]


def test_the_second_mirror_goes_on_where_the_first_gave_up(mirror, target):
    first, second = mirror(cuts=[1000, 1000, 1000]), mirror()
    download([first.url, second.url], target, SHA256)
    assert arrived(target)
    assert second.asked == ["bytes=3000-"]


def test_a_mirror_that_is_down(mirror, target):
    download([NOWHERE, mirror().url], target, SHA256)
    assert arrived(target)


@pytest.mark.parametrize(("status", "times"), [(404, 1), (403, 1), (503, module.TRIES)])
def test_a_mirror_without_it(mirror, target, status, times):
    server = mirror(status=status)
    download([server.url, mirror().url], target, SHA256)
    assert arrived(target)
    assert len(server.asked) == times


def test_wrong_bytes_are_refused_and_the_next_mirror_asked(mirror, target):
    wrong = mirror(b"<html>log in to this network</html>")
    download([wrong.url, mirror().url], target, SHA256)
    assert arrived(target)
    assert wrong.asked == [None]


def test_a_wrong_beginning_is_noticed_and_thrown_away(mirror, target):
    target.parent.mkdir()
    target.with_name("file.gz.part").write_bytes(b"of another version")
    server = mirror()
    download([server.url], target, SHA256)
    assert arrived(target)
    assert server.asked == ["bytes=18-", None]


def test_a_part_that_is_whole_already(mirror, target):
    target.parent.mkdir()
    target.with_name("file.gz.part").write_bytes(CONTENT)
    server = mirror()
    download([server.url], target, SHA256)
    assert arrived(target)
    assert server.asked == [f"bytes={len(CONTENT)}-"]


def test_a_mirror_that_sends_another_range(mirror, target):
    target.parent.mkdir()
    target.with_name("file.gz.part").write_bytes(CONTENT[:10])
    download([mirror(lie=True).url, mirror().url], target, SHA256)
    assert arrived(target)


def test_nobody_has_it(mirror, target):
    wrong, cut = mirror(b"wrong"), mirror(cuts=[10, 10, 10])
    with pytest.raises(DownloadError) as caught:
        download([wrong.url, NOWHERE, mirror(status=404).url, cut.url], target, SHA256)
    message = str(caught.value)
    for words in ("file.gz could not", "came " + hashlib.sha256(b"wrong").hexdigest(), "404 Not Found", "reached"):
        assert words in message
    assert "the connection broke" in message
    assert [path.name for path in target.parent.iterdir()] == ["file.gz.part"]
    assert target.with_name("file.gz.part").stat().st_size == 30


def test_nothing_came_nothing_stays(mirror, target):
    with pytest.raises(DownloadError, match="try again"):
        download([NOWHERE], target, SHA256)
    assert list(target.parent.iterdir()) == []


def test_interrupted_it_keeps_the_part_and_no_more(mirror, target):
    def interrupt(done, total):
        if done > 100_000:
            raise KeyboardInterrupt

    server = mirror()
    with pytest.raises(KeyboardInterrupt):
        download([server.url], target, SHA256, interrupt)
    assert [path.name for path in target.parent.iterdir()] == ["file.gz.part"]
    download([server.url], target, SHA256)
    assert arrived(target)
    assert int(server.asked[1][6:-1]) > 100_000


def test_a_real_ctrl_c(mirror, target):
    server = mirror(slow=0.05)
    script = f"from pipeline.data.download import *; download(['{server.url}'], Path('{target}'), '{SHA256}')"
    process = subprocess.Popen([sys.executable, "-c", script], stderr=subprocess.PIPE)
    part = target.with_name("file.gz.part")
    while not (part.exists() and part.stat().st_size):
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    assert b"KeyboardInterrupt" in process.communicate()[1]
    assert [path.name for path in target.parent.iterdir()] == ["file.gz.part"]


def test_two_at_once(mirror, target):
    server, problems = mirror(), []

    def second(done, total):
        try:
            download([server.url], target, SHA256)
        except DownloadError as error:
            problems.append(str(error))

    download([server.url], target, SHA256, second)
    assert arrived(target)
    assert all("another process" in problem for problem in problems)
    assert problems


def test_a_folder_that_cannot_be_written(mirror, tmp_path):
    (tmp_path / "cache").write_text("a file")
    with pytest.raises(DownloadError, match=r"cannot be written .* --data-dir"):
        download([mirror().url], tmp_path / "cache" / "file.gz", SHA256)


def test_fetch_brings_the_four_files(mirror, tmp_path, monkeypatch):
    server = mirror()
    source = mnist.SOURCES["mnist"]
    here = type(source)(**{**vars(source), "mirrors": (NOWHERE[:-7], server.url[:-7]), "sha256": (SHA256,) * 4})
    monkeypatch.setitem(mnist.SOURCES, "mnist", here)
    console = Console(file=StringIO())
    assert mnist.fetch("mnist", tmp_path, console) == tmp_path / "mnist"
    assert sorted(path.name for path in (tmp_path / "mnist").iterdir()) == sorted(mnist.FILES)
    assert "mnist: t10k-labels-idx1-ubyte.gz: 300,000 of 300,000 bytes" in console.file.getvalue()
    mnist.fetch("mnist", tmp_path, console)
    assert len(server.asked) == 4
