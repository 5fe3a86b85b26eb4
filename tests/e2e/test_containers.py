"""docker-compose.yml, as a user has it: the service with the shipped models, and jobs that publish into its store."""

import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import requests
from PIL import Image, ImageDraw
from project import ROOT, Compose, eventually, run

from pipeline.data.mnist import load_folder

sys.path.insert(0, str(ROOT / "benchmarks"))  # it posts the same pictures, all of them
from posting import CONDITIONS, MODELS, accuracies

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

MNIST = ROOT.parent / "shared" / "data" / "mnist"
AS_THEY_ARE = next(iter(CONDITIONS))
SOME = 500  # pictures of each condition
SEVEN = ROOT / "docs" / "pictures" / "seven.png"
LARGEST_SERVICE_IMAGE = 190e6  # bytes: what it has today, the shipped models, and a little room
COLOURS = {"red": (210, 40, 30), "green": (40, 160, 60), "blue": (40, 70, 200)}


def test_answers_at_once_with_the_shipped_models(compose: Compose) -> None:
    assert compose.predict(SEVEN.read_bytes())["predictions"][0]["label"] == "7"
    for name in ("fnn", "cnn"):
        assert compose.version(name) == max(int(path.name) for path in (ROOT / "models" / name).glob("[0-9]*"))


def test_mnist_posted_as_png_gets_the_offline_accuracy(compose: Compose, need: Callable[..., None]) -> None:
    need("MNIST")
    test = load_folder(MNIST).test
    shares = accuracies(compose.address, AS_THEY_ARE, test.X[:, 0], test.labels)
    for model, share in zip(MODELS, shares, strict=True):
        manifest = requests.get(f"{compose.address}/models/{model}", timeout=30).json()
        assert share == pytest.approx(manifest["metrics"]["accuracy"], abs=0.001), model


def test_mnist_as_people_might_send_it_loses_little(compose: Compose, need: Callable[..., None]) -> None:
    need("MNIST")
    test = load_folder(MNIST).test
    found = {each: accuracies(compose.address, each, test.X[:SOME, 0], test.labels[:SOME]) for each in CONDITIONS}
    for condition, shares in found.items():
        for share, untouched in zip(shares, found[AS_THEY_ARE], strict=True):
            assert share > untouched - 0.02, condition


def test_becomes_healthy_and_says_so(compose: Compose) -> None:
    assert compose.container.attrs["State"]["Health"]["Status"] == "healthy"


@pytest.mark.parametrize(
    ("form", "mode", "options"),
    [
        ("PNG", "L", {}),
        ("PNG", "RGBA", {}),
        ("PNG", "I;16", {}),
        ("JPEG", "RGB", {"quality": 90}),
        ("JPEG", "CMYK", {}),
        ("GIF", "P", {}),
        ("BMP", "RGB", {}),
        ("WEBP", "RGB", {"quality": 90}),
        ("WEBP", "RGBA", {"lossless": True}),
        ("TIFF", "L", {}),
        ("TIFF", "RGB", {"compression": "tiff_lzw"}),
        ("TIFF", "RGB", {"compression": "tiff_adobe_deflate"}),
        ("TIFF", "RGB", {"compression": "jpeg"}),
        ("TIFF", "L", {"compression": "zstd"}),
    ],
)
def test_reads_every_format_with_what_is_left_of_pillow(
    compose: Compose, form: str, mode: str, options: dict[str, object]
) -> None:
    picture = BytesIO()
    with Image.open(SEVEN) as image:
        grey = image.convert("L")
    deep = Image.fromarray(np.asarray(grey, np.uint16) * 257)
    (deep if mode == "I;16" else grey.convert("RGB").convert(mode)).save(picture, form, **options)
    assert compose.predict(picture.getvalue())["predictions"][0]["label"] == "7"


@pytest.mark.parametrize("path", ["/openapi.json", "/docs", "/docs/initializer.js", "/docs/swagger-ui-bundle.js"])
def test_shows_its_api_with_what_is_left_of_swagger_ui(compose: Compose, path: str) -> None:
    answer = requests.get(compose.address + path, timeout=30)
    assert answer.status_code == 200
    assert answer.content


def test_service_image_holds_the_service_alone(compose: Compose) -> None:
    packages = ["pip", "pipeline", "setuptools", "onnx", "sklearn", "scipy", "matplotlib", "rich", "pooch", "pytest"]
    programs = ["sh", "bash", "gcc", "cc", "ld", "make", "pip", "pip3", "apt-get", "dpkg", "perl", "curl"]
    code = f"""
import importlib.util, os
print([name for name in {packages} if importlib.util.find_spec(name)])
tops = [top for top in os.listdir("/") if top not in ("proc", "sys", "dev")]
walked = [(at, names) for top in tops for at, _, names in os.walk("/" + top)]
print([os.path.join(at, name) for at, names in walked for name in names if name in {programs}])
print([at for at, _ in walked if at.endswith((".cache", "/lib/apt", "/tests"))])
print([name for _, names in walked for name in names if name.endswith((".h", ".a", ".o", ".pyi", ".whl"))])
"""
    assert compose.python(code).split() == ["[]"] * 4


def test_pipeline_image_holds_no_web_server(compose: Compose) -> None:
    code = (
        "import importlib.util as u; print([n for n in ('flask', 'uvloop', 'werkzeug', 'service') if u.find_spec(n)])"
    )
    assert run("docker", "run", "--rm", "--entrypoint", "python", "numserve-pipeline", "-c", code) == "[]\n"


def test_service_runs_as_a_user_who_can_write_nothing(compose: Compose) -> None:
    code = """
import os
print(os.getuid(), os.getgid())
for folder in ("/", "/app", "/packages", "/models", "/models/cnn"):
    try:
        open(folder + "/trial", "w")
        print("could write", folder)
    except OSError:
        pass
"""
    assert compose.python(code) == "10001 10001\n"


def test_service_image_stays_small(compose: Compose, capsys: pytest.CaptureFixture[str]) -> None:
    sizes = {name: compose.client.images.get(name).attrs["Size"] for name in ("numserve-service", "numserve-pipeline")}
    with capsys.disabled():
        print("".join(f"\n{name}: {size / 1e6:.0f} MB" for name, size in sizes.items()))
    assert sizes["numserve-service"] < LARGEST_SERVICE_IMAGE


def test_telemetry_is_off(compose: Compose) -> None:
    assert compose.python("import os; print(os.environ['ORT_DISABLE_TELEMETRY'])") == "1\n"


def test_a_job_s_version_goes_live_without_a_failed_request_and_goes_back(compose: Compose) -> None:
    stop, statuses, address = threading.Event(), [], compose.address

    def ask() -> None:
        with requests.Session() as session:
            while not stop.is_set():
                statuses.append(session.post(f"{address}/predict/cnn", SEVEN.read_bytes(), timeout=30).status_code)
                time.sleep(0.02)

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        shipped = compose.version("cnn")
        made = shipped + 1
        said = compose.job("train", "cnn", "--dataset", "digits", "--epochs", "3")
        assert f"published /models/cnn/{made}" in said
        eventually(lambda: compose.version("cnn") == made)
        # Every worker follows the store by itself.
        eventually(lambda: {compose.predict(SEVEN.read_bytes())["version"] for _ in range(20)} == {made})
        compose.job("promote", "cnn", str(shipped))
        eventually(lambda: {compose.predict(SEVEN.read_bytes())["version"] for _ in range(20)} == {shipped})
    finally:
        stop.set()
        asking.join()
    assert set(statuses) == {200}
    assert len(statuses) > 50
    assert "current" in compose.job("models")


def test_a_folder_of_colour_pictures_trains_and_serves(compose: Compose, open_folder: Path) -> None:
    for label, colour in COLOURS.items():
        (open_folder / label).mkdir()
        for number in range(40):
            form = ("png", "jpg", "webp", "bmp")[number % 4]
            draw_blob(colour, number).save(open_folder / label / f"{number}.{form}")
    (open_folder / "red" / "notes.png").write_text("not a picture")
    said = compose.job(
        *("train", "cnn", "--name", "colours", "--dataset", "/pictures", "--recipe", "fast"),
        volume=f"{open_folder}:/pictures:ro",
    )
    assert "published /models/colours/1" in said
    eventually(lambda: compose.version("colours") == 1)
    for label, colour in COLOURS.items():
        picture = BytesIO()
        draw_blob(colour, 1000).save(picture, "JPEG", quality=95)
        assert compose.predict(picture.getvalue(), "colours")["predictions"][0]["label"] == label


def draw_blob(colour: tuple[int, int, int], number: int) -> Image.Image:
    """A blob of about this colour on grey paper, the size and place by the number."""
    width, height = 40 + number * 7 % 50, 40 + number * 11 % 60
    image = Image.new("RGB", (width, height), (190 + number % 40,) * 3)
    left, top = number * 3 % 12, number * 5 % 12
    shade = tuple(max(0, min(255, value + number * 13 % 40 - 20)) for value in colour)
    ImageDraw.Draw(image).ellipse((left, top, left + 26, top + 24), fill=shade)
    return image


def test_a_killed_worker_is_replaced(compose: Compose) -> None:
    started = compose.container.attrs["State"]["StartedAt"]
    compose.python(
        "import os, signal\n"
        "main = open('/proc/1/task/1/children').read().split()\n"
        "os.kill(int(main[0]), signal.SIGKILL)"
    )
    eventually(lambda: all(compose.predict(SEVEN.read_bytes()) for _ in range(20)))
    assert compose.container.attrs["State"]["StartedAt"] == started


def test_a_killed_service_is_started_again(compose: Compose, need: Callable[..., None]) -> None:
    need("root")
    before = compose.container.attrs["State"]
    os.kill(before["Pid"], signal.SIGKILL)
    eventually(lambda: compose.container.attrs["State"]["StartedAt"] != before["StartedAt"])
    eventually(lambda: compose.predict(SEVEN.read_bytes()))


def test_stops_at_once_with_exit_code_0_and_keeps_the_store(compose: Compose) -> None:
    versions = compose.version("cnn")
    began = time.monotonic()
    compose("stop", "service")
    assert time.monotonic() - began < 6
    assert compose.container.attrs["State"]["ExitCode"] == 0
    compose("up", "--detach", "--wait", "--wait-timeout", "60")
    assert compose.version("cnn") == versions


@pytest.mark.parametrize("signal_name", ["SIGTERM", "SIGKILL"])
def test_a_job_that_is_ended_goes_on_when_it_is_started_again(compose: Compose, signal_name: str) -> None:
    name = f"ended-by-{signal_name}".lower()
    training = ("train", "fnn", "--dataset", "digits", "--epochs", "60", "--name", name, "--checkpoint-every", "20")
    job = compose("run", "--detach", "-T", "pipeline", *training).strip()
    container = compose.client.containers.get(job)
    try:
        eventually(lambda: b"epoch 6/60" in container.logs(), 60)
        container.kill(signal_name)
        assert container.wait()["StatusCode"] == (143 if signal_name == "SIGTERM" else 137)
        assert b"published" not in container.logs()
        container.start()
        assert container.wait()["StatusCode"] == 0
        said = container.logs().decode()
        assert "going on from epoch" in said
        assert f"published /models/{name}/1" in said
    finally:
        container.remove(force=True)
    compose.job(*training[:6], "--name", f"{name}-not", "--no-resume")
    digests = compose.job_python(
        "import hashlib, pathlib; print(*[hashlib.sha256(pathlib.Path(f'/models/{n}/1/model.onnx').read_bytes())"
        f".hexdigest() for n in ('{name}', '{name}-not')])"
    ).split()
    assert digests[0] == digests[1], "as if nothing had been"


def test_docker_stop_loses_nothing_and_takes_less_than_ten_seconds(compose: Compose) -> None:
    job = compose(
        "run", "--detach", "-T", "pipeline", "train", "fnn", "--dataset", "digits", "--epochs", "3000"
    ).strip()
    container = compose.client.containers.get(job)
    try:
        eventually(lambda: b"epoch " in container.logs(), 60)
        container.stop(timeout=10)
        assert container.wait()["StatusCode"] == 143, "137 would be a kill"
        assert b"keeps where it stands" in container.logs()
    finally:
        container.remove(force=True)


def test_the_shipped_models_can_be_added_to_a_volume_that_is_there(compose: Compose) -> None:
    """By the command that docker-compose.yml gives."""
    copy = ("--recursive", "--no-clobber", "/shipped/.", "/models")
    compose("run", "--rm", "-T", "-v", f"{ROOT}/models:/shipped:ro", "--entrypoint", "cp", "pipeline", *copy)
    eventually(lambda: compose.predict(SEVEN.read_bytes()))
