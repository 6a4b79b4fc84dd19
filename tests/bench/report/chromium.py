"""A headless Chromium driven over its debugging pipe: open a page, ask it questions, hear of its requests."""

from __future__ import annotations

import base64
import json
import os
import select
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Self

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
_LAUNCH = """
import fcntl, os, sys
pipes = [fcntl.fcntl(int(number), fcntl.F_DUPFD, 10) for number in sys.argv[1:3]]
for pipe, wanted in zip(pipes, (3, 4)):
    os.dup2(pipe, wanted)
os.execv(sys.argv[3], sys.argv[3:])
"""
"""The browser reads commands from descriptor 3 and answers on 4."""
_CODES = {
    "Tab": 9, "Enter": 13, "Escape": 27, " ": 32, "End": 35, "Home": 36,
    "ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39, "ArrowDown": 40, "[": 219, "]": 221, "?": 191,
}  # fmt: skip
_SHIFT = 8


def find_browser() -> str | None:
    """The path of a Chromium, or None where there is none."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


class Browser:
    """One tab. events: everything it has reported since `open`."""

    def __init__(self, home: Path) -> None:
        binary = find_browser()
        assert binary is not None
        read, theirs_out = os.pipe()
        theirs_in, write = os.pipe()
        self._process = subprocess.Popen(
            [
                sys.executable, "-c", _LAUNCH, str(theirs_in), str(theirs_out), binary, "--headless", "--no-sandbox",
                "--disable-gpu", "--disable-dev-shm-usage", "--remote-debugging-pipe", "--mute-audio",
                "--no-first-run", "--disable-background-networking", f"--user-data-dir={home}",
                "--autoplay-policy=no-user-gesture-required", "about:blank",
            ],
            pass_fds=(theirs_in, theirs_out),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )  # fmt: skip
        os.close(theirs_in)
        os.close(theirs_out)
        self._read, self._write, self._buffer, self._count = read, write, b"", 0
        self.events: list[dict[str, Any]] = []
        self._session: str | None = None
        (target,) = [t for t in self.call("Target.getTargets")["targetInfos"] if t["type"] == "page"]
        self._session = self.call("Target.attachToTarget", targetId=target["targetId"], flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.call(f"{domain}.enable")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._read)
        os.close(self._write)

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        """The result of a command of the DevTools protocol."""
        self._count += 1
        message: dict[str, Any] = {"id": self._count, "method": method, "params": params}
        if self._session is not None:
            message["sessionId"] = self._session
        os.write(self._write, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == self._count:
                assert "error" not in answer, answer
                return answer["result"]

    def open(self, page: Path, *, at: str = "", width: int = 1200, height: int = 900) -> None:
        """Open a file and wait until it is loaded. at: the address after the file's name, such as "#clip=…"."""
        self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600
        )
        # By way of an empty page: another hash of the page that is open would load nothing.
        for url in ("about:blank", page.as_uri() + at):
            self.events.clear()
            self.call("Page.navigate", url=url)
            while not any(event["method"] == "Page.loadEventFired" for event in self.events):
                self._next()

    def press(self, *keys: str) -> None:
        """Press and release keys one after another, by their names in KeyboardEvent.key; "Shift+Tab" holds Shift."""
        for name in keys:
            key = name.removeprefix("Shift+")
            text = {"Enter": "\r"}.get(key, key if len(key) == 1 else "")
            code = _CODES.get(key) or (ord(key.upper()) if len(key) == 1 else 0)
            shared = {"key": key, "windowsVirtualKeyCode": code, "modifiers": _SHIFT if key != name else 0}
            kind = {"type": "keyDown", "text": text} if text else {"type": "rawKeyDown"}
            self.call("Input.dispatchKeyEvent", **kind, **shared)
            self.call("Input.dispatchKeyEvent", type="keyUp", **shared)

    def point(self, x: float, y: float, *, click: bool = False) -> None:
        """Move the mouse there, in pixels of the window, and click if asked."""
        self.call("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)
        for kind in ("mousePressed", "mouseReleased") if click else ():
            self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def wait(self, condition: str, *, seconds: float = 8) -> None:
        """Wait until an expression on the page is true."""
        made = self.ask(
            f"new Promise(done => {{ const end = performance.now() + {1000 * seconds};"
            f" const look = () => ({condition}) ? done(true) : performance.now() > end ? done(false)"
            " : setTimeout(look, 15); look() })"
        )
        assert made, f"never came true: {condition}"

    def screenshot(self) -> bytes:
        """A PNG of what is seen."""
        return base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"])

    def ask(self, expression: str) -> Any:
        """The value of an expression on the page; promises are waited for."""
        found = self.call(
            "Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True, userGesture=True
        )
        assert "exceptionDetails" not in found, found["exceptionDetails"]
        return found["result"].get("value")

    def requests(self) -> list[str]:
        """What the page has asked for."""
        sent = [e for e in self.events if e["method"] == "Network.requestWillBeSent"]
        return [event["params"]["request"]["url"] for event in sent]

    def complaints(self) -> list[str]:
        """Errors of the page: exceptions, refused resources, files that are not there."""
        words = [str(e["params"]) for e in self.events if e["method"] == "Runtime.exceptionThrown"]
        entries = [e["params"]["entry"] for e in self.events if e["method"] == "Log.entryAdded"]
        return words + [entry["text"] for entry in entries if entry["level"] in ("error", "warning")]

    def _next(self) -> dict[str, Any]:
        """The next message; events are kept."""
        until = time.monotonic() + 30
        while b"\0" not in self._buffer:
            ready, _, _ = select.select([self._read], [], [], max(0.0, until - time.monotonic()))
            assert ready, "the browser does not answer"
            piece = os.read(self._read, 1 << 16)
            assert piece, "the browser has ended"
            self._buffer += piece
        line, _, self._buffer = self._buffer.partition(b"\0")
        message = json.loads(line)
        if "method" in message:
            self.events.append(message)
        return message
