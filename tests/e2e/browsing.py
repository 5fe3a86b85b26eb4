"""A real browser on the page: what the tests of the page do with it, over and over."""

import base64
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from project import ROOT

SHOTS = ROOT / "build" / "screenshots"
SEVEN = ((0.28, 0.25), (0.72, 0.25), (0.45, 0.8))
WORST = ("serious", "critical")  # of axe's findings
# Clock and camera of the tests; the browser's own sandbox does not work for root in a container.
FLAGS = ["--no-sandbox", "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
Points = Sequence[tuple[float, float]]


class Reader:
    """Somebody who has the page open. What the browser complains about, and which hosts it asked, is kept.

    page: Playwright's; address: HOST:PORT of the service.
    """

    def __init__(self, page: Any, address: str) -> None:
        self.page, self.address = page, address
        self.complaints: list[str] = []
        self.hosts: set[str] = set()
        page.on(
            "console", lambda said: self.complaints.append(said.text) if said.type in ("error", "warning") else None
        )
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", lambda asked: self.hosts.add(urlsplit(asked.url).netloc))

    def open(self, query: str = "") -> None:
        self.page.goto(f"http://{self.address}/{query}")
        self.page.locator(".answer").first.wait_for()

    def at(self, x: float, y: float) -> tuple[float, float]:
        """Where on the screen a place of the pad is, each from 0 to 1."""
        box = self.page.locator("#pad").bounding_box()
        return box["x"] + x * box["width"], box["y"] + y * box["height"]

    def draw(self, points: Points = SEVEN) -> None:
        mouse = self.page.mouse
        mouse.move(*self.at(*points[0]))
        mouse.down()
        for point in points[1:]:
            mouse.move(*self.at(*point), steps=8)
        mouse.up()

    def pen(self, points: Points, force: float) -> None:
        """The same with a pen that is pressed with a force from 0 to 1."""
        devtools = self.page.context.new_cdp_session(self.page)
        for at, point in enumerate(points):
            x, y = self.at(*point)
            kind = "mousePressed" if at == 0 else "mouseMoved"
            held = {"button": "left", "buttons": 1, "clickCount": 1, "pointerType": "pen", "force": force}
            devtools.send("Input.dispatchMouseEvent", {"type": kind, "x": x, "y": y, **held})
        devtools.send(
            "Input.dispatchMouseEvent",
            {"type": "mouseReleased", "x": x, "y": y, "button": "left", "pointerType": "pen"},
        )

    def touch(self, points: Points) -> None:
        devtools = self.page.context.new_cdp_session(self.page)
        for at, point in enumerate(points):
            x, y = self.at(*point)
            kind = "touchStart" if at == 0 else "touchMove"
            devtools.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": x, "y": y}]})
        devtools.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})

    def give(self, event: str, file: Path) -> None:
        """Drop or paste a file: event is the name of the event."""
        given = {"event": event, "name": file.name, "data": base64.b64encode(file.read_bytes()).decode()}
        self.page.evaluate(GIVE, given)

    def answer(self, model: str = "cnn") -> Any:
        """The label of a model's answer."""
        return self.page.locator(f".answer[data-model={model}] .label")

    def picture(self, name: str) -> None:
        """Keep a screenshot of all of the page, when it has settled."""
        SHOTS.mkdir(parents=True, exist_ok=True)
        self.page.wait_for_timeout(700)
        self.page.screenshot(path=SHOTS / f"{name}.png", full_page=True)

    def findings(self) -> list[str]:
        """What axe finds of weight."""
        from axe_playwright_python.sync_playwright import Axe

        found = Axe().run(self.page).response["violations"]
        return [f"{each['id']}: {each['nodes'][0]['html']}" for each in found if each["impact"] in WORST]

    def settled(self) -> None:
        """Nothing went wrong, and nobody else was asked."""
        assert self.complaints == []
        assert self.hosts == {self.address}


GIVE = """({event, name, data}) => {
  const bytes = Uint8Array.from(atob(data), (character) => character.charCodeAt(0));
  const transfer = new DataTransfer();
  transfer.items.add(new File([bytes], name, {type: "image/" + name.split(".").pop()}));
  const made = event === "paste"
    ? new ClipboardEvent("paste", {clipboardData: transfer, bubbles: true})
    : new DragEvent(event, {dataTransfer: transfer, bubbles: true, cancelable: true});
  document.body.dispatchEvent(made);
}"""


@contextmanager
def browsing() -> Iterator[Callable[..., Any]]:
    """Debian's chromium; what it yields makes a new page, in a profile of its own, as Playwright's options say."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        yield lambda **options: browser.new_context(**({"locale": "en-GB"} | options)).new_page()
        browser.close()


def has(text: str) -> re.Pattern[str]:
    """A pattern that finds the text anywhere."""
    return re.compile(re.escape(text))
