"""What can be told of a page's looks by its elements: names, contrast, width; and pictures of it for the documentation."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .browser import Browser

DESK, PHONE = 1280, 400

_FAULTS = Path(__file__).with_name("faults.js").read_text()


def show(browser: Browser, url: str, width: int, scheme: str, height: int = 900) -> None:
    """Opens a page as somebody sees it.

    Args:
        browser: It.
        url: The page.
        width: Of the window, in pixels.
        scheme: `light` or `dark`.
        height: Of the window.
    """
    browser.ask("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
    browser.ask("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
    browser.open(url)


def faults(browser: Browser) -> list[Any]:
    """What is wrong with the open page."""
    told: list[Any] = json.loads(browser.run(_FAULTS))
    return told


def picture(browser: Browser, path: Path) -> None:
    """The open page, as PNG."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(base64.b64decode(browser.ask("Page.captureScreenshot", format="png")["data"]))
