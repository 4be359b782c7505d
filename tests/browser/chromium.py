"""Drive a headless Chromium by the DevTools protocol, over a pair of pipes.

https://chromedevtools.github.io/devtools-protocol/; with --remote-debugging-pipe, the browser reads
messages from descriptor 3 and writes them to 4, each ended by a NUL.
"""

import base64
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from itertools import count
from pathlib import Path
from typing import Any, Self

PLACES = (
    *("chromium", "chromium-browser", "google-chrome", "google-chrome-stable"),
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
)
FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    *("--disable-dev-shm-usage", "--hide-scrollbars", "--mute-audio"),
    # Whatever a page asks for, nothing is found.
    "--host-resolver-rules=MAP * ~NOTFOUND",
    "--remote-debugging-pipe",
)


# A shell could not: dash knows no descriptors above 9.
_PUT_INTO_PLACE = """
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.dup2(int(sys.argv[2]), 4)
os.execv(sys.argv[3], sys.argv[3:])
"""


def find_chromium() -> str:
    """Return the browser's path; a machine without one fails the tests, it does not skip them."""
    for place in PLACES:
        if found := shutil.which(place):
            return found
    message = "no Chromium: `apt-get install chromium`, `brew install --cask chromium`, or Chrome"
    raise AssertionError(message)


class Browser:
    """A running browser."""

    def __init__(self, directory: Path) -> None:
        command, answer = os.pipe(), os.pipe()
        self._process = subprocess.Popen(
            [
                *(sys.executable, "-c", _PUT_INTO_PLACE, str(command[0]), str(answer[1])),
                *(find_chromium(), *FLAGS, f"--user-data-dir={directory}"),
            ],
            pass_fds=(command[0], answer[1]),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(command[0])
        os.close(answer[1])
        self._to = os.fdopen(command[1], "wb", buffering=0)
        self._from = os.fdopen(answer[0], "rb", buffering=0)
        self._buffer = b""
        self._numbers = count(1)
        self._target: str | None = None
        self.events: list[dict[str, Any]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.call("Browser.close")
        self._to.close()
        self._from.close()
        self._process.wait(timeout=20)

    def call(self, method: str, session: str | None = None, **values: Any) -> dict[str, Any]:
        """Send a command and return its result; what happens meanwhile is kept in `events`."""
        number = next(self._numbers)
        message = {"id": number, "method": method, "params": values}
        if session:
            message["sessionId"] = session
        self._to.write(json.dumps(message).encode() + b"\0")
        while (answer := self._read()).get("id") != number:
            self.events.append(answer)
        assert "error" not in answer, (method, answer)
        result: dict[str, Any] = answer["result"]
        return result

    def until(self, method: str, session: str) -> None:
        """Wait until something happens in a page."""
        while not any(e["method"] == method and e.get("sessionId") == session for e in self.events):
            self.events.append(self._read())

    def _read(self) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            more = self._from.read(1 << 20)
            assert more, f"the browser ended with {self._process.poll()}"
            self._buffer += more
        text, _, self._buffer = self._buffer.partition(b"\0")
        message: dict[str, Any] = json.loads(text)
        return message

    def page(
        self,
        file: Path,
        *,
        width: int = 1280,
        height: int = 900,
        dark: bool = False,
        scripts: bool = True,
    ) -> "Page":
        """Open a file in a page of its own, and close the last one."""
        if self._target is not None:
            self.call("Target.closeTarget", targetId=self._target)
        target = self._target = self.call("Target.createTarget", url="about:blank")["targetId"]
        attached = self.call("Target.attachToTarget", targetId=target, flatten=True)
        page = Page(self, attached["sessionId"])
        for domain in ("Page", "Runtime", "Network", "Log"):
            page.call(f"{domain}.enable")
        page.call(
            "Emulation.setDeviceMetricsOverride",
            width=width, height=height, deviceScaleFactor=1, mobile=False,
        )  # fmt: skip
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        page.call("Emulation.setEmulatedMedia", features=[scheme])
        if not scripts:
            page.call("Emulation.setScriptExecutionDisabled", value=True)
        page.call("Page.navigate", url=file.as_uri())
        self.until("Page.loadEventFired", page.session)
        return page


class Page:
    """An open page."""

    def __init__(self, browser: Browser, session: str) -> None:
        self._browser = browser
        self.session = session

    def call(self, method: str, **values: Any) -> dict[str, Any]:
        return self._browser.call(method, self.session, **values)

    def evaluate(self, expression: str) -> Any:
        """Return the value of a JavaScript expression."""
        result = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in result, result
        return result["result"].get("value")

    def click(self, selector: str) -> None:
        """Click in the middle of an element, with the mouse."""
        place = f"document.querySelector({json.dumps(selector)})"
        box = self.evaluate(
            f"(e => {{ e.scrollIntoView({{block: 'center'}}); const b = e.getBoundingClientRect();"
            f" return [b.x + b.width / 2, b.y + b.height / 2]; }})({place})"
        )
        for kind in ("mouseMoved", "mousePressed", "mouseReleased"):
            self.mouse(kind, *box)

    def mouse(self, kind: str, x: float, y: float) -> None:
        button = "none" if kind == "mouseMoved" else "left"
        self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button=button, clickCount=1)

    def type(self, text: str) -> None:
        """Type into what has the focus."""
        self.call("Input.insertText", text=text)

    def screenshot(self, file: Path, *, whole: bool = True) -> None:
        shot = self.call("Page.captureScreenshot", captureBeyondViewport=whole)
        file.write_bytes(base64.b64decode(shot["data"]))

    def happened(self, *methods: str) -> list[Mapping[str, Any]]:
        """Return what happened in the page so far, of these kinds."""
        # An answer comes after all that happened before it.
        self.evaluate("1")
        return [
            event["params"]
            for event in self._browser.events
            if event.get("sessionId") == self.session and event["method"] in methods
        ]
