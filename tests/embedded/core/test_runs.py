"""Runs: made, refused, ended, by a gRPC client."""

from __future__ import annotations

from typing import TYPE_CHECKING

import grpc
import pytest
from flyteidl2.core import literals_pb2, types_pb2
from flyteidl2.task import common_pb2, run_pb2, task_definition_pb2, task_service_pb2
from flyteidl2.workflow import run_definition_pb2, run_service_pb2

from flyte_bridge.backend.phases import Phase

from .client import (
    DOMAIN,
    PROJECT,
    action_id,
    integers,
    interface,
    labelled,
    python_spec,
    refused,
    run_id,
    sleep_inputs,
    sleep_spec,
)

if TYPE_CHECKING:
    from .client import Client

INVALID = grpc.StatusCode.INVALID_ARGUMENT


def test_a_run_goes_from_queued_to_its_end(client: Client) -> None:
    """A watcher sees each phase once, in order, and the stream ends with the run."""
    run = client.sleeping(0.2)
    phases = [details.status.phase for details in client.watch(run)]
    assert phases[-1] == Phase.SUCCEEDED
    assert phases == sorted(set(phases))


def test_details_tell_attempts_and_times(client: Client) -> None:
    """A finished action has its attempt, with start before end and the transitions in between."""
    run = client.sleeping(0.1)
    details = client.wait(run)
    (attempt,) = details.attempts
    assert attempt.phase == Phase.SUCCEEDED
    assert attempt.start_time.ToMicroseconds() <= attempt.end_time.ToMicroseconds()
    assert [step.phase for step in attempt.phase_transitions][-2:] == [Phase.RUNNING, Phase.SUCCEEDED]
    assert details.status.duration_ms >= 90
    assert details.metadata.task.id.name == "test.sleep"


def test_a_name_is_made_when_none_is_given(client: Client) -> None:
    """A run without a name gets one of the real backend's form."""
    name = client.sleeping(0)
    assert name.startswith("r")
    assert len(name) == 20


def test_a_name_can_be_used_once(client: Client) -> None:
    """A second run of a name is refused, and the first one's inputs are untouched."""
    client.sleeping(0.01, "twice")
    with refused(grpc.StatusCode.ALREADY_EXISTS, "twice"):
        client.sleeping(30, "twice")
    assert client.wait("twice").status.phase == Phase.SUCCEEDED


def test_names_are_per_project(client: Client) -> None:
    """The same run name in two projects is two runs."""
    client.create_project("other")
    client.sleeping(0, "same")
    request = run_service_pb2.CreateRunRequest(task_spec=sleep_spec(), inputs=sleep_inputs(0))
    request.run_id.project, request.run_id.domain, request.run_id.name = "other", DOMAIN, "same"
    assert client.runs.CreateRun(request).run.action.id.run.project == "other"


@pytest.mark.parametrize("name", ["Upper", "1digit", "a" * 31, "under_score", "dash-", "../up", "a/b", "ü"])
def test_bad_run_names_are_refused(client: Client, name: str) -> None:
    """A run name must be a DNS-1035 label of at most 30 characters."""
    with refused(INVALID, "run name"):
        client.sleeping(0, name)
    assert client.list_runs() == []


def test_an_unknown_project_is_refused(client: Client) -> None:
    """A run in a project that is not there is NOT_FOUND, and the message says how to make it."""
    request = run_service_pb2.CreateRunRequest(task_spec=sleep_spec(), inputs=sleep_inputs(0))
    request.project_id.name, request.project_id.domain = "nowhere", DOMAIN
    with refused(grpc.StatusCode.NOT_FOUND, "flyte create project"):
        client.runs.CreateRun(request)


def test_a_run_without_a_task_is_refused(client: Client) -> None:
    """A run must name its task; the real backend takes one without."""
    with refused(INVALID, "task"):
        client.runs.CreateRun(run_service_pb2.CreateRunRequest(run_id=run_id("empty")))


def test_an_unknown_task_is_refused(client: Client) -> None:
    """A task id that is not deployed is NOT_FOUND, not UNKNOWN."""
    request = run_service_pb2.CreateRunRequest(run_id=run_id("r1"))
    request.task_id.project, request.task_id.domain = PROJECT, DOMAIN
    request.task_id.name, request.task_id.version = "no.task", "v1"
    with refused(grpc.StatusCode.NOT_FOUND, "no.task"):
        client.runs.CreateRun(request)


@pytest.mark.parametrize(
    ("inputs", "text"),
    [
        (common_pb2.Inputs(), "needs input n"),
        (integers(n=1, m=2), "has no input m"),
        (common_pb2.Inputs(literals=[common_pb2.NamedLiteral(name="n", value=literals_pb2.Literal())]), None),
        (sleep_inputs(1), "needs input n"),
    ],
)
def test_inputs_that_miss_the_interface_are_refused(client: Client, inputs: common_pb2.Inputs, text: str) -> None:
    """Missing, unknown and mistyped inputs are told by name before anything is made."""
    spec = python_spec("pass")
    spec.task_template.interface.CopyFrom(interface(n=types_pb2.INTEGER))
    if text is None:  # a literal without a value is left to the task
        client.create(spec, inputs=inputs)
        return
    with refused(INVALID, text):
        client.create(spec, inputs=inputs)
    assert client.list_runs() == []


def test_an_input_of_the_wrong_type_is_refused(client: Client) -> None:
    """A string where a number is declared is refused by name."""
    spec = python_spec("pass")
    spec.task_template.interface.CopyFrom(interface(n=types_pb2.INTEGER))
    inputs = common_pb2.Inputs()
    inputs.literals.add(name="n").value.scalar.primitive.string_value = "1"
    with refused(INVALID, "input n of task test.python must be a whole number"):
        client.create(spec, inputs=inputs)


def test_defaults_fill_in(client: Client) -> None:
    """A declared default is used where the caller gives nothing, and is what the task then reads."""
    spec = sleep_spec()
    default = spec.default_inputs.add(name="duration")
    default.parameter.var.type.simple = types_pb2.DURATION
    default.parameter.default.CopyFrom(sleep_inputs(0.01).literals[0].value)
    assert client.wait(client.create(spec)).status.phase == Phase.SUCCEEDED


def test_a_deployed_task_runs_by_id(client: Client) -> None:
    """A run by task id runs the deployed version, and says so."""
    key = task_definition_pb2.TaskIdentifier(project=PROJECT, domain=DOMAIN, name="test.sleep", version="v1")
    client.tasks.DeployTask(task_service_pb2.DeployTaskRequest(task_id=key, spec=sleep_spec()))
    request = run_service_pb2.CreateRunRequest(run_id=run_id("byid"), task_id=key, inputs=sleep_inputs(0.01))
    client.runs.CreateRun(request)
    assert client.wait("byid").status.phase == Phase.SUCCEEDED
    spec = client.runs.GetRunDetails(run_service_pb2.GetRunDetailsRequest(run_id=run_id("byid"))).details.run_spec
    assert spec.task_spec_source == run_pb2.TASK_SPEC_SOURCE_DEPLOYED


@pytest.mark.parametrize("labels", [{"a b": "x"}, {"k": "x y"}, {"k": "x" * 64}, {"": "x"}, {"UP/k": "x"}])
def test_labels_no_cluster_takes_are_refused(client: Client, labels: dict[str, str]) -> None:
    """A label that would leave the run QUEUED for ever on a cluster is refused here."""
    with refused(INVALID, "label"):
        client.sleeping(0, run_spec=labelled(**labels))


def test_a_failing_command_is_retried_and_each_attempt_keeps_its_error(client: Client) -> None:
    """Two retries make three attempts, each with its own error, and the last one's is the action's."""
    spec = python_spec("import sys; sys.exit(3)")
    spec.task_template.metadata.retries.retries = 2
    details = client.wait(client.create(spec))
    assert details.status.phase == Phase.FAILED
    assert details.status.attempts == 3
    assert [attempt.phase for attempt in details.attempts] == [Phase.FAILED] * 3
    assert all(attempt.error_info.message for attempt in details.attempts)
    assert details.error_info == details.attempts[-1].error_info


def test_a_command_that_is_not_there_fails_by_name(client: Client) -> None:
    """A task whose command does not exist fails, and says which command."""
    spec = python_spec("pass")
    spec.task_template.container.args[0] = "pyflyte-execute-not-there"
    details = client.wait(client.create(spec))
    assert details.status.phase == Phase.FAILED
    assert "pyflyte-execute-not-there" in details.error_info.message


def test_a_task_that_runs_too_long_times_out(client: Client) -> None:
    """An attempt is ended at its timeout, and the code is the one the SDK makes its exception of."""
    spec = python_spec("import time; time.sleep(60)")
    spec.task_template.metadata.timeout.FromMilliseconds(300)
    details = client.wait(client.create(spec))
    assert details.status.phase == Phase.TIMED_OUT
    assert details.error_info.code == "MAX_RUNTIME_EXCEEDED"


def test_a_deadline_ends_the_action_whatever_retries_are_left(client: Client) -> None:
    """The deadline counts from the action's beginning, over all attempts."""
    spec = python_spec("import time; time.sleep(60)")
    spec.task_template.metadata.retries.retries = 5
    spec.task_template.metadata.timeouts.deadline.FromMilliseconds(400)
    details = client.wait(client.create(spec))
    assert details.status.phase == Phase.TIMED_OUT
    assert details.error_info.code == "DEADLINE_EXCEEDED"
    assert details.status.attempts == 1


def test_a_backoff_is_waited_for(client: Client) -> None:
    """Retries come base, then base times factor, up to the cap, after each other."""
    spec = python_spec("import sys; sys.exit(1)")
    retries = spec.task_template.metadata.retries
    retries.retries = 2
    retries.backoff.base.FromMilliseconds(200)
    retries.backoff.factor = 3
    retries.backoff.cap.FromMilliseconds(400)
    details = client.wait(client.create(spec))
    first, second, third = details.attempts
    assert second.start_time.ToMilliseconds() - first.end_time.ToMilliseconds() >= 195
    assert third.start_time.ToMilliseconds() - second.end_time.ToMilliseconds() >= 395


def test_abort_ends_the_process_and_keeps_the_reason(client: Client) -> None:
    """An aborted run is ABORTED at once, with reason and who."""
    run = client.create(python_spec("import time; time.sleep(600)"))
    client.until(run, Phase.RUNNING)
    client.runs.AbortRun(run_service_pb2.AbortRunRequest(run_id=run_id(run), reason="changed my mind"))
    details = client.details(run)
    assert details.status.phase == Phase.ABORTED
    assert details.abort_info.reason == "changed my mind"
    assert details.abort_info.aborted_by.user.id.subject


def test_a_finished_run_cannot_be_aborted(client: Client) -> None:
    """Abort of a finished run is FAILED_PRECONDITION and leaves it as it is; the real backend overwrites its phase."""
    run = client.sleeping(0)
    client.wait(run)
    with refused(grpc.StatusCode.FAILED_PRECONDITION, "SUCCEEDED"):
        client.abort(run)
    assert client.phase(run) is Phase.SUCCEEDED


def test_what_is_not_there_is_not_found(client: Client) -> None:
    """Every way to ask for a run that is not there says NOT_FOUND, streams too."""
    missing = grpc.StatusCode.NOT_FOUND
    with refused(missing, "does not exist"):
        client.runs.GetRunDetails(run_service_pb2.GetRunDetailsRequest(run_id=run_id("none")))
    with refused(missing, "does not exist"):
        client.details("none")
    with refused(missing, "does not exist"):
        client.abort("none")
    with refused(missing, "does not exist"):
        client.list_actions("none")
    with refused(missing, "does not exist"):
        client.wait("none")


def test_output_uris_come_with_success_only(client: Client) -> None:
    """Inputs are always told, outputs of what succeeded."""
    run = client.sleeping(0.3)
    request = run_service_pb2.GetActionDataURIsRequest(action_id=action_id(run))
    before = client.runs.GetActionDataURIs(request)
    assert before.inputs_uri.endswith("/inputs.pb")
    assert before.outputs_uri == ""
    client.wait(run)
    assert client.runs.GetActionDataURIs(request).outputs_uri.endswith("/a0/1/outputs.pb")


def test_sources_and_start_times_are_kept(client: Client) -> None:
    """A run says who started it from where, and when it is meant to have started."""
    request = run_service_pb2.CreateRunRequest(
        run_id=run_id("src"),
        task_spec=sleep_spec(),
        inputs=sleep_inputs(0),
        source=run_definition_pb2.RUN_SOURCE_CLI,
    )
    request.run_start_time.FromJsonString("2024-01-02T03:04:05Z")
    client.runs.CreateRun(request)
    details = client.runs.GetRunDetails(run_service_pb2.GetRunDetailsRequest(run_id=run_id("src"))).details
    assert details.action.metadata.source == run_definition_pb2.RUN_SOURCE_CLI
    assert details.run_spec.run_start_time.ToJsonString() == "2024-01-02T03:04:05Z"
