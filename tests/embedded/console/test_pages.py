"""The console's pages, asked over HTTP of a real backend, and looked at in headless Chromium."""

from __future__ import annotations

import html
import re
import shutil
import subprocess
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Any

import pytest

from flyte_bridge.embedded_client import snippets

from ..conftest import run_in

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ..conftest import Client

MODULE = """
    import flyte
    import flyte.report

    env = flyte.TaskEnvironment(name="shown")

    @env.task
    async def child(x: int) -> int:
        print(f"\\\\x1b[31mchild says <b>{x}</b>\\\\x1b[0m")
        return x + 1

    @env.task(report=True)
    async def parent(text: str) -> str:
        await flyte.report.replace.aio("<script>document.title = 'from the report'</script><p>fine report</p>")
        await flyte.report.flush.aio()
        return text + str(await child(1))

    @env.task(retries=1)
    async def breaks(text: str) -> int:
        raise ValueError(text)

    @env.task
    async def asks() -> bool:
        gate = await flyte.new_condition.aio("ship it", prompt="Ship <it>?", data_type=bool)
        return await gate.wait.aio()
"""

EVIL = "<img src=x onerror=\"document.title='pwned'\"><script>document.title='pwned'</script>"


@pytest.fixture(scope="module")
def world(session_client: Client) -> tuple[Client, dict[str, Any]]:
    """Runs to look at: one that went well, one that failed, one that waits."""
    BROWSER.open(snippets.console_url(session_client.running), timeout=20).close()
    session_client.write("shown.py", MODULE)
    told = session_client.python(
        f"""
        import shown
        flyte.init_from_config()
        good = flyte.run(shown.parent, text={EVIL!r})
        bad = flyte.run(shown.breaks, text={EVIL!r})
        good.wait(quiet=True)
        bad.wait(quiet=True)
        asks = flyte.run(shown.asks)
        tell(good=good.url, bad=bad.url, asks=asks.url)
        """
    )
    return session_client, told


BROWSER = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
"""Keeps the cookie of its login."""


def get(url: str, method: str = "GET") -> tuple[int, str, dict[str, str]]:
    """Status, text and headers of a page."""
    request = urllib.request.Request(url, method=method)
    try:
        with BROWSER.open(request, timeout=20) as response:
            return response.status, response.read().decode(), dict(response.headers)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode(), dict(error.headers)


def words(page: str) -> str:
    """A page's text as a reader sees it."""
    bare = re.sub(r"<style>.*?</style>|<[^>]*>", " ", page, flags=re.DOTALL)
    return " ".join(html.unescape(bare).split())


def test_the_run_url_shows_tree_values_phases_and_logs(world: tuple[Client, dict[str, Any]]) -> None:
    """At the URL that the SDK prints: the tree with phases and times, inputs, outputs, attempts, log."""
    _, urls = world
    status, page, _ = get(urls["good"])
    assert status == 200
    text = words(page)
    assert re.search(r"parent a0 succeeded \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC \S+ m?s", text), text
    assert re.search(r"child \w+ succeeded", text)
    assert "<svg" in page
    assert f"Inputs text {EVIL}" in text
    assert f"Outputs o0 {EVIL}2" in text
    assert "Attempt 1 succeeded" in text
    assert "running" in text
    assert "Flyte runtime" in text  # the log
    assert "data-events" not in page  # nothing changes any more


def test_an_actions_own_url_opens_it(world: tuple[Client, dict[str, Any]]) -> None:
    """`?i=ACTION`, the SDK's form, shows that action's values and log, colours left out, and links to the whole log."""
    _, urls = world
    _, page, _ = get(urls["good"])
    child = re.search(r'class="node" href="([^"]*\?i=(?!a0)[^"]*)"><span class="name">child<', page)
    assert child
    _, page, _ = get(html.unescape(urls["good"].partition("/v2")[0] + child[1]))
    text = words(page)
    assert "Inputs x 1" in text
    assert "Outputs o0 2" in text
    assert "child says <b>1</b>" in text
    log = re.search(r'href="([^"]*/log/[^"]*)"', page)
    assert log
    status, whole, headers = get(urls["good"].partition("/v2")[0] + log[1])
    assert (status, headers["content-type"]) == (200, "text/plain; charset=utf-8")
    assert "child says <b>1</b>" in whole


def test_a_failed_run_shows_its_error_and_both_attempts(world: tuple[Client, dict[str, Any]]) -> None:
    """The error's message, and each attempt."""
    _, urls = world
    text = words(get(urls["bad"])[1])
    assert "failed" in text
    assert "Error" in text
    assert EVIL in text
    assert "Attempt 1" in text
    assert "Attempt 2" in text


def test_an_open_condition_is_shown_with_the_command_that_answers_it(
    world: tuple[Client, dict[str, Any]], eventually: Callable[..., Any]
) -> None:
    """The prompt, the type and a command that works as it stands; the page of an open run is told of changes."""
    client, urls = world
    page = eventually(lambda: found if "waits for a bool" in (found := get(urls["asks"])[1]) else None)
    text = words(page)
    assert "ship it waits for a bool since" in text
    assert "Ship <it>?" in text
    assert "data-events" in page
    command = re.search(r"flyte (signal condition .*? true)", text)
    assert command
    client.flyte(*command[1].split())
    text = eventually(lambda: found if "waits for" not in (found := words(get(urls["asks"])[1])) else None)
    run = run_in(urls["asks"])
    eventually(lambda: client.phase_of(run) == "succeeded")
    assert "Outputs o0 true" in words(get(urls["asks"])[1])


def test_the_front_page_and_the_projects_page_list_runs(world: tuple[Client, dict[str, Any]]) -> None:
    """`/` lists all runs, a project's page its own, and a page that is not there says so."""
    _, urls = world
    base = urls["good"].partition("/v2")[0]
    ours = "/v2/domain/development/project/flytesnacks"
    for path in ("/", "/v2", ours, f"{ours}/runs"):
        status, page, _ = get(base + path)
        assert status == 200
        assert run_in(urls["good"]) in page
    _, page, _ = get(base + "/v2/domain/staging/project/flytesnacks/runs")
    assert run_in(urls["good"]) not in page
    assert "None yet" in page
    for path in ("/v2/domain/d/project/p/runs/none", "/v2/nothing", "/v2/domain/d/project/p/tasks/none"):
        assert get(base + path)[0] == 404
    assert "has no action &#39;zz&#39;" in get(urls["good"] + "?i=zz")[1]


def test_only_reading_is_allowed(world: tuple[Client, dict[str, Any]]) -> None:
    """A page that has no form takes none, and other methods are refused; HEAD has no body."""
    _, urls = world
    assert get(urls["good"], "POST")[0] == 405
    assert get(urls["good"], "DELETE")[0] == 405
    assert get(urls["good"], "HEAD")[:2] == (200, "")


def test_pages_run_our_script_only_and_reports_theirs_in_a_sandbox(world: tuple[Client, dict[str, Any]]) -> None:
    """A page runs the one file of script that is ours; a report its own, in an origin that reaches nothing else."""
    _, urls = world
    _, page, headers = get(urls["good"])
    assert re.findall("<script[^>]*>", page) == ['<script src="/v2/_static/console.js" defer>']
    policy = headers["content-security-policy"]
    assert policy.startswith("default-src 'none'")
    assert "script-src 'self';" in policy
    base = urls["good"].partition("/v2")[0]
    assert get(f"{base}/v2/_static/console.js")[2]["content-type"].startswith("text/javascript")
    assert get(f"{base}/v2/_static/pages.py")[0] == 404
    link = re.search(r'href="([^"]*/report/[^"]*)"', page)
    assert link
    _, report, headers = get(urls["good"].partition("/v2")[0] + link[1])
    assert "fine report" in report
    assert headers["content-security-policy"].startswith("sandbox")


def test_a_deployed_task_and_its_trigger_have_pages(client: Client) -> None:
    """The URLs of tasks and triggers, as the SDK makes them, show versions, schedule, next fire times and revisions."""
    client.write(
        "paged.py",
        """
        import flyte

        env = flyte.TaskEnvironment(name="paged")

        @env.task(triggers=flyte.Trigger("nightly", flyte.Cron("0 3 * * *"), description="every night"))
        async def main() -> int:
            return 1
        """,
    )
    client.flyte("deploy", "--version", "v7", "paged.py", "env")
    place = f"{client.running.url}/v2/domain/development/project/flytesnacks"
    text = words(get(f"{place}/tasks/paged.main")[1])
    assert "v7" in text
    assert "nightly 0 3 * * * (UTC) yes" in text
    text = words(get(f"{place}/triggers/paged.main/nightly")[1])
    assert "Trigger nightly active" in text
    assert len(re.findall(r"\d{4}-\d\d-\d\d 03:00:00", text)) == 5
    assert "Revisions" in text


CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


def chromium(url: str, profile: Path, *options: str) -> str:
    """What headless Chromium prints about a page."""
    assert CHROMIUM is not None
    done = subprocess.run(
        [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={profile}", *options, url],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return done.stdout


def logging_in(client: Client, url: str) -> str:
    """The URL of a page, with the path that gives a browser its cookie and leads on to the page."""
    assert client.running.access is not None
    return url.replace(client.running.endpoint, f"{client.running.endpoint}/{client.running.access.segment}", 1)


@pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed; .ci/run installs Debian's")
def test_chromium_shows_the_page_and_runs_nothing_that_a_value_smuggled_in(
    world: tuple[Client, dict[str, Any]], tmp_path: Path
) -> None:
    """With scripts enabled in the browser, values stay text, no element comes of them, and the title is ours."""
    client, urls = world
    with_scripts = chromium(logging_in(client, urls["good"]), tmp_path / "a", "--dump-dom")
    assert "<title>" in with_scripts
    assert "pwned" not in re.search(r"<title>(.*?)</title>", with_scripts, re.DOTALL)[1]  # type: ignore[index]
    assert "<img" not in with_scripts
    assert EVIL in words(with_scripts)


@pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed; .ci/run installs Debian's")
def test_chromium_lays_the_tree_out(world: tuple[Client, dict[str, Any]], tmp_path: Path) -> None:
    """The page is drawn in a phone's and a desk's width."""
    client, urls = world
    for width, height in ((390, 844), (1300, 900)):
        picture = tmp_path / f"{width}.png"
        chromium(
            logging_in(client, urls["good"]),
            tmp_path / "profile",
            f"--window-size={width},{height}",
            f"--screenshot={picture}",
        )
        assert picture.stat().st_size > 10_000
