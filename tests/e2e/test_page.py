"""The page in a real browser: drawing, pictures, languages, keyboard, lost connections, and what axe says.

Screenshots are kept in build/screenshots.
"""

import json
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
from browsing import Reader, has
from PIL import Image
from project import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

PICTURES = ROOT / "docs" / "pictures"
DESKTOP, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
LARGEST = 310_000  # pixels that the service takes here


@pytest.fixture(scope="module")
def address(serving: Callable[..., AbstractContextManager[str]], need: Callable[..., None]) -> Iterator[str]:
    need("browser", "shipped models")
    with serving(NUMSERVE_MAX_PIXELS=str(LARGEST)) as address:
        yield address


@pytest.fixture
def reader(address: str, new_page: Callable[..., Any]) -> Iterator[Reader]:
    reader = Reader(new_page(viewport=DESKTOP), address)
    reader.open()
    yield reader
    reader.page.context.close()


# ---------------------------------------------------------------- drawing
def test_a_seven_is_read_from_the_page(reader: Reader, expect: Any) -> None:
    reader.draw()
    for model in ("cnn", "fnn"):
        expect(reader.answer(model)).to_have_text("7")
        best = reader.page.locator(f".answer[data-model={model}] .bars .top")
        expect(best).to_have_text(has("7"))
        expect(reader.page.locator(f".answer[data-model={model}] .took")).to_have_text(has(" ms"))
    expect(reader.page.locator("#status")).to_have_text(has("cnn: 7, "))
    reader.settled()


def test_the_answer_follows_while_the_pen_is_down(reader: Reader, expect: Any) -> None:
    mouse = reader.page.mouse
    mouse.move(*reader.at(0.5, 0.2))
    mouse.down()
    mouse.move(*reader.at(0.5, 0.8), steps=8)
    expect(reader.answer()).to_have_text("1")
    mouse.up()
    reader.settled()


def test_undo_and_clear(reader: Reader, expect: Any) -> None:
    reader.draw([(0.5, 0.2), (0.5, 0.8)])
    expect(reader.answer()).to_have_text("1")
    reader.draw([(0.2, 0.2), (0.2, 0.8)])
    reader.page.get_by_role("button", name="Undo").click()
    expect(reader.answer()).to_have_text("1")
    reader.page.keyboard.press("Control+z")
    expect(reader.answer()).to_have_text("")
    expect(reader.page.locator(".hint")).to_be_visible()
    reader.draw()
    expect(reader.answer()).to_have_text("7")
    reader.page.get_by_role("button", name="Clear").click()
    expect(reader.page.locator("#sees")).to_be_hidden()
    reader.settled()


def test_a_pen_that_is_pressed_draws_wider(reader: Reader) -> None:
    def ink(force: float) -> int:
        reader.page.get_by_role("button", name="Clear").click()
        reader.pen([(0.5, 0.2), (0.5, 0.5), (0.5, 0.8)], force)
        return int(reader.page.evaluate(INK))

    light, strong = ink(0.1), ink(1.0)
    assert strong > 2 * light > 0


INK = """() => {
  const pad = document.querySelector("#pad");
  const {data} = pad.getContext("2d").getImageData(0, 0, pad.width, pad.height);
  return data.filter((value, at) => at % 4 === 3 && value > 128).length;
}"""


def test_with_the_keyboard_alone(reader: Reader, expect: Any) -> None:
    press = reader.page.keyboard.press
    while reader.page.evaluate("document.activeElement.id") != "pad":
        press("Tab")
    for _ in range(9):
        press("ArrowUp")
    press("Space")
    for _ in range(18):
        press("ArrowDown")
    press("Space")
    expect(reader.page.locator("#status")).to_have_text(has("cnn: 1, "))
    strip = reader.page.locator(".layer:not(.before) canvas").nth(1)
    strip.wait_for()
    while not strip.evaluate("each => each === document.activeElement"):
        press("Tab")
    press("ArrowRight")
    expect(reader.page.locator("#zoom figcaption")).to_have_text(has("conv1 → relu1, map 2 of 16, 26 × 26"))
    expect(reader.page.locator("#status")).to_have_text(has("map 2 of 16"))
    press("Escape")
    expect(reader.page.locator("#zoom")).to_be_hidden()
    reader.settled()


# ---------------------------------------------------------------- pictures from elsewhere
@pytest.mark.parametrize("event", ["drop", "paste"])
def test_a_picture_that_is_dropped_or_pasted(reader: Reader, expect: Any, event: str) -> None:
    reader.give(event, PICTURES / "three.png")
    for model in ("cnn", "fnn"):
        expect(reader.answer(model)).to_have_text("3")
    expect(reader.page.locator("#curl pre").first).to_have_text(has("--data-binary @'three.png'"))
    reader.draw()
    expect(reader.answer()).to_have_text("7")
    reader.settled()


def test_a_picture_that_is_chosen(reader: Reader, expect: Any) -> None:
    with reader.page.expect_file_chooser() as chooser:
        reader.page.get_by_role("button", name="Picture …").click()
    chooser.value.set_files(PICTURES / "three.png")
    expect(reader.answer()).to_have_text("3")
    reader.settled()


def test_a_format_that_only_the_service_reads(reader: Reader, tmp_path: Path, expect: Any) -> None:
    Image.open(PICTURES / "three.png").save(tmp_path / "three.tiff")
    reader.give("drop", tmp_path / "three.tiff")
    expect(reader.answer()).to_have_text("3")
    reader.settled()


def test_the_camera(reader: Reader, expect: Any) -> None:
    reader.page.get_by_role("button", name="Camera").click()
    expect(reader.page.locator("#film")).to_be_visible()
    reader.page.get_by_role("button", name="Take it").click()
    expect(reader.page.locator("#film")).to_be_hidden()
    expect(reader.page.locator("#curl pre").first).to_have_text(has("camera.jpg"))


def test_what_cannot_be_read_is_said_in_words(reader: Reader, tmp_path: Path, expect: Any) -> None:
    trouble = reader.page.locator("#trouble p")
    Image.new("L", (LARGEST // 100, 101)).save(tmp_path / "large.png")
    reader.give("drop", tmp_path / "large.png")
    expect(trouble).to_have_text(has(f"The picture is too large for the service: the picture has {LARGEST // 100}x101"))
    (tmp_path / "none.png").write_bytes(b"no picture at all")
    reader.give("drop", tmp_path / "none.png")
    expect(trouble).to_have_text(has("The service cannot read this picture"))
    reader.give("drop", PICTURES / "three.png")
    expect(reader.answer()).to_have_text("3")
    expect(trouble).to_be_hidden()


# ---------------------------------------------------------------- what the network sees
def test_every_layer_is_shown_and_a_map_is_enlarged(reader: Reader, expect: Any) -> None:
    reader.draw()
    cnn, fnn = (reader.page.locator(".sight").nth(at) for at in (0, 1))
    expect(cnn.locator(".layer")).to_have_count(15)
    expect(cnn.locator(".layer:visible")).to_have_count(9)
    expect(cnn.locator(".plate")).to_have_text([has("1 × 28 × 28"), has("hiding this place makes “7” less certain")])
    expect(fnn.locator(".layer figcaption")).to_have_text(
        [
            has("the 64 strongest of 800"),
            has("fc1"),
            has("fc1 → relu1"),
            has("fc2"),
            has("fc2 → relu2"),
            has("fc3"),
            has("→ probabilities"),
        ]
    )
    reader.page.get_by_label("layers before their activation").check()
    expect(cnn.locator(".layer:visible")).to_have_count(15)
    cnn.locator(".layer canvas").nth(1).hover(position={"x": 60, "y": 10})
    expect(reader.page.locator("#zoom figcaption")).to_have_text(has("conv1, map 2 of 16, 26 × 26"))
    reader.page.mouse.move(5, 5)
    expect(reader.page.locator("#zoom")).to_be_hidden()
    reader.settled()


def test_a_report_opens(reader: Reader, expect: Any) -> None:
    reader.page.get_by_role("link", name="Report of version").first.click()
    expect(reader.page.locator("h1")).to_have_text("cnn")
    broken = reader.page.evaluate("[...document.images].filter(each => !each.naturalWidth).length")
    assert broken == 0
    reader.settled()


@pytest.mark.parametrize("at", [0, 1, 2])
def test_the_command_is_the_request(
    reader: Reader, expect: Any, need: Callable[..., None], tmp_path: Path, at: int
) -> None:
    need("curl")
    reader.draw()
    # Which only the last request asks for, when the pen is up.
    expect(reader.page.locator("#curl pre").nth(1)).to_have_text(has("layer=occlusion"))
    command = reader.page.locator("#curl pre").nth(at).inner_text()
    done = subprocess.run(
        ["bash", "-c", command.replace("curl ", "curl -sS ", 1)], cwd=tmp_path, capture_output=True, check=True
    )
    if at == 2:
        assert (tmp_path / "layer.png").read_bytes().startswith(b"\x89PNG")
    else:
        said = json.loads(done.stdout)
        assert (said["predictions"][0] if at == 0 else said)["label"] == "7"


# ---------------------------------------------------------------- trouble
def test_a_lost_connection_is_said_and_comes_back(reader: Reader, expect: Any) -> None:
    trouble = reader.page.locator("#trouble")
    reader.page.context.set_offline(True)
    reader.draw()
    expect(trouble).to_have_text(has("The connection to the service is lost. Trying again in"))
    reader.page.context.set_offline(False)
    expect(reader.answer()).to_have_text("7")
    expect(trouble).to_be_hidden()
    assert all("ERR_INTERNET_DISCONNECTED" in each for each in reader.complaints)


def test_a_busy_service_is_said_and_asked_again(reader: Reader, expect: Any) -> None:
    busy = json.dumps({"error": {"code": "overloaded", "message": "no place"}})
    refused = {"status": 503, "body": busy, "content_type": "application/json", "headers": {"Retry-After": "2"}}
    reader.page.route("**/predict/**", lambda route: route.fulfill(**refused))
    reader.draw()
    expect(reader.page.locator("#trouble p")).to_have_text("The service is busy. Trying again in 2 s.")
    reader.page.unroute("**/predict/**")
    expect(reader.answer()).to_have_text("7")
    expect(reader.page.locator("#trouble")).to_be_hidden()


def test_try_again_does_not_wait(reader: Reader, expect: Any) -> None:
    refused = {"status": 503, "body": "{}", "headers": {"Retry-After": "600"}}
    body = json.dumps({"error": {"code": "overloaded", "message": "no place"}})
    reader.page.route("**/predict/**", lambda route: route.fulfill(**refused | {"body": body}))
    reader.draw()
    expect(reader.page.locator("#trouble p")).to_have_text(has("600 s"))
    reader.page.unroute("**/predict/**")
    reader.page.get_by_role("button", name="Try again").click()
    expect(reader.answer()).to_have_text("7")


# ---------------------------------------------------------------- languages, colours, sizes
def test_another_language_keeps_the_drawing(reader: Reader, expect: Any) -> None:
    reader.draw()
    expect(reader.answer()).to_have_text("7")
    reader.page.get_by_role("link", name="中文").click()
    expect(reader.page.get_by_role("heading", name="网络看到什么")).to_be_visible()
    assert reader.page.evaluate("document.documentElement.lang") == "zh"
    assert reader.page.url.endswith("/?lang=zh")
    expect(reader.answer()).to_have_text("7")
    expect(reader.page.locator(".layer figcaption").nth(2)).to_have_text(has("卷积 · ReLU"))
    reader.page.get_by_role("link", name="English").click()
    expect(reader.page.get_by_role("heading", name="What the network sees")).to_be_visible()
    reader.settled()


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("light", {"viewport": DESKTOP}),
        ("dark", {"viewport": DESKTOP, "color_scheme": "dark"}),
        ("phone", {"viewport": PHONE, "has_touch": True, "device_scale_factor": 2}),
        ("phone-dark-chinese", {"viewport": PHONE, "has_touch": True, "color_scheme": "dark", "locale": "zh-CN"}),
    ],
)
def test_looks_and_accessibility(
    address: str, new_page: Callable[..., Any], expect: Any, name: str, options: dict[str, Any]
) -> None:
    reader = Reader(new_page(**options), address)
    reader.open()
    assert reader.findings() == []
    if "has_touch" in options:
        reader.touch([(0.28, 0.25), (0.5, 0.25), (0.72, 0.25), (0.6, 0.5), (0.45, 0.8)])
    else:
        reader.draw()
    expect(reader.answer()).to_have_text("7")
    reader.page.locator(".plate canvas").nth(3).wait_for()
    reader.picture(name)
    assert reader.findings() == []
    assert reader.page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "nothing to scroll sideways"
    reader.settled()
    reader.page.context.close()
