"""`make demo`: the whole path, from labelled images to answers over HTTP, on scikit-learn's handwritten digits.

    1  python -m pipeline run     trains a fully connected network and a convolutional one, exports and publishes both
    2  python -m service          serves them on a free port
    3  curl                       posts pictures that no network was trained on; each answer is held against the truth

Everything it makes is in build/demo, nothing of it in the shipped models. It ends with 0 when all went well.
"""

import json
import os
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from PIL import Image

from pipeline.data import digits

ROOT = Path(__file__).resolve().parent.parent
FOLDER = Path("build") / "demo"
STORE, RUNS, PICTURES, LOG = FOLDER / "models", FOLDER / "runs", FOLDER / "pictures", FOLDER / "service.log"
MODELS = ("fnn", "cnn")
SHOWN = 20  # pictures that are asked about one by one; all of them follow
BATCH = 120  # pictures in one request
LEAST_ACCURACY = 0.95  # over HTTP; less is a defect and no bad luck
MOST_APART = 0.01  # of the accuracies over HTTP and in the pipeline
PATIENCE = 30  # seconds, for the service to be ready
CURL = shutil.which("curl")
INTERRUPTED = 130
Pictures = list[tuple[Path, str]]  # of each its file and its true label


def main() -> None:
    started = time.monotonic()
    os.chdir(ROOT)
    # A setting that is meant for another store or service is not meant for this one.
    for name in [name for name in os.environ if name.startswith("NUMSERVE_")]:
        del os.environ[name]
    shutil.rmtree(FOLDER, ignore_errors=True)
    PICTURES.mkdir(parents=True)

    heading("1. Train, check and publish two networks")
    train()
    pictures = draw_test_set()

    heading("2. Serve them")
    with serve() as address:
        heading("3. Ask about pictures that neither has seen")
        if not CURL:
            say("There is no curl on this machine, so Python posts the same requests by urllib. With curl:")
        show_one(address, pictures[0])
        show_some(address, pictures[:SHOWN])
        problems = [problem for model in MODELS for problem in measure(address, model, pictures)]
    if problems:
        sys.exit("demo failed: " + "; ".join(problems))

    heading(f"Done in {time.monotonic() - started:.0f} s; the service is stopped")
    say(f"How the training went, and where it fails: {STORE}/cnn/1/report/index.html")
    say(f"The pictures: {PICTURES}    The log of the service: {LOG}")
    say("The shipped models, trained on MNIST: make serve")


def train() -> None:
    command = [sys.executable, "-m", "pipeline", "run", "--dataset", "digits", "--recipe", "fast", "--stop-at", "0"]
    command += ["--store", str(STORE), "--runs", str(RUNS)]
    say(f"$ python {shlex.join(command[1:])}")
    with subprocess.Popen(command) as process:
        try:
            code = process.wait()
        except KeyboardInterrupt:  # the pipeline has had it too, and stops in order
            code = process.wait() or INTERRUPTED
    if code:
        sys.exit(code)


def draw_test_set() -> Pictures:
    """The 360 held-out digits as PNG files, 8×8 pixels each."""
    test = digits.load().test
    pictures = []
    for number, (pixels, label) in enumerate(zip(test.X, test.labels, strict=True)):
        path = PICTURES / f"{number:03}.png"
        Image.fromarray(pixels[0]).save(path)
        pictures.append((path, digits.LABELS[label]))
    return pictures


@contextmanager
def serve() -> Iterator[str]:
    """The service on a free port, stopped whatever happens inside; its address, once it is ready."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "service", "--port", str(port), "--store", str(STORE)]
    say(f"$ python {shlex.join(command[1:])}")
    with (
        LOG.open("wb") as log,
        # In a session of its own: Ctrl-C is ours, and we stop it below.
        subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True) as process,
    ):
        try:
            await_readiness(process, address)
            yield address
        finally:
            process.terminate()
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()


def await_readiness(process: subprocess.Popen[bytes], address: str) -> None:
    answer = "it does not answer"
    for _ in range(PATIENCE * 10):
        time.sleep(0.1)
        if process.poll() is not None:
            answer = f"it ended with {process.returncode}"
            break
        try:
            answer = urllib.request.urlopen(f"{address}/readyz", timeout=5).read().decode()
        except urllib.error.HTTPError as error:
            answer = error.read().decode()
        except OSError:
            continue
        else:
            say(f"{address}/readyz answers {answer.strip()}")
            return
    sys.exit(f"demo failed: the service is not ready: {answer.strip()}\n{LOG.read_text()}")


def show_one(address: str, picture: tuple[Path, str]) -> None:
    """One picture, the command that asks about it, and the answer as it comes."""
    path, _ = picture
    with Image.open(path) as image:
        pixels = image.tobytes()
    for start in range(0, len(pixels), image.width):
        say("    " + "".join(" ░▒▓█"[grey // 52] * 2 for grey in pixels[start : start + image.width]))
    say(f"$ curl -F image=@{path} {address}/predict")
    say(post(f"{address}/predict", [path]) + "\n")


def show_some(address: str, pictures: Pictures) -> None:
    """A line for each picture: the truth, and what each network says and how sure it is."""
    say("picture    truth    " + "".join(f"{model:<14}" for model in MODELS))
    for path, truth in pictures:
        line = f"{path.name}    {truth:<9}"
        for model in MODELS:
            (found,) = predict(address, model, [path])
            sign = "" if found["label"] == truth else " ✗"
            line += f"{found['label']} {found['probability']:.1%}{sign}".ljust(14)
        say(line)
    say("")


def measure(address: str, model: str, pictures: Pictures) -> list[str]:
    """Prints the accuracy over all pictures; what is wrong with it."""
    right = 0
    for start in range(0, len(pictures), BATCH):
        batch = pictures[start : start + BATCH]
        found = predict(address, model, [path for path, _ in batch])
        right += sum(each.get("label") == truth for each, (_, truth) in zip(found, batch, strict=True))
    accuracy = right / len(pictures)
    manifest = json.loads((STORE / model / "1" / "manifest.json").read_text())
    offline = manifest["metrics"]["accuracy"]
    say(f"{model}: {right} of {len(pictures)} right over HTTP, accuracy {accuracy:.2%}; in the pipeline {offline:.2%}")
    problems = []
    if accuracy < LEAST_ACCURACY:
        problems.append(f"{model} is right on {accuracy:.2%} of the pictures, at least {LEAST_ACCURACY:.0%} expected")
    if abs(accuracy - offline) > MOST_APART:
        problems.append(f"{model} answers otherwise over HTTP than in the pipeline, where it had {offline:.2%}")
    return problems


def predict(address: str, model: str, paths: Sequence[Path]) -> list[dict[str, Any]]:
    """What the service says of each picture."""
    text = post(f"{address}/predict/{model}", paths)
    try:
        found: list[dict[str, Any]] = json.loads(text)["predictions"]
    except (ValueError, KeyError):
        sys.exit(f"demo failed: the service answered {text}")
    return found


def post(url: str, paths: Sequence[Path]) -> str:
    """The answer to the pictures in one form, each in a field `image`."""
    if not CURL:
        return post_by_urllib(url, paths)
    fields = [argument for path in paths for argument in ("-F", f"image=@{path}")]
    done = subprocess.run([CURL, "--silent", "--show-error", *fields, url], capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"demo failed: curl ended with {done.returncode}: {done.stderr.strip()}")
    return done.stdout.strip()


def post_by_urllib(url: str, paths: Sequence[Path]) -> str:
    boundary = uuid.uuid4().hex
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="image"; filename="{path.name}"\r\n\r\n'.encode()
        + path.read_bytes()
        + b"\r\n"
        for path in paths
    ]
    body = b"".join(parts) + f"--{boundary}--\r\n".encode()
    headers = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
    try:
        with urllib.request.urlopen(urllib.request.Request(url, body, headers), timeout=60) as answer:
            return str(answer.read().decode().strip())
    except OSError as error:
        sys.exit(f"demo failed: {url}: {error}")


def heading(text: str) -> None:
    say(f"\n{text}\n{'─' * len(text)}")


def say(text: str) -> None:
    print(text, flush=True)


def stop(signal_number: int, frame: object) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, stop)
    try:
        main()
    except KeyboardInterrupt:
        print("\ninterrupted", file=sys.stderr)
        sys.exit(INTERRUPTED)
