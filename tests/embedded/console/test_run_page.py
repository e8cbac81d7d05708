"""The page of a run shows Flyte 1's nodes as the façade tells them, and actions of Flyte 2 by parents and times."""

from __future__ import annotations

import html
import json
import re
import subprocess
import sys
import urllib.request
from typing import TYPE_CHECKING

import pytest

import admitted
from flyte_bridge.embedded_client import snippets

from .test_pages import BROWSER, get, words

if TYPE_CHECKING:
    from ..conftest import Client

WORKFLOWS = """
    import typing

    from flytekit import LaunchPlan, conditional, dynamic, map_task, task, wait_for_input, workflow
    from datetime import timedelta


    @task
    def square(n: int) -> int:
        return n * n


    @task
    def numbers(n: int) -> typing.List[int]:
        return list(range(n))


    @task
    def total(xs: typing.List[int]) -> int:
        return sum(xs)


    @task
    def boom(n: int) -> int:
        if n > 0:
            raise ValueError(f"<b>boom</b> {n}")
        return n


    @dynamic
    def fan(n: int) -> int:
        return total(xs=[square(n=i) for i in range(n)])


    @workflow
    def inner(n: int) -> int:
        return total(xs=map_task(square)(n=numbers(n=n)))


    @workflow
    def child(n: int) -> int:
        return square(n=n)


    child_plan = LaunchPlan.get_or_create(child, "child_plan")


    @workflow
    def failing(n: int = 3) -> int:
        mapped = inner(n=n)
        fanned = fan(n=n)
        launched = child_plan(n=n)
        chosen = conditional("size").if_(mapped < 1).then(square(n=mapped)).else_().then(square(n=fanned))
        return boom(n=chosen)
"""


def bridge(client: Client, *words: str) -> None:
    """`flyte-bridge …` over the tests' backend, which must exit with 0 or 1 (an execution that failed)."""
    command = [sys.executable, "-c", "from flyte_bridge_cli.main import main; main()", *words]
    env = {**client.env, "FLYTE_BRIDGE_DATA_DIR": str(client.running.data_dir)}
    done = subprocess.run(command, cwd=client.where, env=env, capture_output=True, text=True, timeout=200, check=False)
    assert done.returncode in {0, 1}, done.stdout + done.stderr


@pytest.fixture(scope="module")
def failed(session_client: Client) -> str:
    """The URL of an execution whose last node has failed."""
    BROWSER.open(snippets.console_url(session_client.running), timeout=20).close()
    session_client.write("nested.py", WORKFLOWS)
    bridge(session_client, "register", "--version", "v1", "nested.py")
    bridge(session_client, "run", "--name", "nested", "nested.py", "failing", "--wait")
    return f"{session_client.running.url}/v2/domain/development/project/flytesnacks/runs/nested"


def row(page: str, node: str) -> str:
    """The words of a node's row in the tree."""
    rows = re.findall(r"<tr[ >].*?</tr>", page.partition('id="actions"')[2], re.DOTALL)
    (told,) = [words(one) for one in rows if re.search(rf'href="[^"]*/nested\?i={re.escape(node)}"', one)]
    return told


def test_nodes_are_nested_under_the_names_that_people_wrote(failed: str) -> None:
    """Sub-workflow, map, dynamic node, child run and branch hold what runs in them; no name is the driver's own."""
    _, page, _ = get(failed)
    assert row(page, "n0").startswith("inner n0, workflow succeeded")
    assert row(page, "n0-0-n1").startswith("square (map) n0-0-n1, map, 3 of 3 succeeded")
    assert row(page, "n1").startswith("fan n1, dynamic succeeded")
    assert row(page, "n1-0-dn3").startswith("total n1-0-dn3 succeeded")
    assert "child n2, launch plan its run succeeded" in row(page, "n2")
    assert not re.search(r"arraynode|closure|trace", words(page).partition("Trace")[0].lower())


def test_arms_that_were_not_taken_are_shown_as_skipped(failed: str) -> None:
    """An arm has its condition, and says whether it ran."""
    _, page, _ = get(failed)
    assert re.search(r"square n3-0-n3-n0, if \S+ < 1 skipped", row(page, "n3-0-n3-n0"))
    assert "if else succeeded" in row(page, "n3-0-n3-n1")


def test_the_page_opens_at_what_failed_first(failed: str) -> None:
    """Its error is in the panel, the line that says what went wrong before the traceback, markup as text."""
    _, page, _ = get(failed)
    panel = page.partition('id="part-panel"')[2].partition('id="part-graph"')[0]
    assert "boom n4 failed" in words(panel)
    assert "<strong>ValueError: &lt;b&gt;boom&lt;/b&gt; 25</strong>" in panel
    assert "What failed in it boom" in words(get(f"{failed}?i=a0")[1])


def test_the_failing_chain_and_the_critical_path_are_two_lines(failed: str) -> None:
    """The graph marks what failed and what took longest differently, and its boxes lead to their nodes."""
    _, page, _ = get(failed)
    boxes = dict(re.findall(r'<g data-node="([^"]*)"><title>[^<]*</title>\n<\S+ [^>]*class="([^"]*)"', page))
    assert boxes["n4"].split() == ["n", "c", "f"]
    assert "f" not in boxes["n1"].split()
    assert (
        f'href="{failed.partition("/v2")[1]}{failed.partition("/v2")[2]}?i=n0-0-n1"' in page.partition("part-graph")[2]
    )


def test_a_maps_elements_are_told_on_demand(failed: str) -> None:
    """The map is one row; its panel lists the elements and the values, and an element's own page has its values."""
    _, page, _ = get(f"{failed}?i=n0-0-n1")
    elements = re.findall(r'<a href="([^"]*)">\d</a>', page.partition('id="elements"')[2])
    assert len(elements) == 3
    base = failed.partition("/v2")[0]
    assert "Outputs o0 4" in words(get(base + html.unescape(elements[2]))[1])
    assert "Outputs o0 [ 0, 1, 4 ]" in words(page)


def test_phases_are_those_that_the_facade_tells(failed: str, session_client: Client) -> None:
    """Each node that Flyte 1's REST API lists has the same phase on the page."""
    _, page, _ = get(failed)
    where = f"{session_client.running.url}/api/v1/node_executions/flytesnacks/development/nested?limit=100"
    request = urllib.request.Request(where, headers=admitted.headers(session_client.running.access))
    with urllib.request.urlopen(request, timeout=20) as response:
        listed = json.load(response)["nodeExecutions"]
    told = {one["id"]["nodeId"]: one["closure"]["phase"].lower() for one in listed}
    told = {name: phase for name, phase in told.items() if not name.endswith("-node")}
    assert len(told) == 5
    assert {name: re.search(r"succeeded|failed|aborted|running", row(page, name))[0] for name in told} == told  # type: ignore[index]


FLAT = """
    import asyncio

    import flyte

    env = flyte.TaskEnvironment(name="flat")


    @env.task
    async def leaf(x: int) -> int:
        return x + 1


    @env.task
    async def last(x: int) -> int:
        return x


    @env.task
    async def top(n: int) -> int:
        return await last(sum(await asyncio.gather(*(leaf(i) for i in range(n)))))
"""


def test_a_run_of_flyte_2_has_a_graph_by_its_times(session_client: Client, failed: str) -> None:
    """Many siblings of one name are one row with a bar, and what began after them is drawn after them."""
    session_client.write("flat.py", FLAT)
    run = session_client.run("flat.py", "top", "--n", "13")
    _, page, _ = get(failed.replace("nested", run))
    assert "leaf" in (text := words(page))
    assert "map, 13 of 13 succeeded" in text
    assert len(re.findall('<path class="e o', page)) == 1


def test_an_open_page_is_told_what_has_changed(session_client: Client, failed: str) -> None:
    """The stream of events begins with the page as it is, and ends when the run has ended."""
    request = urllib.request.Request(f"{failed}/events?i=n4")
    with BROWSER.open(request, timeout=20) as response:
        assert response.headers["content-type"] == "text/event-stream"
        said = response.read().decode()
    events = re.findall(r"event: (\w+)\ndata: (.*)\n", said)
    assert [kind for kind, _ in events] == ["parts", "end"]
    assert {"head", "panel", "graph", "tree"} == set(json.loads(events[0][1]))
