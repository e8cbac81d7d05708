"""Children, traces and conditions: what a task's controller does, by a gRPC client."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import grpc
import pytest
from flyteidl2.actions import actions_service_pb2
from flyteidl2.common import run_pb2 as common_run_pb2
from flyteidl2.core import execution_pb2, literals_pb2, types_pb2
from flyteidl2.task import common_pb2, run_pb2
from flyteidl2.workflow import run_definition_pb2, run_service_pb2, state_service_pb2

from flyte_bridge.backend.phases import Phase

from .client import action_id, python_spec, refused, run_id, sleep_inputs, sleep_spec

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from .client import Client
    from .conftest import Running

MISSING, NOT_NOW = grpc.StatusCode.NOT_FOUND, grpc.StatusCode.FAILED_PRECONDITION
INVALID = grpc.StatusCode.INVALID_ARGUMENT


@pytest.fixture
def run(client: Client) -> str:
    """A run whose root sleeps while children come and go."""
    return client.sleeping(600)


def updates(client: Client, run: str, parent: str = "a0") -> Iterator[state_service_pb2.ActionUpdate | None]:
    """What a controller hears; None for the sentinel."""
    request = actions_service_pb2.WatchForUpdatesRequest(parent_action_id=action_id(run, parent))
    for response in client.actions.WatchForUpdates(request, timeout=30):
        is_update = response.HasField("action_update")
        yield response.action_update if is_update else None


def sleeping_child(client: Client, server: Running, run: str, name: str, seconds: float = 0.01) -> None:
    """Adds a child that sleeps: inputs first, as the controller does."""
    uri = f"s3://flyte/test/{run}/{name}"
    server.backend.objects.write(f"{uri}/inputs.pb", sleep_inputs(seconds).SerializeToString())
    action = actions_service_pb2.Action(
        action_id=action_id(run, name),
        parent_action_name="a0",
        input_uri=uri,
        task=run_definition_pb2.TaskAction(spec=sleep_spec()),
    )
    client.actions.Enqueue(actions_service_pb2.EnqueueRequest(action=action))


def test_a_watcher_hears_snapshot_sentinel_and_each_change_once(client: Client, server: Running, run: str) -> None:
    """Children of before come first, then the sentinel, then every phase of the later ones, in order, once."""
    sleeping_child(client, server, run, "early")
    client.wait(run, "early")
    heard = updates(client, run)
    first = next(heard)
    assert first is not None
    assert (first.action_id.name, first.phase) == ("early", Phase.SUCCEEDED)
    assert next(heard) is None
    sleeping_child(client, server, run, "late", 0.1)
    phases = []
    for update in heard:
        assert update is not None
        assert update.action_id.name == "late"
        assert update.output_uri.endswith("/late/1")
        phases.append(update.phase)
        if update.phase == Phase.SUCCEEDED:
            break
    assert phases == sorted(set(phases))
    assert phases[0] == Phase.QUEUED


def test_a_failed_child_carries_its_error(client: Client, run: str) -> None:
    """The update of a failed child has code, message and kind, so that nobody has to look for its error file."""
    client.enqueue(run, "bad", task=run_definition_pb2.TaskAction(spec=python_spec("import sys; sys.exit('broken')")))
    last = next(update for update in updates(client, run) if update is not None and update.phase == Phase.FAILED)
    assert "broken" in last.error.message
    assert last.error.kind == execution_pb2.ExecutionError.USER


def test_the_same_child_twice_is_already_there(client: Client, server: Running, run: str) -> None:
    """A parent that was retried enqueues again and is told ALREADY_EXISTS; the child runs once."""
    sleeping_child(client, server, run, "once")
    with refused(grpc.StatusCode.ALREADY_EXISTS):
        sleeping_child(client, server, run, "once")
    assert client.wait(run, "once").status.attempts == 1


@pytest.mark.parametrize("name", ["Upper", "", "x" * 31, "a_b", "../a"])
def test_bad_action_names_are_refused(client: Client, run: str, name: str) -> None:
    """An action name must be a DNS-1123 label of at most 30 characters."""
    with refused(INVALID, "action name"):
        client.condition(run, name)


def test_a_child_needs_a_run_and_a_parent(client: Client, run: str) -> None:
    """An unknown run or parent is NOT_FOUND, a child without parent INVALID_ARGUMENT."""
    with refused(MISSING, "run"):
        client.condition("nowhere")
    with refused(MISSING, "parent"):
        client.enqueue(run, "x", "nobody", condition=run_definition_pb2.ConditionAction(name="x"))
    with refused(INVALID, "parent"):
        client.enqueue(run, "x", "", condition=run_definition_pb2.ConditionAction(name="x"))
    with refused(INVALID, "no task"):
        client.enqueue(run, "x")


def test_an_ended_run_takes_no_children(client: Client) -> None:
    """A child of an ended run is refused with ABORTED, at which the SDK stops its controller."""
    run = client.sleeping(0)
    client.wait(run)
    with refused(grpc.StatusCode.ABORTED, "has ended"):
        client.condition(run)


def test_abort_takes_everything_below_with_it(client: Client, server: Running, run: str) -> None:
    """Abort of an action ends its subtree, not its siblings; abort of the root ends all."""
    sleeping_child(client, server, run, "left", 600)
    sleeping_child(client, server, run, "right", 600)
    client.enqueue(run, "below", "left", condition=_condition())
    client.abort(run, "left")
    assert [client.phase(run, name) for name in ("left", "below")] == [Phase.ABORTED] * 2
    assert client.phase(run, "right") is not Phase.ABORTED
    client.abort(run)
    assert client.phase(run, "right") is Phase.ABORTED
    assert client.phase(run) is Phase.ABORTED


def _condition() -> run_definition_pb2.ConditionAction:
    return run_definition_pb2.ConditionAction(name="c", type=types_pb2.LiteralType(simple=types_pb2.BOOLEAN))


def test_children_of_an_ended_parent_are_ended(client: Client, server: Running) -> None:
    """What nobody waits for any more does not stay open: a parent's end aborts its open children, and says so."""
    run = client.sleeping(0.4)
    client.condition(run)
    sleeping_child(client, server, run, "long", 600)
    client.wait(run)
    for name in ("c", "long"):
        details = client.wait(run, name)
        assert details.status.phase == Phase.ABORTED
        assert "its parent a0 has ended (SUCCEEDED)" in details.abort_info.reason


def test_a_trace_is_recorded_as_it_ended(client: Client, server: Running, run: str) -> None:
    """A trace comes with its phase and times, and is told to its parent as ended."""
    trace = run_definition_pb2.TraceAction(
        name="step", phase=5, outputs=common_pb2.OutputReferences(output_uri="s3://flyte/x/outputs.pb")
    )
    trace.start_time.FromJsonString("2024-01-01T00:00:00Z")
    trace.end_time.FromJsonString("2024-01-01T00:00:02.5Z")
    client.enqueue(run, "t1", trace=trace)
    details = client.wait(run, "t1")
    assert details.status.phase == Phase.SUCCEEDED
    assert details.status.duration_ms == 2500
    assert details.metadata.trace.name == "step"
    update = next(updates(client, run))
    assert update is not None
    assert update.output_uri == "s3://flyte/x/outputs.pb"


def test_a_failed_trace_stays_failed_and_has_its_error(client: Client, server: Running, run: str) -> None:
    """The real backend records every trace as succeeded; here a failure is one, with the error the SDK left."""
    document = execution_pb2.ErrorDocument()
    document.error.code, document.error.message = "ValueError", "no luck"
    details = client.details(run)
    base = f"s3://flyte/runs/flytesnacks/development/{details.id.run.name}"
    server.backend.objects.write(f"{base}/t2/error.pb", document.SerializeToString())
    client.enqueue(run, "t2", trace=run_definition_pb2.TraceAction(name="step", phase=6))
    update = next(updates(client, run))
    assert update is not None
    assert (update.phase, update.error.message) == (Phase.FAILED, "no luck")


# -- conditions -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "value", "field"),
    [
        (types_pb2.BOOLEAN, {"bool_value": False}, "boolean"),
        (types_pb2.INTEGER, {"int_value": 0}, "integer"),
        (types_pb2.FLOAT, {"float_value": 2.5}, "float_value"),
        (types_pb2.STRING, {"string_value": "ja"}, "string_value"),
    ],
)
def test_a_condition_of_each_type_is_answered(
    client: Client, run: str, kind: int, value: dict[str, object], field: str
) -> None:
    """A condition is PAUSED until its signal, which its parent then hears, and who gave it is kept."""
    client.condition(run, kind=kind)
    assert client.phase(run, "c") is Phase.PAUSED
    client.signal(run, **value)
    details = client.details(run, "c")
    assert details.status.phase == Phase.SUCCEEDED
    assert details.signal_info.signalled_by.user.id.subject
    update = next(updates(client, run))
    assert update is not None
    (expected,) = value.values()
    assert getattr(update.value.scalar.primitive, field) == expected
    assert update.value.scalar.primitive.WhichOneof("value") == field


def test_signals_of_the_wrong_type_or_too_late_change_nothing(client: Client, run: str) -> None:
    """Wrong type: INVALID_ARGUMENT. Same answer again: fine. Another answer: FAILED_PRECONDITION."""
    client.condition(run)
    with refused(INVALID, "boolean"):
        client.signal(run, int_value=1)
    with refused(INVALID, "no value"):
        client.signal(run)
    assert client.phase(run, "c") is Phase.PAUSED
    client.signal(run, bool_value=True)
    client.signal(run, bool_value=True)
    with refused(NOT_NOW, "another value"):
        client.signal(run, bool_value=False)
    assert client.details(run, "c").signal_info.output.scalar.primitive.boolean


def test_only_conditions_are_signalled(client: Client, run: str) -> None:
    """A signal to a task is FAILED_PRECONDITION, to nothing NOT_FOUND."""
    with refused(NOT_NOW, "no condition"):
        client.signal(run, "a0", bool_value=True)
    with refused(MISSING):
        client.signal(run, "none", bool_value=True)


def test_a_condition_times_out(client: Client, run: str) -> None:
    """Nobody signals: TIMED_OUT at the deadline, and then it is too late."""
    client.condition(run, seconds=0.2)
    details = client.wait(run, "c")
    assert details.status.phase == Phase.TIMED_OUT
    assert details.error_info.code == "ConditionTimedOut"
    with refused(NOT_NOW, "TIMED_OUT"):
        client.signal(run, bool_value=True)


def test_a_condition_of_another_type_is_refused(client: Client, run: str) -> None:
    """Datetimes and structs cannot be signalled, so they cannot be waited for."""
    with refused(INVALID, "boolean, integer, float or string"):
        client.condition(run, kind=types_pb2.DATETIME)


def test_signals_through_actions_service(client: Client, run: str) -> None:
    """ActionsService.Signal takes a literal."""
    client.condition(run, kind=types_pb2.STRING)
    value = literals_pb2.Literal()
    value.scalar.primitive.string_value = "yes"
    client.actions.Signal(actions_service_pb2.SignalRequest(action_id=action_id(run, "c"), value=value))
    assert client.details(run, "c").signal_info.output == value


# -- recovery ---------------------------------------------------------------------------------------------------------


def _recover(client: Client, source: str, *force: str) -> str:
    spec = run_pb2.RunSpec(recover=run_pb2.Recover(force_rerun_actions=force))
    spec.relation.related_to.CopyFrom(run_id(source))
    spec.relation.relation_type = common_run_pb2.RELATION_TYPE_RECOVER
    return client.sleeping(600, run_spec=spec)


def test_recover_takes_over_what_succeeded(client: Client, server: Running) -> None:
    """In a run that recovers another, an action of the same name that succeeded there is RECOVERED, the rest runs."""
    source = client.sleeping(600)
    for name in ("good", "again"):
        sleeping_child(client, server, source, name)
        client.wait(source, name)
    client.enqueue(source, "bad", task=run_definition_pb2.TaskAction(spec=python_spec("import sys; sys.exit(1)")))
    client.wait(source, "bad")
    client.condition(source, kind=types_pb2.STRING)
    client.signal(source, string_value="yes")
    client.abort(source)
    run = _recover(client, source, "again")
    for name in ("good", "again"):
        sleeping_child(client, server, run, name)
    client.enqueue(run, "bad", task=run_definition_pb2.TaskAction(spec=python_spec("pass")))
    client.condition(run, kind=types_pb2.STRING)
    assert client.wait(run, "good").status.phase == Phase.RECOVERED
    assert client.details(run, "good").metadata.recovered_from.run.name == source
    assert client.wait(run, "again").status.phase == Phase.SUCCEEDED
    assert client.wait(run, "bad").status.phase == Phase.SUCCEEDED
    heard = {update.action_id.name: update for update in _until_sentinel(client, run)}
    assert f"/{source}/good/1" in heard["good"].output_uri
    assert heard["c"].value.scalar.primitive.string_value == "yes"
    assert client.details(run).metadata.relation.related_to.name == source


def _until_sentinel(client: Client, run: str) -> Iterator[state_service_pb2.ActionUpdate]:
    for update in updates(client, run):
        if update is None:
            return
        yield update


def test_recover_takes_over_traces(client: Client, server: Running) -> None:
    """A parent in a recovering run finds the traces that succeeded, unless forced, and not those that failed."""
    source = client.sleeping(600)
    for name, phase in (("done", 5), ("failed", 6), ("forced", 5), ("gone", 5)):
        uri = f"s3://flyte/test/{name}/outputs.pb"
        if name != "gone":
            server.backend.objects.write(uri, b"")
        outputs = common_pb2.OutputReferences(output_uri=uri)
        trace = run_definition_pb2.TraceAction(name=name, phase=phase, outputs=outputs)
        client.enqueue(source, name, trace=trace)
    client.abort(source)
    run = _recover(client, source, "forced")
    for _ in range(2):  # a controller that comes back finds the same
        heard = {update.action_id.name: update for update in _until_sentinel(client, run)}
        assert {name: update.phase for name, update in heard.items()} == {"done": Phase.RECOVERED}
        assert heard["done"].output_uri == "s3://flyte/test/done/outputs.pb"
    assert client.details(run, "done").metadata.recovered_from.run.name == source


def test_recover_from_a_run_that_is_not_there_is_refused(client: Client) -> None:
    """A source run that does not exist is NOT_FOUND."""
    with refused(MISSING, "to be recovered from"):
        _recover(client, "nowhere")


# -- watches ----------------------------------------------------------------------------------------------------------


def test_watch_actions_tells_all_then_changes_then_ends(client: Client, server: Running) -> None:
    """The tree comes first, then each change with its parent's new counts; the stream ends with the run."""
    run = client.sleeping(1)
    sleeping_child(client, server, run, "one")
    client.wait(run, "one")
    stream = client.runs.WatchActions(run_service_pb2.WatchActionsRequest(run_id=run_id(run)), timeout=20)
    first = next(stream)
    assert [one.action.id.name for one in first.enriched_actions] == ["a0", "one"]
    sleeping_child(client, server, run, "two", 0.05)
    seen = [(one.action.id.name, one.action.status.phase) for message in stream for one in message.enriched_actions]
    assert ("two", Phase.SUCCEEDED) in seen
    assert seen[-1] == ("a0", Phase.SUCCEEDED)
    counts = client.runs.WatchActions(run_service_pb2.WatchActionsRequest(run_id=run_id(run)), timeout=20)
    (last,) = list(counts)
    assert dict(last.enriched_actions[0].children_phase_counts) == {Phase.SUCCEEDED: 2}


def test_a_hundred_watchers_hear_the_end(client: Client, run: str) -> None:
    """A hundred streams on one connection all end when the run does."""
    heard: list[int] = []

    def listen() -> None:
        heard.append(client.wait(run, timeout=20).status.phase)

    threads = [threading.Thread(target=listen) for _ in range(100)]
    for thread in threads:
        thread.start()
    time.sleep(0.5)
    client.abort(run)
    for thread in threads:
        thread.join(20)
    assert heard == [Phase.ABORTED] * 100


def test_only_so_many_of_a_runs_tasks_work_at_once(client: Client, tmp_path: Path) -> None:
    """With `max_action_concurrency` 2, never more than two children run; their waiting parent does not count."""
    mark = tmp_path / "mark"
    run = client.sleeping(600, run_spec=run_pb2.RunSpec(max_action_concurrency=2))
    code = f"import time\nopen({str(mark)!r}, 'a').write('+')\ntime.sleep(0.3)\nopen({str(mark)!r}, 'a').write('-')\n"
    for number in range(5):
        client.enqueue(run, f"c{number}", task=run_definition_pb2.TaskAction(spec=python_spec(code)))
    for number in range(5):
        assert client.wait(run, f"c{number}").status.phase == Phase.SUCCEEDED
    level = highest = 0
    for sign in mark.read_text():
        level += 1 if sign == "+" else -1
        highest = max(highest, level)
    assert highest == 2


def test_a_child_that_waits_too_long_in_the_queue_times_out(client: Client) -> None:
    """`queued_timeout` ends an attempt that did not begin, here behind another of its run."""
    run = client.sleeping(600, run_spec=run_pb2.RunSpec(max_action_concurrency=1))
    client.enqueue(run, "first", task=run_definition_pb2.TaskAction(spec=python_spec("import time; time.sleep(60)")))
    client.until(run, Phase.RUNNING, "first")
    spec = python_spec("pass")
    spec.task_template.metadata.timeouts.queued_timeout.FromMilliseconds(300)
    client.enqueue(run, "second", task=run_definition_pb2.TaskAction(spec=spec))
    details = client.wait(run, "second")
    assert details.status.phase == Phase.TIMED_OUT
    assert details.error_info.code == "QUEUED_TIMEOUT_EXCEEDED"
