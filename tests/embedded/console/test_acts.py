"""Each act of the console, by the forms of its pages, over a real backend; and what happens when it is done twice."""

from __future__ import annotations

import html
import re
import urllib.error
import urllib.parse
import urllib.request
from typing import TYPE_CHECKING, Any

import pytest

from flyte_bridge.embedded_client import snippets

from .test_pages import BROWSER, get, words
from .test_run_page import bridge

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..conftest import Client

PLACE = "/v2/domain/development/project/flytesnacks"

FLYTE_1 = """
    from datetime import timedelta

    from flytekit import LaunchPlan, approve, task, wait_for_input, workflow


    @task
    def half(n: int) -> int:
        return n // 2


    @task
    def picky(n: int) -> int:
        if n < 10:
            raise ValueError("too small")
        return n


    @workflow
    def gated(n: int = 4) -> int:
        told = wait_for_input("how-many", timeout=timedelta(hours=1), expected_type=int)
        return half(n=approve(told, "good", timeout=timedelta(hours=1)))


    @workflow
    def breaks(n: int = 4) -> int:
        return picky(n=half(n=n))


    plan = LaunchPlan.get_or_create(breaks, "plan", default_inputs={"n": 30})
"""

FLYTE_2 = """
    import flyte

    env = flyte.TaskEnvironment(name="acted")


    @env.task(triggers=flyte.Trigger("nightly", flyte.Cron("0 3 * * *")))
    async def main(n: int = 7, word: str = "a") -> str:
        return f"{word}{n}"


    @env.task
    async def waits() -> bool:
        gate = await flyte.new_condition.aio("ship it", prompt="Ship?", data_type=bool)
        return await gate.wait.aio()
"""


@pytest.fixture(scope="module")
def base(session_client: Client) -> str:
    """The console's URL, of a backend in which everything is deployed."""
    BROWSER.open(snippets.console_url(session_client.running), timeout=20).close()
    session_client.write("gates.py", FLYTE_1)
    bridge(session_client, "register", "--version", "v1", "gates.py")
    session_client.write("acted.py", FLYTE_2)
    session_client.flyte("deploy", "--version", "v1", "acted.py", "env")
    return session_client.running.url


def post(url: str, **fields: str) -> tuple[int, str, str]:
    """Status, text and URL of what sending a form leads to."""
    request = urllib.request.Request(url, data=urllib.parse.urlencode(fields).encode())
    try:
        with BROWSER.open(request, timeout=30) as response:
            return response.status, response.read().decode(), response.url
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode(), url


def token(page: str) -> str:
    """The token of a page's forms."""
    return re.findall(r'name="form" value="([^"]+)"', page)[0]


def phase(base: str, run: str) -> str:
    """A run's phase, as the head of its page says."""
    page = get(f"{base}{PLACE}/runs/{run}")[1]
    return words(re.search(r"<h1>.*?</h1>", page, re.DOTALL)[0]).split(maxsplit=1)[1]  # type: ignore[index]


def run_of(url: str) -> str:
    """The run whose page a form led to."""
    return url.partition("/runs/")[2]


def answered(base: str, run: str, prompt: str, eventually: Callable[..., Any], **fields: str) -> None:
    """Answers the open condition of a run."""

    def asks() -> str | None:
        page = get(f"{base}{PLACE}/runs/{run}")[1]
        return page if prompt in words(page) else None

    page = eventually(asks)
    action = html.unescape(re.search(r'action="([^"]*/signal/[^"]*)"', page)[1])  # type: ignore[index]
    status, said, _ = post(base + action, form=token(page), **fields)
    assert status == 200, words(said)


def test_a_launch_plan_is_launched_from_its_form_once(base: str, eventually: Callable[..., Any]) -> None:
    """The form has the defaults; sent twice, it starts one execution, and both lead to it."""
    where = f"{base}{PLACE}/tasks/flyte1.launch-plan.plan/launch"
    page = get(where)[1]
    assert re.search(r'name="input.n" value="30"', page)
    first = post(where, form=token(page), **{"input.n": "40"})
    second = post(where, form=token(page), **{"input.n": "40"})
    assert first[0] == second[0] == 200, words(first[1])
    assert first[2] == second[2]
    eventually(lambda: phase(base, run_of(first[2])) == "succeeded")
    assert "Outputs o0 20" in words(get(first[2] + "?i=a0")[1])


def test_a_task_of_flyte_2_is_launched_and_launched_again(base: str, eventually: Callable[..., Any]) -> None:
    """Its form has the defaults; the form to run it again has what it ran with."""
    where = f"{base}{PLACE}/tasks/acted.main/launch"
    page = get(where)[1]
    assert 'name="input.n" value="7"' in page
    _, _, run = post(where, form=token(page), **{"input.n": "8", "input.word": "<b>"})
    eventually(lambda: phase(base, run_of(run)) == "succeeded")
    again = get(f"{run}/relaunch")[1]
    assert 'value="&lt;b&gt;"' in again
    _, _, other = post(f"{run}/relaunch", form=token(again), **{"input.n": "9", "input.word": "c"})
    assert other != run
    eventually(lambda: phase(base, run_of(other)) == "succeeded")
    assert "Outputs o0 c9" in words(get(other)[1])


def test_a_failed_execution_is_relaunched_with_other_inputs_and_recovered(
    base: str, eventually: Callable[..., Any]
) -> None:
    """A relaunch takes what its form says; a recovery does not run again what has succeeded."""
    where = f"{base}{PLACE}/tasks/flyte1.launch-plan.plan/launch"
    _, _, run = post(where, form=token(get(where)[1]), **{"input.n": "2"})
    eventually(lambda: phase(base, run_of(run)) == "failed")
    again = get(f"{run}/relaunch")[1]
    assert 'name="input.n" value="2"' in again
    _, _, other = post(f"{run}/relaunch", form=token(again), **{"input.n": "50"})
    eventually(lambda: phase(base, run_of(other)) == "succeeded")
    _, _, recovered = post(f"{run}/recover", form=token(get(run)[1]))
    eventually(lambda: phase(base, run_of(recovered)) == "failed")
    assert "Outputs taken over from" in words(get(f"{recovered}?i=n0")[1])
    assert "Outputs taken over from" not in words(get(f"{run}?i=n0")[1])


def test_gates_take_an_input_and_an_approval(base: str, eventually: Callable[..., Any]) -> None:
    """What Flyte 1 waits for is given in the page, typed; what is no integer is refused and nothing done."""
    where = f"{base}{PLACE}/tasks/flyte1.launch-plan.gates.gated/launch"
    _, _, run = post(where, form=token(get(where)[1]), **{"input.n": "1"})
    eventually(lambda: "how-many waits for a" in words(get(run)[1]))
    page = get(run)[1]
    action = html.unescape(re.search(r'action="([^"]*/signal/[^"]*)"', page)[1])  # type: ignore[index]
    assert post(base + action, form=token(page), value="many")[0] == 400
    answered(base, run_of(run), "how-many waits", eventually, value="12")
    answered(base, run_of(run), "good waits", eventually, value="true")
    eventually(lambda: phase(base, run_of(run)) == "succeeded")
    assert "Outputs o0 6" in words(get(run + "?i=a0")[1])


def test_a_rejected_gate_fails_its_execution(base: str, eventually: Callable[..., Any]) -> None:
    """A no ends it, as on Flyte 1."""
    where = f"{base}{PLACE}/tasks/flyte1.launch-plan.gates.gated/launch"
    _, _, run = post(where, form=token(get(where)[1]), **{"input.n": "1"})
    answered(base, run_of(run), "how-many waits", eventually, value="12")
    answered(base, run_of(run), "good waits", eventually, value="false")
    eventually(lambda: phase(base, run_of(run)) == "failed")


def test_an_abort_asks_first_and_ends_once(base: str, eventually: Callable[..., Any]) -> None:
    """A page asks for a reason; a second abort says that the run has ended."""
    where = f"{base}{PLACE}/tasks/acted.waits/launch"
    _, _, run = post(where, form=token(get(where)[1]))
    asks = get(f"{run}/abort")[1]
    assert "Everything that it runs is ended" in words(asks)
    assert phase(base, run_of(run)) != "aborted"
    assert post(f"{run}/abort", form=token(asks), reason="no <i>more</i>")[0] == 200
    assert phase(base, run_of(run)) == "aborted"
    assert "no <i>more</i>" in words(get(run + "?i=a0")[1])
    status, said, _ = post(f"{run}/abort", form=token(asks))
    assert (status, "ended already" in words(said)) == (409, True)


def test_triggers_and_launch_plans_are_switched(base: str, session_client: Client) -> None:
    """Their pages say the state, and switch it."""
    where = f"{base}{PLACE}/triggers/acted.main/nightly"
    assert "Trigger nightly active" in words(get(where)[1])
    asks = get(f"{where}/deactivate")[1]
    assert "It starts nothing until" in words(asks)
    assert "Trigger nightly active" in words(get(where)[1])
    assert "Trigger nightly inactive" in words(post(f"{where}/deactivate", form=token(asks))[1])
    assert "Trigger nightly active" in words(post(f"{where}/activate", form=token(get(where)[1]))[1])
    plan = f"{base}{PLACE}/tasks/flyte1.launch-plan.plan"
    for _ in range(2):
        assert "v1" in (said := words(post(f"{plan}/activate", form=token(get(plan)[1]), version="v1")[1]))
        assert "active Deactivate" in said
    assert "inactive Activate" in words(post(f"{plan}/deactivate", form=token(get(plan)[1]), version="v1")[1])


def test_nothing_is_done_without_the_pages_own_token(base: str) -> None:
    """A form without token, with another one, or from another site is refused; so is a browser that has not logged in."""
    where = f"{base}{PLACE}/triggers/acted.main/nightly"
    page = get(f"{where}/deactivate")[1]
    forged = token(page).rpartition(".")[0] + "." + "0" * 64
    for fields in ({}, {"form": "x"}, {"form": forged}):
        assert post(f"{where}/deactivate", **fields)[0] == 400
    body = urllib.parse.urlencode({"form": token(page)}).encode()
    foreign = urllib.request.Request(f"{where}/deactivate", data=body, headers={"origin": "http://evil.example"})
    with pytest.raises(urllib.error.HTTPError) as refusal:
        BROWSER.open(foreign, timeout=20)
    refusal.value.close()
    assert refusal.value.code == 403
    with pytest.raises(urllib.error.HTTPError) as refusal:
        urllib.request.urlopen(urllib.request.Request(f"{where}/deactivate", data=body), timeout=20)
    refusal.value.close()
    assert refusal.value.code == 401
    assert "Trigger nightly active" in words(get(where)[1])


def test_what_is_gone_meanwhile_is_a_message(base: str) -> None:
    """A run, a version or a trigger that nobody has is 404, and says so."""
    page = get(f"{base}{PLACE}/triggers/acted.main/nightly/deactivate")[1]
    for path in ("runs/none/abort", "runs/none/recover", "tasks/none/launch", "triggers/acted.main/none/activate"):
        assert post(f"{base}{PLACE}/{path}", form=token(page))[0] == 404, path
