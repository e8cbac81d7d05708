"""Runs and actions: made, watched, listed, aborted, signalled."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest
from connectrpc.code import Code
from connectrpc.errors import ConnectError
from flyteidl2.actions import actions_service_pb2
from flyteidl2.common import identifier_pb2, list_pb2, phase_pb2
from flyteidl2.core import types_pb2
from flyteidl2.task import run_pb2
from flyteidl2.workflow import run_definition_pb2, run_service_pb2
from google.protobuf.duration_pb2 import Duration

from .contract import DOMAIN, ENDED, refused, sleep_inputs, sleep_spec

if TYPE_CHECKING:
    from .contract import Flyte2

SUCCEEDED, ABORTED = phase_pb2.ACTION_PHASE_SUCCEEDED, phase_pb2.ACTION_PHASE_ABORTED


def test_a_run_goes_from_queued_to_succeeded(flyte2: Flyte2) -> None:
    """Its root is `a0`; the watch ends with it; times and one attempt are recorded."""
    run = flyte2.start(0.1)
    details = flyte2.wait(run)
    assert details.id.name == "a0"
    assert details.status.phase == SUCCEEDED
    assert details.status.attempts == 1
    assert details.status.end_time.ToNanoseconds() >= details.status.start_time.ToNanoseconds() > 0
    assert flyte2.details(run).status.phase == SUCCEEDED


def test_a_nameless_run_gets_a_name(flyte2: Flyte2) -> None:
    """CreateRun by project makes a name of at most 30 characters."""
    project = identifier_pb2.ProjectIdentifier(organization="local", name=flyte2.project, domain=DOMAIN)
    run = flyte2.runs.create_run(
        run_service_pb2.CreateRunRequest(
            project_id=project, task_spec=sleep_spec(flyte2.task_id("contract.sleep")), inputs=sleep_inputs(0)
        )
    ).run
    assert 1 <= len(run.action.id.run.name) <= 30
    assert flyte2.wait(run.action.id.run.name).status.phase == SUCCEEDED


def test_a_deployed_task_is_run_by_its_id(flyte2: Flyte2) -> None:
    """CreateRun by task id finds the deployed version, and the run's metadata names it."""
    task_id = flyte2.deploy("contract.byid")
    run_id = flyte2.run_id()
    flyte2.runs.create_run(run_service_pb2.CreateRunRequest(run_id=run_id, task_id=task_id, inputs=sleep_inputs(0.05)))
    details = flyte2.wait(run_id.name)
    assert details.status.phase == SUCCEEDED
    assert details.metadata.task.id.name == "contract.byid"


@pytest.mark.parametrize("name", ["Upper", "under_score", "1digit", "x" * 31, "dash-"])
def test_a_bad_run_name_is_refused(flyte2: Flyte2, name: str) -> None:
    """A run's name is a DNS label of at most 30 characters, else INVALID_ARGUMENT."""
    with refused(Code.INVALID_ARGUMENT):
        flyte2.start(0, name)


def test_a_run_in_an_unknown_project_is_refused(flyte2: Flyte2) -> None:
    """CreateRun in a project that is not there is NOT_FOUND."""
    run_id = flyte2.run_id()
    run_id.project = "never-made"
    with refused(Code.NOT_FOUND):
        flyte2.runs.create_run(
            run_service_pb2.CreateRunRequest(
                run_id=run_id, task_spec=sleep_spec(flyte2.task_id("contract.sleep")), inputs=sleep_inputs(0)
            )
        )


def test_what_is_not_there_is_not_found(flyte2: Flyte2) -> None:
    """Reading an unknown run or action is NOT_FOUND."""
    with refused(Code.NOT_FOUND):
        flyte2.runs.get_run_details(run_service_pb2.GetRunDetailsRequest(run_id=flyte2.run_id("never-was")))
    with refused(Code.NOT_FOUND):
        flyte2.details("never-was")
    with refused(Code.NOT_FOUND):
        flyte2.abort("never-was")


@pytest.mark.go_like
@pytest.mark.notyet("the Go backend answers with the run that is there, after overwriting its inputs")
def test_a_run_name_is_taken_once(flyte2: Flyte2) -> None:
    """CreateRun with a name that is taken is ALREADY_EXISTS, and the run that is there stays as it was."""
    run = flyte2.start(0)
    flyte2.wait(run)
    with refused(Code.ALREADY_EXISTS):
        flyte2.start(30, run)
    assert flyte2.details(run).status.phase == SUCCEEDED


def test_the_run_spec_is_given_back(flyte2: Flyte2) -> None:
    """Labels, annotations and environment of the run are in its details."""
    spec = run_pb2.RunSpec(
        labels=run_pb2.Labels(values={"team": "contract"}), annotations=run_pb2.Annotations(values={"why": "because"})
    )
    run = flyte2.start(0, run_spec=spec)
    got = flyte2.runs.get_run_details(run_service_pb2.GetRunDetailsRequest(run_id=flyte2.run_id(run))).details.run_spec
    assert dict(got.labels.values) == {"team": "contract"}
    assert dict(got.annotations.values) == {"why": "because"}


def test_abort_ends_a_run_with_its_reason(flyte2: Flyte2) -> None:
    """AbortRun ends a sleeping run at once, and the reason is kept."""
    run = flyte2.start(60)
    flyte2.abort(run, "changed my mind")
    details = flyte2.wait(run) if flyte2.embedded else flyte2.details(run)
    assert details.status.phase == ABORTED
    assert details.abort_info.reason == "changed my mind"


@pytest.mark.go_like
@pytest.mark.notyet("the Go backend aborts runs that have ended")
def test_a_run_that_has_ended_is_not_aborted(flyte2: Flyte2) -> None:
    """AbortRun of a run that has ended is FAILED_PRECONDITION, and its phase stays."""
    run = flyte2.start(0)
    flyte2.wait(run)
    with refused(Code.FAILED_PRECONDITION):
        flyte2.abort(run)
    assert flyte2.details(run).status.phase == SUCCEEDED


# -- lists ------------------------------------------------------------------------------------------------------------


def listed(flyte2: Flyte2, **request: Any) -> run_service_pb2.ListRunsResponse:
    """The project's runs."""
    return flyte2.runs.list_runs(
        run_service_pb2.ListRunsRequest(
            request=list_pb2.ListRequest(**request),
            project_id=identifier_pb2.ProjectIdentifier(organization="local", name=flyte2.project, domain=DOMAIN),
        )
    )


def where(field: str, *values: str, function: list_pb2.Filter.Function = list_pb2.Filter.EQUAL) -> list_pb2.Filter:
    """A filter."""
    return list_pb2.Filter(function=function, field=field, values=values)


def test_runs_are_listed_by_filter_and_page(flyte2: Flyte2) -> None:
    """Filters are ANDed, pages follow one another by token and neither repeat nor miss a run."""
    made = {flyte2.start(0) for _ in range(5)}
    for run in made:
        flyte2.wait(run)
    by_creation = list_pb2.Sort(key="created_at", direction=list_pb2.Sort.DESCENDING)
    found: list[str] = []
    token = ""
    while True:
        page = listed(
            flyte2, limit=2, token=token, filters=[where("phase", str(int(SUCCEEDED)))], sort_by_fields=[by_creation]
        )
        assert len(page.runs) <= 2
        found += [run.action.id.run.name for run in page.runs]
        token = page.token
        if not token:
            break
    assert len(found) == len(set(found))
    assert made <= set(found)
    one = next(iter(made))
    assert [run.action.id.run.name for run in listed(flyte2, limit=9, filters=[where("run_name", one)]).runs] == [one]
    none = [where("run_name", one), where("phase", str(int(ABORTED)))]
    assert not listed(flyte2, limit=9, filters=none).runs


@pytest.mark.go_like
@pytest.mark.notyet("the Go backend fails with INTERNAL")
def test_a_list_of_one_value_is_a_list(flyte2: Flyte2) -> None:
    """VALUE_IN with a single value means that value."""
    run = flyte2.start(0)
    one = where("run_name", run, function=list_pb2.Filter.VALUE_IN)
    assert [found.action.id.run.name for found in listed(flyte2, limit=9, filters=[one]).runs] == [run]


@pytest.mark.parametrize(
    "request_",
    [
        {"limit": 201},
        {"limit": 1, "filters": [where("colour", "red")]},
        {"limit": 1, "sort_by_fields": [list_pb2.Sort(key="colour")]},
        {"limit": 1, "token": "not a token"},
    ],
)
def test_a_bad_list_request_is_refused(flyte2: Flyte2, request_: dict[str, Any]) -> None:
    """Too large a page, unknown columns and made-up tokens are INVALID_ARGUMENT."""
    with refused(Code.INVALID_ARGUMENT):
        listed(flyte2, **request_)


# -- what runs inside a cluster ---------------------------------------------------------------------------------------


def enqueue(flyte2: Flyte2, run: str, name: str, **spec: Any) -> None:
    """Puts an action under a run's root; skips where the service is not reachable from outside, as on real clusters."""
    request = actions_service_pb2.EnqueueRequest()
    request.action.action_id.CopyFrom(flyte2.action_id(run, name))
    request.action.parent_action_name = "a0"
    request.action.input_uri = ""
    request.action.run_output_base = f"s3://flyte/contract/{run}"
    for field, value in spec.items():
        getattr(request.action, field).CopyFrom(value)
    try:
        flyte2.actions.enqueue(request)
    except ConnectError as error:
        if error.code == Code.UNIMPLEMENTED and not flyte2.embedded:
            pytest.skip("this backend does not show ActionsService to the outside")
        raise


def condition(
    flyte2: Flyte2, run: str, name: str, kind: types_pb2.SimpleType = types_pb2.BOOLEAN, timeout: float = 0
) -> None:
    """A condition under a run's root."""
    asked = run_definition_pb2.ConditionAction(name=name, type=types_pb2.LiteralType(simple=kind), prompt="?")
    if timeout:
        asked.timeout.CopyFrom(Duration(seconds=int(timeout)))
    enqueue(flyte2, run, name, condition=asked)


def signal(flyte2: Flyte2, run: str, name: str, **payload: Any) -> None:
    """Answers a condition."""
    flyte2.runs.signal_event(
        run_service_pb2.SignalEventRequest(
            action_id=flyte2.action_id(run, name),
            parent_action_name="a0",
            payload=run_service_pb2.EventPayload(**payload),
        )
    )


def settled(flyte2: Flyte2, run: str, name: str) -> run_definition_pb2.ActionDetails:
    """An action's details once it has ended."""
    for _ in range(400):
        details = flyte2.appeared(run, name)
        if details.status.phase in ENDED:
            return details
        time.sleep(0.05)
    raise AssertionError(f"{name} has not ended: {details}")


@pytest.mark.parametrize(
    ("kind", "payload", "wrong"),
    [
        (types_pb2.BOOLEAN, {"bool_value": True}, {"string_value": "true"}),
        (types_pb2.INTEGER, {"int_value": 7}, {"float_value": 7.0}),
        (types_pb2.FLOAT, {"float_value": 0.5}, {"bool_value": True}),
        (types_pb2.STRING, {"string_value": "yes"}, {"int_value": 1}),
    ],
)
def test_a_condition_waits_for_a_value_of_its_type(
    flyte2: Flyte2, kind: types_pb2.SimpleType, payload: dict[str, Any], wrong: dict[str, Any]
) -> None:
    """PAUSED until signalled; another type is INVALID_ARGUMENT, once more OK, another FAILED_PRECONDITION."""
    run = flyte2.start(30)
    name = f"gate{int(kind)}"
    condition(flyte2, run, name, kind)
    for _ in range(400):
        if flyte2.appeared(run, name).status.phase == phase_pb2.ACTION_PHASE_PAUSED:
            break
        time.sleep(0.05)
    with refused(Code.INVALID_ARGUMENT):
        signal(flyte2, run, name, **wrong)
    signal(flyte2, run, name, **payload)
    details = settled(flyte2, run, name)
    assert details.status.phase == SUCCEEDED
    assert details.signal_info.output.scalar.primitive.WhichOneof("value")
    signal(flyte2, run, name, **payload)
    other = {key: (not value if isinstance(value, bool) else value * 2) for key, value in payload.items()}
    with refused(Code.FAILED_PRECONDITION):
        signal(flyte2, run, name, **other)
    flyte2.abort(run)


def test_a_condition_that_nobody_answers_times_out(flyte2: Flyte2) -> None:
    """After its timeout a condition is TIMED_OUT."""
    run = flyte2.start(30)
    condition(flyte2, run, "late", timeout=1)
    assert settled(flyte2, run, "late").status.phase == phase_pb2.ACTION_PHASE_TIMED_OUT
    flyte2.abort(run)


def test_signals_of_what_is_no_condition_are_refused(flyte2: Flyte2) -> None:
    """A signal to a task is FAILED_PRECONDITION, to what is not there NOT_FOUND."""
    run = flyte2.start(30)
    with refused(Code.FAILED_PRECONDITION):
        signal(flyte2, run, "a0", bool_value=True)
    with refused(Code.NOT_FOUND):
        signal(flyte2, run, "never-was", bool_value=True)
    flyte2.abort(run)


def test_abort_reaches_the_children(flyte2: Flyte2) -> None:
    """Aborting a run ends what waits under its root."""
    run = flyte2.start(30)
    condition(flyte2, run, "child")
    flyte2.abort(run)
    assert settled(flyte2, run, "child").status.phase == ABORTED
