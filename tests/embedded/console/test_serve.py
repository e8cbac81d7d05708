"""The console of `flyte-bridge serve`, in front of a Flyte 2 that asks who calls: each page and act, with a user's own token.

The acts are those of `test_acts`, sent to the gateway instead of the backend; all of them with `FLYTE_BRIDGE_TEST_FULL`, else
a sample.
"""

from __future__ import annotations

import re
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request
from typing import TYPE_CHECKING

import pytest

import modes
from flyte_bridge.console.login import TokenLogin
from flyte_bridge.console.tokens import FormTokens
from flyte_bridge.errors import InvalidRequest
from flyte_bridge_translators.wire.identifier import run_name

from . import test_acts
from .test_acts import FLYTE_1, FLYTE_2, PLACE, post, run_of, token
from .test_pages import BROWSER, get, words
from .test_run_page import bridge

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from flyte_bridge.admin.context import CallContext
    from flyte_bridge.console.login import Visitor

    from ..conftest import Client

test_gates = test_acts.test_gates_take_an_input_and_an_approval
test_switches = test_acts.test_triggers_and_launch_plans_are_switched
test_gone = test_acts.test_what_is_gone_meanwhile_is_a_message
if modes.FULL:
    test_launch_1 = test_acts.test_a_launch_plan_is_launched_from_its_form_once
    test_launch_2 = test_acts.test_a_task_of_flyte_2_is_launched_and_launched_again
    test_recover = test_acts.test_a_failed_execution_is_relaunched_with_other_inputs_and_recovered
    test_reject = test_acts.test_a_rejected_gate_fails_its_execution
    test_abort = test_acts.test_an_abort_asks_first_and_ends_once

CONSOLE = re.compile(r"Console at (http://\S+)/console")


@pytest.fixture(scope="module")
def gateway(session_client: Client) -> Iterator[str]:
    """The URL of a gateway to the backend, which is an endpoint to it: it has no token of its own."""
    session_client.write("gates.py", FLYTE_1)
    bridge(session_client, "register", "--version", "v1", "gates.py")
    session_client.write("acted.py", FLYTE_2)
    session_client.flyte("deploy", "--version", "v1", "acted.py", "env")
    command = [sys.executable, "-c", "from flyte_bridge_cli.main import main; main()", "serve", "--port", "0"]
    env = {
        **session_client.env,
        "FLYTE_BRIDGE_ENDPOINT": session_client.running.endpoint,
        "FLYTE_BRIDGE_INSECURE": "true",
    }
    process = subprocess.Popen(
        [*command, "--http-port", "0"], cwd=session_client.where, env=env, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    told = ""
    while not (found := CONSOLE.search(told)):
        line = process.stdout.readline()
        assert line, told
        told += line
    yield found[1]
    process.terminate()
    process.communicate(timeout=30)


def log_in(gateway: str, bearer: str, place: str = "/v2") -> tuple[int, str, str]:
    """What sending the form to log in leads to."""
    return post(f"{gateway}/v2/login", token=bearer, next=place)


def test_a_form_of_one_gateway_is_good_at_another() -> None:
    """Behind a balancer they are many, and keep nothing; another person's form is not theirs."""

    def visitor(bearer: str) -> Visitor:
        async def admit(_path: str, _context: CallContext) -> None:
            """Lets everybody in."""

        door = TokenLogin(admit, "flyte2.example.com:443")
        made = door.visitor({"headers": [(b"authorization", f"Bearer {bearer}".encode())]})
        assert made is not None
        return made

    form = FormTokens(visitor("ann").form_key).make()
    assert FormTokens(visitor("ann").form_key).check(form).startswith("c")
    with pytest.raises(InvalidRequest):
        FormTokens(visitor("bob").form_key).check(form)
    assert "ann" not in repr(visitor("ann"))


@pytest.fixture(scope="module")
def base(gateway: str, session_client: Client) -> str:
    """The gateway's URL, with a browser that has logged in."""
    assert session_client.running.access is not None
    status, _, url = log_in(gateway, session_client.running.access.token, PLACE)
    assert (status, url) == (200, gateway + PLACE)
    return gateway


def refused(gateway: str, path: str, **headers: str) -> tuple[int, str]:
    """What a browser without login, or with other headers, is told."""
    with pytest.raises(urllib.error.HTTPError) as refusal:
        urllib.request.urlopen(urllib.request.Request(gateway + path, headers=headers), timeout=20)
    with refusal.value as error:
        return error.code, error.read().decode()


def test_nobody_is_let_in_without_a_token_that_flyte_2_knows(gateway: str) -> None:
    """No token and a wrong one are 401 with a form to log in, on pages, acts and Flyte 1's links; no cookie is given."""
    for path in ("/", "/v2", f"{PLACE}/tasks", "/console/projects/flytesnacks/domains/development/executions/x"):
        status, page = refused(gateway, path)
        assert (status, 'name="token"' in page) == (401, True)
    assert refused(gateway, "/v2", authorization="Bearer wrong")[0] == 401
    status, said, _ = log_in(gateway, "wrong")
    assert (status, "Not logged in" in said) == (401, True)
    assert log_in(gateway, "two words\r\nset-cookie: a=b")[0] == 401
    other = urllib.request.Request(f"{gateway}/v2/login", data=b"token=x", headers={"origin": "http://evil.example"})
    with pytest.raises(urllib.error.HTTPError) as refusal:
        urllib.request.urlopen(other, timeout=20)
    refusal.value.close()
    assert refusal.value.code == 403


def test_the_cookie_is_no_scripts_and_leads_to_no_other_site(gateway: str, session_client: Client) -> None:
    """It is HttpOnly and SameSite; where the form leads is a page of this server's; who logs out is out."""
    assert session_client.running.access is not None
    sent = urllib.parse.urlencode({"token": session_client.running.access.token, "next": "//evil.example/x"})

    class Stay(urllib.request.HTTPRedirectHandler):
        """Follows nothing."""

        def redirect_request(self, *_: object) -> None:
            return None

    browser = urllib.request.build_opener(Stay())
    with pytest.raises(urllib.error.HTTPError) as answer:
        browser.open(urllib.request.Request(f"{gateway}/v2/login", data=sent.encode()), timeout=20)
    with answer.value as led:
        assert (led.code, led.headers["location"]) == (303, "/evil.example/x")
        assert {"HttpOnly", "SameSite=Strict"} <= set(led.headers["set-cookie"].split("; "))
        cookie = led.headers["set-cookie"].partition(";")[0]
    request = urllib.request.Request(f"{gateway}/v2", headers={"cookie": cookie})
    with urllib.request.urlopen(request, timeout=20) as page:
        assert "Log out" in page.read().decode()
    with pytest.raises(urllib.error.HTTPError) as answer:
        browser.open(urllib.request.Request(f"{gateway}/v2/logout", data=b"", headers={"cookie": cookie}), timeout=20)
    with answer.value as left:
        assert "Max-Age=0" in left.headers["set-cookie"]


def test_each_page_is_there(base: str, session_client: Client, eventually: Callable[..., Any]) -> None:
    """A run with its panel, log, report and events; lists, a task, a launch plan, a trigger; as on the backend itself."""
    where = f"{base}{PLACE}/tasks/acted.main/launch"
    _, _, run = post(where, form=token(get(where)[1]), **{"input.n": "1", "input.word": "a"})
    with BROWSER.open(f"{run}/events", timeout=60) as stream:
        assert "event: end" in stream.read().decode()  # it ends with the run
    _, page, _ = get(run)
    text = words(page)
    assert re.search(r"main \S+ succeeded", text) or "succeeded" in text
    assert "Outputs o0 a1" in text
    assert "Attempt 1 succeeded" in text
    log = re.search(r'href="([^"]*/log/[^"]*)"', page)
    assert log
    assert "Flyte" in get(base + log[1])[1]
    for path, shows in (
        ("", run_of(run)),
        (f"{PLACE}/runs?name={run_of(run)[:8]}&phase=succeeded", run_of(run)),
        (f"{PLACE}/tasks", "acted.main"),
        (f"{PLACE}/workflows", "gates.gated"),
        (f"{PLACE}/launch-plans?name=plan", "plan"),
        (f"{PLACE}/triggers", "nightly"),
        (f"{PLACE}/tasks/flyte1.launch-plan.plan", "Launch plan plan"),
        (f"{PLACE}/triggers/acted.main/nightly", "Next fire times"),
    ):
        status, page, _ = get(base + path)
        assert (status, shows in words(page)) == (200, True), (path, words(page))


def test_flyte_1s_links_lead_to_the_pages(base: str) -> None:
    """Those that FlyteRemote prints, and those of Flyte 1's lists."""
    old = "/console/projects/flytesnacks/domains/development"
    opener = BROWSER
    for path, to in (
        (f"{old}/workflow/gates.gated/version/v1", f"{PLACE}/tasks/flyte1.workflow.gates.gated"),
        (f"{old}/launch_plan/plan/version/v1", f"{PLACE}/tasks/flyte1.launch-plan.plan"),
        (f"{old}/task/gates.half/version/v1", f"{PLACE}/tasks/flyte1.task.gates.half"),
        (f"{old}/workflows", f"{PLACE}/workflows"),
        (f"{old}/tasks", f"{PLACE}/tasks"),
        (f"{old}/launchPlans", f"{PLACE}/launch-plans"),
        (f"{old}/launchPlans/plan", f"{PLACE}/tasks/flyte1.launch-plan.plan"),
        (f"{old}/executions", f"{PLACE}/runs"),
        (old, f"{PLACE}/runs"),
        ("/console", "/v2"),
    ):
        with opener.open(base + path, timeout=20) as page:
            assert page.url == base + to
    name = "an-execution-of-a-name-that-no-run-can-have-in-flyte-2"
    status, _, headers = get(f"{base}{old}/executions/{name}")
    assert status == 404, headers
    assert run_name(name) in get(f"{base}{old}/executions/{name}/nodes")[1]


def test_the_links_that_flytekit_makes_are_pages(base: str) -> None:
    """What FlyteRemote prints for an execution and for what is registered, with the console's address in its configuration."""
    pytest.importorskip("flytekit")
    from flytekit.models.core.identifier import Identifier, ResourceType, WorkflowExecutionIdentifier
    from flytekit.remote import FlyteRemote

    class Links(FlyteRemote):  # type: ignore[misc]
        """Makes links, and nothing else: a whole remote would have all of this process's `flyte://`."""

        def __init__(self) -> None:
            """Connects to nothing."""

        def generate_console_http_domain(self) -> str:
            """`console.endpoint` of flytekit's configuration."""
            return base

    where = f"{base}{PLACE}/tasks/acted.main/launch"
    run = run_of(post(where, form=token(get(where)[1]), **{"input.n": "1"})[2])
    execution = WorkflowExecutionIdentifier("flytesnacks", "development", run)
    plan = Identifier(ResourceType.LAUNCH_PLAN, "flytesnacks", "development", "plan", "v1")
    for entity, shows in ((execution, run), (plan, "Launch plan plan")):
        status, page, _ = get(Links().generate_console_url(entity))
        assert (status, shows in words(page)) == (200, True)
