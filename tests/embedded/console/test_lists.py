"""The list of runs is narrowed by its URL, and stays quick with many runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from flyte_bridge.console.run_filter import RunFilter
from flyte_bridge.embedded_client import snippets

from .test_pages import BROWSER, get

if TYPE_CHECKING:
    from ..conftest import Client

MODULE = """
    import flyte

    env = flyte.TaskEnvironment(name="listed")


    @env.task
    async def fine(word: str) -> str:
        return word


    @env.task
    async def poor(word: str) -> str:
        raise ValueError(word)
"""


@pytest.fixture(scope="module")
def runs(session_client: Client) -> tuple[str, str, str]:
    """The list's URL, a run that succeeded and one that failed."""
    BROWSER.open(snippets.console_url(session_client.running), timeout=20).close()
    session_client.write("listed.py", MODULE)
    fine = session_client.run("listed.py", "fine", "--word", "a")
    poor = session_client.run("listed.py", "poor", "--word", "a", phase="failed")
    return f"{session_client.running.url}/v2", fine, poor


@pytest.mark.parametrize(
    ("query", "shows_fine", "shows_poor"),
    [
        ("", True, True),
        ("task=listed", True, True),
        ("task=POOR", False, True),
        ("task=poo%25", False, False),
        ("task=l_sted", False, False),
        ("task=listed&phase=succeeded", True, False),
        ("task=listed&phase=failed", False, True),
        ("task=listed&since=2100-01-01", False, False),
        ("task=listed&until=2000-01-01", False, False),
        ("task=listed&since=yesterday&phase=no-phase&by=nobody", True, True),
        ("task=listed&by=schedule+trigger", False, False),
        ("name=%3Cimg+src%3Dx%3E", False, False),
    ],
)
def test_a_list_shows_what_fits(runs: tuple[str, str, str], query: str, shows_fine: bool, shows_poor: bool) -> None:
    """By words of the name or task, phase, who started it and days; what is none of these narrows nothing."""
    url, fine, poor = runs
    status, page, _ = get(f"{url}?{query}")
    assert status == 200
    assert (f"/runs/{fine}" in page, f"/runs/{poor}" in page) == (shows_fine, shows_poor)
    assert "<img" not in page


def test_a_lists_pages_keep_what_it_is_narrowed_to() -> None:
    """The link to the next page has the filter in it."""
    chosen = RunFilter.of({"name": "a&b", "phase": "failed", "page": "3"})
    assert chosen.query(4) == "name=a%26b&phase=failed&page=4"
    assert not RunFilter().narrows
