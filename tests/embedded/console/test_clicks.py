"""A person with a browser clicks through the acts of the console: every form is reached and sent by what is on the page."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from .browser import CHROMIUM, Browser
from .test_acts import PLACE, base
from .test_pages import logging_in

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ..conftest import Client

__all__ = ["base"]

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed; .ci/run installs Debian's")

HEAD = "document.querySelector('h1').textContent"


@pytest.fixture
def browser(session_client: Client, base: str, tmp_path: Path) -> Iterator[Browser]:
    """A browser that has logged in, on a desk."""
    browser = Browser(tmp_path / "profile", "--window-size=1280,900")
    browser.open(logging_in(session_client, f"{base}/v2"))
    yield browser
    browser.close()


def test_a_person_launches_answers_and_runs_again(browser: Browser, base: str) -> None:
    """Launch, set input, approve, see it succeed without a reload, and run it again; times are local, UTC on hover."""
    browser.open(f"{base}{PLACE}/tasks/flyte1.launch-plan.gates.gated")
    browser.click("Launch…")
    browser.until("!!document.querySelector('[name=\"input.n\"]')")
    browser.click("Launch it")
    browser.until("!!document.querySelector('.condition input[name=value]')")
    # with the focus, as a person has it: a part that somebody types in is not replaced
    browser.run(
        "{const field = document.querySelector('.condition input[name=value]'); field.focus(); field.value = '12'}"
    )
    browser.click("Set input")
    browser.click("Approve")
    browser.until(f"{HEAD}.includes('succeeded')")
    assert browser.run("document.querySelector('time').title").endswith(" UTC")
    browser.click("half")
    browser.until("document.querySelector('#part-panel h2').textContent.includes('half')")
    assert "Outputs" in browser.run("document.querySelector('#part-panel').textContent")
    browser.click("Run again…")
    browser.click("Run it")
    browser.until("!!document.querySelector('.condition')")
    browser.click("Abort…")
    browser.click("Abort it")
    browser.until(f"{HEAD}.includes('aborted')")
    browser.click("Recover")
    browser.until("!!document.querySelector('.condition')")
    browser.click("Abort…")
    browser.click("Abort it")
    browser.until(f"{HEAD}.includes('aborted')")


def test_a_person_switches_a_trigger(browser: Browser, base: str) -> None:
    """Off and on again."""
    browser.open(f"{base}{PLACE}/triggers/acted.main/nightly")
    browser.click("Deactivate…")
    browser.click("Deactivate it")
    browser.until(f"{HEAD}.includes('inactive')")
    browser.click("Activate")
    browser.until(f"!{HEAD}.includes('inactive')")
