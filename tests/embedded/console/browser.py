"""Headless Chromium, driven through a pipe by its DevTools protocol: no port, no package, nothing downloaded."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


class Left(Exception):
    """Raised when the page that was asked has gone to another one meanwhile."""


class Browser:
    """One page of one browser."""

    def __init__(self, profile: Path, *options: str) -> None:
        """Starts it.

        Args:
            profile: Where it keeps what it keeps.
            options: Of its command line.
        """
        assert CHROMIUM is not None
        reading, self._write = os.pipe()
        self._read, writing = os.pipe()
        # the browser reads descriptor 3 and writes descriptor 4
        script = f'exec 3<&{reading} 4>&{writing}; exec "$@"'
        command = [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--remote-debugging-pipe"]
        self._process = subprocess.Popen(
            ["bash", "-c", script, "bash", *command, f"--user-data-dir={profile}", *options, "about:blank"],
            pass_fds=(reading, writing),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "TZ": "Asia/Tokyo"},
        )
        os.close(reading)
        os.close(writing)
        self._rest = b""
        self._number = 0
        self._session = ""
        targets = self.ask("Target.getTargets")["targetInfos"]
        page = next(target for target in targets if target["type"] == "page")
        attached = self.ask("Target.attachToTarget", targetId=page["targetId"], flatten=True)
        self._session = attached["sessionId"]

    def close(self) -> None:
        """Ends it."""
        self._process.kill()
        self._process.wait(timeout=20)
        os.close(self._write)
        os.close(self._read)

    def ask(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Calls a method of the protocol."""
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._write, json.dumps(message).encode() + b"\0")
        while True:
            while b"\0" not in self._rest:
                piece = os.read(self._read, 1 << 16)
                assert piece, "the browser has ended"
                self._rest += piece
            said, _, self._rest = self._rest.partition(b"\0")
            answer = json.loads(said)
            if answer.get("id") == self._number:
                if "navigated" in answer.get("error", {}).get("message", ""):
                    raise Left(answer["error"]["message"])
                assert "error" not in answer, answer
                told: dict[str, Any] = answer["result"]
                return told

    def run(self, script: str) -> Any:
        """What a script says in the page."""
        told = self.ask("Runtime.evaluate", expression=script, returnByValue=True)
        assert "exceptionDetails" not in told, told
        return told["result"].get("value")

    def until(self, script: str) -> Any:
        """What a script says in the page once that is something, whatever the page does meanwhile."""
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            with suppress(Left):
                told = self.ask("Runtime.evaluate", expression=script, returnByValue=True)
                if told["result"].get("value"):
                    return told["result"]["value"]
            time.sleep(0.05)
        raise AssertionError(f"{script}: {self.run('document.body.innerText')}")

    def open(self, url: str) -> None:
        """Goes to a page."""
        self.ask("Page.navigate", url=url)
        self.until("document.readyState == 'complete' && location.href != 'about:blank'")

    def click(self, text: str, within: str = "button, a, summary") -> None:
        """Clicks the first thing of that text."""
        found = f"[...document.querySelectorAll({within!r})].find(one => one.textContent.trim() == {text!r})"
        self.until(f"!!{found}")
        with suppress(Left):  # the click has done it already
            self.run(f"{found}.click()")
