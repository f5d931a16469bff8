"""Headless Chromium, driven over the DevTools protocol: the page as a reader has it."""

import asyncio
import itertools
import json
import shutil
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tornado.websocket import websocket_connect

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    *("--hide-scrollbars", "--remote-debugging-port=0"),
)
ANSWERED = "all !== null"  # the page has asked its network for every sum
PATIENCE = 60.0  # seconds for what a busy machine may take its time for


class Tab:
    """One tab of a running Chromium. Whatever is asked of it waits for the answer."""

    def __init__(self, runner: asyncio.Runner, socket) -> None:
        self.runner, self.socket, self.numbers = runner, socket, itertools.count(1)
        self.complaints: list[str] = []  # uncaught exceptions and what the console calls an error
        self.requests: list[str] = []  # addresses asked for

    def call(self, method: str, **parameters) -> dict:
        return self.runner.run(self._call(method, parameters))

    async def _call(self, method: str, parameters: dict) -> dict:
        number = next(self.numbers)
        message = {"id": number, "method": method, "params": parameters}
        await self.socket.write_message(json.dumps(message))
        while True:
            text = await asyncio.wait_for(self.socket.read_message(), PATIENCE)
            if text is None:
                raise ConnectionError(f"Chromium closed the connection during {method}")
            answer = json.loads(text)
            if answer.get("id") == number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']['message']}")
                return answer["result"]
            self._note(answer)

    def _note(self, event: dict) -> None:
        method, about = event.get("method"), event.get("params", {})
        if method == "Runtime.exceptionThrown":
            details = about["exceptionDetails"]
            self.complaints.append(details.get("exception", {}).get("description", str(details)))
        elif method == "Runtime.consoleAPICalled" and about["type"] in ("error", "warning"):
            self.complaints.append(str([part.get("value") for part in about["args"]]))
        elif method == "Log.entryAdded" and about["entry"]["level"] == "error":
            self.complaints.append(about["entry"]["text"])
        elif method == "Network.requestWillBeSent":
            self.requests.append(about["request"]["url"])

    def value(self, expression: str):
        """The value of a JavaScript expression, awaited if it is a promise."""
        result = self.call(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True
        )
        if "exceptionDetails" in result:
            raise RuntimeError(f"{expression}: {result['exceptionDetails']}")
        return result["result"].get("value")

    def open(self, path: Path, width: int, height: int, before: str = "") -> None:
        """Show a file in a window of this size; wait until it is drawn. ``before``: what runs in
        the page before its own scripts."""
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")
        self.call(
            "Emulation.setDeviceMetricsOverride",
            **{"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600},
        )
        self.call("Emulation.setFocusEmulationEnabled", enabled=True)
        self.call("Page.addScriptToEvaluateOnNewDocument", source=before)
        self.call("Page.navigate", url=path.resolve().as_uri())
        self.until("document.documentElement?.dataset.drawn === 'yes'")

    def until(self, expression: str) -> None:
        """Raises TimeoutError, with what the page complained about, if it never becomes true."""
        end = time.monotonic() + PATIENCE
        while not self.value(expression):
            if time.monotonic() > end:
                raise TimeoutError(f"{expression} did not come true; {self.complaints}")
            time.sleep(0.05)

    def press(self, key: str, code: int) -> None:
        for kind in ("rawKeyDown", "keyUp"):
            self.call(
                "Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code
            )

    def drag(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        """Press the mouse at one place of the window, move it to another and let it go."""
        moves = (("Moved", start), ("Pressed", start), ("Moved", end), ("Released", end))
        for kind, (x, y) in moves:
            at = {"x": x, "y": y, "button": "left", "clickCount": 1, "buttons": 1}
            self.call("Input.dispatchMouseEvent", type=f"mouse{kind}", **at)

    def middle(self, selector: str) -> tuple[float, float]:
        """Where the middle of an element is in the window, which is scrolled to it."""
        box = f"document.querySelector({json.dumps(selector)})"
        self.value(f"{box}.scrollIntoView({{block: 'center', behavior: 'instant'}})")
        return tuple(
            self.value(
                f"(({{x, y, width, height}}) => [x + width / 2, y + height / 2])"
                f"({box}.getBoundingClientRect())"
            )
        )


@contextmanager
def shown(page: Path, profile: Path, before: str = "") -> Iterator[Tab]:
    """A tab with the page, in a Chromium of its own with a fresh profile; ``before``: as above.

    Nothing may complain or ask for another address.
    """
    if CHROMIUM is None:
        pytest.skip("no chromium, chromium-browser or google-chrome on the PATH")
    command = [CHROMIUM, *FLAGS, f"--user-data-dir={profile}", "about:blank"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        with asyncio.Runner() as runner:
            tab = Tab(runner, runner.run(_socket(profile / "DevToolsActivePort")))
            tab.open(page, 1280, 900, before)
            yield tab
            runner.get_loop().call_soon(tab.socket.close)  # as the loop ends
        assert tab.complaints == [], tab.complaints
        asked = {url for url in tab.requests if not url.startswith(("data:", "blob:"))}
        assert asked == {page.resolve().as_uri()}, asked
    finally:
        process.terminate()
        process.wait(PATIENCE)


async def _socket(port_file: Path):
    """The connection to the one tab of a Chromium that starts."""
    end = time.monotonic() + PATIENCE
    while not (port_file.exists() and port_file.read_text().count("\n")):
        if time.monotonic() > end:
            raise TimeoutError("Chromium did not start")
        await asyncio.sleep(0.05)
    port = port_file.read_text().splitlines()[0]
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/json/list") as answer:
        page = next(target for target in json.load(answer) if target["type"] == "page")
    return await websocket_connect(page["webSocketDebuggerUrl"], max_message_size=2**28)


def text(name: str) -> str:
    return f"document.getElementById('{name}').textContent"


def type_in(tab: Tab, name: str, value: str) -> None:
    """What a reader types; a number input has no value for what is no number."""
    tab.value(f"$('{name}').focus(); $('{name}').select()")
    tab.call("Input.insertText", text=value)
    if not value:
        tab.press("Backspace", 8)
