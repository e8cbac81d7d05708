"""What values point to is shown and saved; runs are compared; what is odd, gone or hostile is a message; all of it can be read.

`FLYTE_BRIDGE_PICTURES=1 pytest tests/embedded/console/test_panel.py -k pictures` makes the documentation's pictures anew.
"""

from __future__ import annotations

import html
import os
import re
import urllib.parse
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import modes
from flyte_bridge.embedded_client import snippets

from . import gallery, looks
from .browser import CHROMIUM, Browser
from .test_acts import PLACE, post, token
from .test_pages import BROWSER, get, logging_in, words
from .test_run_page import bridge

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..conftest import Client

PICTURES = Path(__file__).parents[3] / "docs" / "assets" / "console"
PICTURED = bool(os.environ.get("FLYTE_BRIDGE_PICTURES"))

EVIL = "\x1b[31m<b>\u202egnp.exe</b>" + "x" * 10_000


@pytest.fixture(scope="module")
def base(session_client: Client) -> str:
    """The console's URL, of a backend with two runs of one workflow and one whose values are files and frames."""
    BROWSER.open(snippets.console_url(session_client.running), timeout=20).close()
    session_client.write("winery.py", gallery.FLYTE_1)
    bridge(session_client, "register", "--version", "v1", "winery.py")
    for name, workflow, *inputs in (
        ("tasted", "tasted"),
        ("few", "harvest", "--season", "0"),
        ("many", "harvest", "--season", "1"),
        ("few-again", "harvest", "--season", "0"),
    ):
        bridge(session_client, "run", "--name", name, "winery.py", workflow, *inputs, "--wait")
    if PICTURED:
        bridge(session_client, "run", "--name", "vintage-1", "winery.py", "vintage", "--wait")
    return session_client.running.url


@pytest.fixture(scope="module")
def browser(session_client: Client, base: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A browser that has logged in."""
    browser = Browser(tmp_path_factory.mktemp("profile"))
    browser.open(logging_in(session_client, f"{base}/v2"))
    yield browser
    browser.close()


def fetch(url: str) -> tuple[bytes, dict[str, str]]:
    """An answer's bytes and headers."""
    with BROWSER.open(url, timeout=20) as response:
        return response.read(), dict(response.headers)


def links(base: str, page: str, way: str) -> list[str]:
    """The URLs of a page that lead to what values point to."""
    return [base + html.unescape(link) for link in re.findall(rf'(?:href|src)="([^"]*/{way}/[^"]*)"', page)]


def test_a_frame_has_its_first_rows(base: str) -> None:
    """A table of twenty, in a page that only ours may frame; how many there are is said."""
    _, page, _ = get(f"{base}{PLACE}/runs/tasted?i=n0")
    (table,) = set(links(base, page, "table"))
    told, headers = fetch(table)
    assert "vineyard" in (text := words(told.decode()))
    assert "no. 19 99" in text
    assert "no. 20 " not in text
    assert "20 rows of 40" in text
    assert "frame-ancestors 'self'" in headers["content-security-policy"]


def test_a_picture_is_shown_and_files_are_saved(base: str) -> None:
    """With the type of what it is, never as a page; a directory lists its files."""
    _, page, _ = get(f"{base}{PLACE}/runs/tasted?i=n0")
    picture, headers = fetch(links(base, page, "picture")[0])
    assert (picture[:4], headers["content-type"]) == (b"\x89PNG", "image/png")
    assert "sandbox" in headers["content-security-policy"]
    frame, label, notes = links(base, page, "file")
    saved, headers = fetch(label)
    assert saved == picture
    assert headers["content-disposition"] == "attachment; filename*=UTF-8''label.png"
    listed = get(notes)[1]
    assert "red.txt white.txt" in words(listed)
    red = re.search(r'href="(\?[^"]*red[^"]*)"', listed)
    assert red
    assert fetch(urllib.parse.urljoin(notes, html.unescape(red[1])))[0] == b"red.txt: <b>dry</b>"
    assert fetch(frame)[0][:4] == b"PAR1"


def test_only_what_a_value_points_to_is_given(base: str) -> None:
    """A file that is not in its directory, a variable that is not there, a run that is not there: 404."""
    _, page, _ = get(f"{base}{PLACE}/runs/tasted?i=n0")
    notes = links(base, page, "file")[2]
    assert get(f"{notes}?file=s3://flyte/other")[0] == 404
    assert get(f"{notes}?at=%5B0%5D")[0] == 404
    assert get(f"{base}{PLACE}/runs/tasted/file/n0/outputs/o9")[0] == 404
    assert get(f"{base}{PLACE}/runs/none/file/n0/outputs/o0")[0] == 404
    assert get(f"{base}{PLACE}/runs/tasted/picture/n0/outputs/o2")[0] in {404, 502}


def test_two_runs_are_compared(base: str) -> None:
    """The same is said to be the same; what differs is told node by node, with both values."""
    assert "few-again" in words(get(f"{base}{PLACE}/runs/few/compare")[1])
    assert "Compare harvest same" in words(get(f"{base}{PLACE}/runs/few/compare?with=few-again")[1])
    text = words(get(f"{base}{PLACE}/runs/few/compare?with=many")[1])
    assert "Compare harvest different" in text
    assert "4.5" in text
    assert "9.0" in text
    status, page, _ = get(f"{base}{PLACE}/runs/few/compare?with=none")
    assert (status, "There is no run" in words(page)) == (404, True)


@pytest.mark.parametrize(
    "path",
    [
        "/runs/{}",
        "/runs/few?i={}",
        "/runs/few/compare?with={}",
        "/runs?name={}&task={}&phase={}",
        "/tasks?name={}",
        "/tasks/{}",
        "/launch-plans?name={}&page=99999999999",
        "/triggers?name={}",
        "/triggers/{}/{}",
        "/runs/few/log/{}/1",
        "/runs/few/log/a0/999999999",
        "/runs/few/report/{}",
    ],
)
def test_hostile_names_are_a_message(base: str, path: str) -> None:
    """Markup, terminal escapes, right-to-left marks, ten thousand characters, bytes that are no text: escaped, and no defect."""
    for name in (EVIL, "%ff%00", "../../etc/passwd", "a\nb"):
        quoted = name if name.startswith("%") else urllib.parse.quote(name, safe="")
        status, page, _ = get(base + PLACE + path.format(quoted, quoted, quoted))
        assert status in {200, 400, 404}, (status, words(page)[:500])
        assert "<b>" not in page


def test_a_run_that_is_deleted_meanwhile_is_a_message(base: str) -> None:
    """Forms of what is not there any more are 404 and do nothing."""
    page = get(f"{base}{PLACE}/runs/few/relaunch")[1]
    for act in ("relaunch", "abort", "recover", "signal/n0"):
        status, said, _ = post(f"{base}{PLACE}/runs/gone/{act}", form=token(page), value="1")
        assert (status, "There is no" in words(said)) == (404, True), words(said)


def test_two_people_who_recover_get_the_same_run(base: str) -> None:
    """Each with a page of their own."""
    first, second = get(f"{base}{PLACE}/runs/few/relaunch")[1], get(f"{base}{PLACE}/runs/few/relaunch")[1]
    assert token(first) != token(second)
    urls = {post(f"{base}{PLACE}/runs/few/recover", form=token(page))[2] for page in (first, second)}
    assert len(urls) == 1
    assert "/runs/r" in urls.pop()


@pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed; .ci/run installs Debian's")
@pytest.mark.parametrize(
    ("width", "scheme"),
    [(looks.DESK, "light"), (looks.PHONE, "dark")]
    + ([(looks.DESK, "dark"), (looks.PHONE, "light")] if modes.FULL else []),
)
def test_each_page_can_be_read(base: str, browser: Browser, width: int, scheme: str) -> None:
    """On a desk and a phone, light and dark: every control has a name, text a contrast of 4.5, and nothing is cut off."""
    for path in (
        "/runs/few",
        "/runs/tasted?i=n0",
        "/runs/few/compare?with=many",
        "/runs/few/relaunch",
        "/runs/none",
        "/runs",
        "/workflows",
        "/launch-plans",
        "/tasks",
        "/triggers",
        "/tasks/flyte1.launch-plan.winery.nightly",
    ):
        looks.show(browser, base + PLACE + path, width, scheme)
        assert looks.faults(browser) == [], path


@pytest.mark.skipif(CHROMIUM is None or not PICTURED, reason="pictures are made on demand")
@pytest.mark.parametrize(
    ("name", "path", "width", "height", "scheme"),
    [
        ("run", "/runs/vintage-1?i=n2", looks.DESK, 880, "light"),
        ("run-phone", "/runs/vintage-1?i=n2", looks.PHONE, 800, "dark"),
        ("values", "/runs/tasted?i=n0", looks.DESK, 880, "light"),
        ("compare", "/runs/few/compare?with=many", looks.DESK, 700, "light"),
        ("launch-plans", "/launch-plans", looks.DESK, 460, "dark"),
        ("launch", "/tasks/flyte1.launch-plan.winery.nightly/launch", looks.PHONE, 300, "light"),
    ],
)
def test_pictures(base: str, browser: Browser, name: str, path: str, width: int, height: int, scheme: str) -> None:
    """The documentation's pictures are of these pages."""
    if name == "launch-plans":
        post(
            f"{base}{PLACE}/tasks/flyte1.launch-plan.winery.nightly/activate",
            form=token(get(f"{base}{PLACE}/tasks/flyte1.launch-plan.winery.nightly")[1]),
            version="v1",
        )
    looks.show(browser, base + PLACE + path, width, scheme, height)
    if name == "values":
        browser.run("document.querySelector('details[id^=rows]').open = true")
        browser.until("document.querySelector('iframe.rows').contentDocument?.querySelectorAll('td').length > 0")
    looks.picture(browser, PICTURES / f"{name}.png")


def test_the_documentation_has_its_pictures() -> None:
    """Each that docs/console.md shows is one that the test above makes, and is there."""
    shown = re.findall(r"\(assets/console/([\w-]+)\.png\)", (PICTURES.parents[1] / "console.md").read_text())
    assert sorted(shown) == sorted(path.stem for path in PICTURES.glob("*.png"))
    assert shown
