"""Brings a file here whole or not at all: from the first mirror that has it, resuming what broke off.

What has come so far is in `<name>.part`. Only when its SHA-256 is right does it get its name, in one step, so
that neither Ctrl-C nor a crash nor a wrong mirror leaves a file that looks finished and is not. pooch, which
has the checksums and the cache folder, neither resumes nor tries another mirror; its requests do the talking.
"""

import fcntl
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

import pooch
import requests
import urllib3

from pipeline.data.progress import Report, ignore
from pipeline.errors import DownloadError

TRIES = 3  # at each mirror, every one going on from where the last broke off
PAUSE = 1.0  # seconds before the same mirror is asked again
TIMEOUT = (10, 30)  # seconds to connect, and to wait for the next bytes
CHUNK = 1 << 16


class _RefusedError(Exception):
    """The mirror answered, and it will answer the same again: no use in asking it twice."""


def download(urls: Sequence[str], target: Path, sha256: str, report: Report = ignore) -> None:
    """Makes `target` from the first of `urls` that delivers bytes with this SHA-256; nothing if it is there.

    report(bytes here, bytes in all) is called as they come. Raises DownloadError when no mirror delivers, or
    when the folder cannot be written.
    """
    if target.exists():
        return
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with _part(target) as (part, file):
            _first(urls, file, sha256, report)
            os.fsync(file.fileno())
            part.replace(target)
    except OSError as error:
        raise DownloadError(
            f"{target}: cannot be written ({error.strerror or error}): make room there, or give another --data-dir"
        ) from error


@contextmanager
def _part(target: Path) -> Iterator[tuple[Path, IO[bytes]]]:
    """The unfinished file, kept if the download fails. Two processes cannot both write it."""
    part = target.with_name(target.name + ".part")
    with part.open("ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.stat(part)  # gone if another process finished it just before the lock was ours
        except (BlockingIOError, FileNotFoundError):
            raise DownloadError(
                f"{target}: another process is downloading it: wait for that one, then try again"
            ) from None
        try:
            yield part, file
        finally:
            if not os.fstat(file.fileno()).st_size:
                part.unlink(missing_ok=True)


def _first(urls: Sequence[str], file: IO[bytes], sha256: str, report: Report) -> None:
    problems = []
    for url in urls:
        if not (problem := _mirror(url, file, sha256, report)):
            return
        problems.append(f"{urlsplit(url).netloc}: {problem}")
    raise DownloadError(
        f"{Path(file.name).stem} could not be downloaded ({'; '.join(problems)}): check the connection and "
        f"try again, what has come is kept, or put the file into {Path(file.name).parent} yourself"
    )


def _mirror(url: str, file: IO[bytes], sha256: str, report: Report) -> str:
    """Tries one mirror; an empty answer means that the file is whole, another says what went wrong."""
    problem = ""
    for attempt in range(TRIES):
        if attempt:
            time.sleep(PAUSE)
        start = file.seek(0, os.SEEK_END)
        try:
            _receive(url, file, report)
        except _RefusedError as error:
            return str(error)
        except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
            problem = _said(error)
            continue
        finally:
            file.flush()
        came = pooch.file_hash(file.name)
        if came == sha256:
            return ""
        file.truncate(0)
        problem = f"expected SHA-256 {sha256}, came {came}"
        if not start:
            return problem  # it was all from this mirror: asking again would bring the same
    return problem


def _receive(url: str, file: IO[bytes], report: Report) -> None:
    """Appends the rest of the file, or begins again when the mirror only gives the whole."""
    start = file.seek(0, os.SEEK_END)
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={start}-"} if start else {})
    with requests.get(url, headers=headers, stream=True, timeout=TIMEOUT) as response:
        if response.status_code == requests.codes.requested_range_not_satisfiable and start:
            return  # there is no more than is here already: the checksum will tell
        _check(response, start)
        if response.status_code == requests.codes.ok:
            start = file.truncate(0)
        length = response.headers.get("Content-Length")
        total = start + int(length) if length else None
        for chunk in response.raw.stream(CHUNK, decode_content=False):
            file.write(chunk)
            report(start := start + len(chunk), total)


def _check(response: requests.Response, start: int) -> None:
    ranged = response.status_code == requests.codes.partial_content
    if ranged and not response.headers.get("Content-Range", "").startswith(f"bytes {start}-"):
        raise _RefusedError(f"asked for bytes {start} onwards, got {response.headers.get('Content-Range')}")
    if response.status_code >= 500:
        raise requests.HTTPError(f"answered {response.status_code} {response.reason}")
    if not ranged and response.status_code != requests.codes.ok:
        raise _RefusedError(f"answered {response.status_code} {response.reason}")


def _said(error: Exception) -> str:
    """A requests error is a matryoshka of the same news: the short of it."""
    if isinstance(error, requests.ConnectTimeout | requests.ReadTimeout):
        return "no answer in time"
    if isinstance(error, requests.ConnectionError) and not isinstance(error, requests.exceptions.SSLError):
        return "cannot be reached"
    return "the connection broke" if isinstance(error, urllib3.exceptions.HTTPError) else str(error)
