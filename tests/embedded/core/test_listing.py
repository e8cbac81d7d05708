"""Lists: filters, sorts, pages, and what they refuse."""

from __future__ import annotations

from typing import TYPE_CHECKING

import grpc
import pytest
from flyteidl2.common import identifier_pb2, list_pb2
from flyteidl2.task import task_definition_pb2, task_service_pb2
from flyteidl2.workflow import run_service_pb2

from flyte_bridge.backend.phases import Phase

from .client import DOMAIN, PROJECT, labelled, python_spec, refused, sleep_inputs, sleep_spec, sort, where

if TYPE_CHECKING:
    from .client import Client

INVALID = grpc.StatusCode.INVALID_ARGUMENT


@pytest.fixture
def runs(client: Client) -> list[str]:
    """Five runs: done, done, failed, running, paused; the first two labelled."""
    client.sleeping(0, "done-1", run_spec=labelled(team="red", tier="1"))
    client.sleeping(0, "done-2", run_spec=labelled(team="blue"))
    client.create(python_spec("import sys; sys.exit(1)", "test.failing"), "failed")
    client.sleeping(600, "running")
    client.sleeping(600, "paused")
    client.condition("paused")
    client.wait("done-1")
    client.wait("done-2")
    client.wait("failed")
    client.until("running", Phase.RUNNING)
    client.until("paused", Phase.RUNNING)
    return ["done-1", "done-2", "failed", "running", "paused"]


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ([], {"done-1", "done-2", "failed", "running", "paused"}),
        ([where("phase", "EQUAL", 5)], {"done-1", "done-2"}),
        ([where("phase", "VALUE_IN", 5, 6)], {"done-1", "done-2", "failed"}),
        ([where("phase", "VALUE_IN", 6)], {"failed"}),
        ([where("phase", "VALUE_NOT_IN", 4, 6)], {"done-1", "done-2"}),
        ([where("phase", "NOT_EQUAL", 4)], {"done-1", "done-2", "failed"}),
        ([where("phase", "GREATER_THAN", 4)], {"done-1", "done-2", "failed"}),
        ([where("phase", "EQUAL", 1, 0)], set()),  # how flyte 2.12 writes RECOVERED
        ([where("task_name", "EQUAL", "test.failing")], {"failed"}),
        ([where("task_name", "CONTAINS", "fail")], {"failed"}),
        ([where("task_name", "CONTAINS", "FAIL")], set()),
        ([where("task_name", "CONTAINS_CASE_INSENSITIVE", "FAIL")], {"failed"}),
        ([where("task_name", "CONTAINS", "%")], set()),
        ([where("task_name", "ENDS_WITH", ".failing")], {"failed"}),
        ([where("task_name", "NOT_ENDS_WITH", ".failing")], {"done-1", "done-2", "running", "paused"}),
        ([where("task_version", "EQUAL", "v1"), where("phase", "EQUAL", 6)], {"failed"}),
        ([where("labels.team", "EQUAL", "red")], {"done-1"}),
        ([where("labels.team", "EXISTS")], {"done-1", "done-2"}),
        ([where("labels.team", "NOT_EXISTS")], {"failed", "running", "paused"}),
        ([where("labels.team", "EXISTS"), where("labels.tier", "EQUAL", "1")], {"done-1"}),
        ([where("created_at", "LESS_THAN", "2020-01-01T00:00:00+00:00")], set()),
        (
            [where("created_at", "GREATER_THAN_OR_EQUAL", "2020-01-01T00:00:00.123456789Z")],
            {"done-1", "done-2", "failed", "running", "paused"},
        ),
        ([where("duration_ms", "GREATER_THAN", "100000")], set()),
        ([where("run_name", "EQUAL", "paused")], {"paused"}),
        ([where("created_by", "EQUAL", "nobody")], set()),
    ],
)
def test_filters(client: Client, runs: list[str], filters: list[list_pb2.Filter], expected: set[str]) -> None:
    """Each function does on runs what its name says."""
    assert set(client.list_runs(*filters)) == expected


@pytest.mark.parametrize(
    ("filters", "text"),
    [
        ([where("nonsense", "EQUAL", 1)], "columns are"),
        ([where("phase", "EQUAL")], "no value"),
        ([where("phase", "EQUAL", "red")], "whole numbers"),
        ([where("phase", "CONTAINS", "5")], "needs text"),
        ([where("created_at", "LESS_THAN", "yesterday")], "RFC 3339"),
        ([where("task_name", "EXISTS", "x")], "EXISTS is not supported"),
        ([where("labels.a", "CONTAINS", "x")], "labels are filtered by"),
    ],
)
def test_filters_that_cannot_be_are_refused(client: Client, filters: list[list_pb2.Filter], text: str) -> None:
    """What the real backend answers with INTERNAL, or ignores, is INVALID_ARGUMENT and says why."""
    with refused(INVALID, text):
        client.list_runs(*filters)


def test_paused_runs_only(client: Client, runs: list[str]) -> None:
    """`paused_actions_only` lists runs that wait for somebody."""
    assert client.list_runs(paused_actions_only=True) == ["paused"]


def test_conditions_are_found_by_type(client: Client, runs: list[str]) -> None:
    """The SDK finds a run's open conditions by `action_type` and `phase`."""
    found = client.list_actions("paused", where("action_type", "EQUAL", 3), where("phase", "EQUAL", 9))
    assert found == ["c"]
    assert client.list_actions("paused", where("parent_name", "EQUAL", "a0")) == ["c"]
    assert client.list_actions("paused", where("action_type", "EQUAL", 1)) == ["a0"]


def test_the_default_order_is_the_real_one(client: Client, runs: list[str]) -> None:
    """Phase first, then the newest."""
    assert client.list_runs() == ["paused", "running", "done-2", "done-1", "failed"]


@pytest.mark.parametrize("limit", [1, 2, 3, 50])
@pytest.mark.parametrize(
    "order", [[], [sort("created_at")], [sort("task_name"), sort("created_at", descending=True)], [sort("ended_at")]]
)
def test_pages_add_up(client: Client, runs: list[str], limit: int, order: list[list_pb2.Sort]) -> None:
    """Whatever the page size and the order, each run comes once, in the same order; unknown ends sort first."""
    whole = client.list_runs(sort_by_fields=order, limit=200)
    assert client.list_runs(sort_by_fields=order, limit=limit) == whole
    assert sorted(whole) == sorted(runs)


def test_pages_do_not_shift(client: Client, runs: list[str]) -> None:
    """A run made between two pages neither hides nor repeats one; by offsets it would."""
    order = sort("created_at", descending=True)
    scope = identifier_pb2.ProjectIdentifier(name=PROJECT, domain=DOMAIN)

    def page(token: str) -> run_service_pb2.ListRunsResponse:
        request = list_pb2.ListRequest(limit=2, sort_by=order, token=token)
        return client.runs.ListRuns(run_service_pb2.ListRunsRequest(request=request, project_id=scope))

    first = page("")
    client.sleeping(600, "between")
    second = page(first.token)
    names = [run.action.id.run.name for run in [*first.runs, *second.runs]]
    assert names == ["paused", "running", "failed", "done-2"]


def test_a_number_is_an_offset(client: Client, runs: list[str]) -> None:
    """The real backend's tokens are decimal offsets; such a one is understood."""
    request = list_pb2.ListRequest(sort_by=sort("created_at"), token="3")
    response = client.runs.ListRuns(run_service_pb2.ListRunsRequest(request=request))
    assert [run.action.id.run.name for run in response.runs] == ["running", "paused"]


def test_limits_and_tokens_out_of_bounds_are_refused(client: Client) -> None:
    """A limit above 200, a token of elsewhere, and an unknown sort are INVALID_ARGUMENT."""
    for fields, text in (({"limit": 201}, "limit"), ({"token": "!!"}, "token"), ({"sort_by": sort("x")}, "sort by")):
        request = run_service_pb2.ListRunsRequest(request=list_pb2.ListRequest(**fields))
        with refused(INVALID, text):
            client.runs.ListRuns(request)


def test_labels_and_metadata_come_with_the_list(client: Client, runs: list[str]) -> None:
    """Listed runs have their labels, task, type and phase, which the real backend leaves out."""
    messages = {run.action.id.run.name: run for run in client.list_run_messages()}
    assert dict(messages["done-1"].labels) == {"team": "red", "tier": "1"}
    assert messages["failed"].action.metadata.task.id.name == "test.failing"
    assert messages["failed"].action.metadata.action_type == 1


# -- tasks ------------------------------------------------------------------------------------------------------------


def _deploy(client: Client, name: str, version: str, *, entrypoint: bool = False) -> None:
    spec = sleep_spec(name, version)
    spec.task_template.metadata.is_entrypoint = entrypoint
    spec.environment.name = name.partition(".")[0]
    key = task_definition_pb2.TaskIdentifier(project=PROJECT, domain=DOMAIN, name=name, version=version)
    client.tasks.DeployTask(task_service_pb2.DeployTaskRequest(task_id=key, spec=spec))


def _tasks(client: Client, *filters: list_pb2.Filter, **fields: object) -> list[tuple[str, str]]:
    known = fields.pop("known_filters", [])
    request = task_service_pb2.ListTasksRequest(
        request=list_pb2.ListRequest(filters=filters, **fields),
        project_id=identifier_pb2.ProjectIdentifier(name=PROJECT, domain=DOMAIN),
        known_filters=known,
    )
    return [(task.task_id.name, task.task_id.version) for task in client.tasks.ListTasks(request).tasks]


def test_tasks_are_listed_by_their_latest_version(client: Client) -> None:
    """A list has each task once, at the version deployed last, not the highest; filters and sorts apply."""
    _deploy(client, "env.b", "v2")
    _deploy(client, "env.b", "v1")
    _deploy(client, "env.a", "v1", entrypoint=True)
    assert _tasks(client) == [("env.a", "v1"), ("env.b", "v1")]
    assert _tasks(client, sort_by=sort("name", descending=True)) == [("env.b", "v1"), ("env.a", "v1")]
    assert _tasks(client, where("name", "EQUAL", "env.b")) == [("env.b", "v1")]
    assert _tasks(client, where("name", "CONTAINS", "env.")) == [("env.a", "v1"), ("env.b", "v1")]
    entry = task_service_pb2.ListTasksRequest.KnownFilter(is_entrypoint=True)
    assert _tasks(client, known_filters=[entry]) == [("env.a", "v1")]
    assert _tasks(client, limit=1) == [("env.a", "v1")]


def test_versions_are_mutable_as_on_the_real_backend(client: Client) -> None:
    """Deploying a version again replaces it; the list of versions is newest first."""
    _deploy(client, "env.t", "v1")
    _deploy(client, "env.t", "v2")
    _deploy(client, "env.t", "v1", entrypoint=True)
    name = task_definition_pb2.TaskName(project=PROJECT, domain=DOMAIN, name="env.t")
    response = client.tasks.ListVersions(task_service_pb2.ListVersionsRequest(task_name=name))
    assert [version.version for version in response.versions] == ["v2", "v1"]
    key = task_definition_pb2.TaskIdentifier(project=PROJECT, domain=DOMAIN, name="env.t", version="v1")
    details = client.tasks.GetTaskDetails(task_service_pb2.GetTaskDetailsRequest(task_id=key)).details
    assert details.spec.task_template.metadata.is_entrypoint


def test_a_task_tells_its_latest_run(client: Client) -> None:
    """A listed task has its newest run."""
    _deploy(client, "env.t", "v1")
    client.create(sleep_spec("env.t"), "newest", inputs=sleep_inputs(0))
    client.wait("newest")
    scope = identifier_pb2.ProjectIdentifier(name=PROJECT, domain=DOMAIN)
    (task,) = client.tasks.ListTasks(task_service_pb2.ListTasksRequest(project_id=scope)).tasks
    assert task.task_summary.latest_run.run_id.name == "newest"
    assert task.task_summary.latest_run.phase == Phase.SUCCEEDED


def test_deploying_nonsense_is_refused(client: Client) -> None:
    """No name, no template, or an unknown project: told by name, nothing is deployed."""
    with refused(INVALID, "name"):
        _deploy(client, "", "v1")
    with refused(INVALID, "version"):
        _deploy(client, "a.b", "")
    key = task_definition_pb2.TaskIdentifier(project="nowhere", domain=DOMAIN, name="a.b", version="v1")
    with refused(grpc.StatusCode.NOT_FOUND, "nowhere"):
        client.tasks.DeployTask(task_service_pb2.DeployTaskRequest(task_id=key, spec=sleep_spec()))
    assert _tasks(client) == []


# -- groups -----------------------------------------------------------------------------------------------------------


def test_groups_count_the_runs_of_each_task(client: Client, runs: list[str]) -> None:
    """Each task is a group with its phases, failures and newest runs; later changes follow the sentinel."""
    scope = identifier_pb2.ProjectIdentifier(name=PROJECT, domain=DOMAIN)
    stream = client.runs.WatchGroups(run_service_pb2.WatchGroupsRequest(project_id=scope), timeout=20)
    first = next(stream)
    assert first.sentinel
    groups = {group.task_name: group for group in first.task_groups}
    assert set(groups) == {"test.sleep", "test.failing"}
    assert groups["test.failing"].average_failure_rate == 1.0
    assert groups["test.failing"].error_counts.user_error == 1
    sleep = groups["test.sleep"]
    assert sleep.total_runs == 4
    assert {count.phase: count.count for count in sleep.phase_counts} == {Phase.RUNNING: 2, Phase.SUCCEEDED: 2}
    assert [one.run_name for one in sleep.recent_statuses] == ["paused", "running", "done-2", "done-1"]
    client.abort("running")
    (changed,) = next(stream).task_groups
    assert {count.phase: count.count for count in changed.phase_counts}[Phase.ABORTED] == 1


def test_groups_of_a_closed_span_end(client: Client, runs: list[str]) -> None:
    """With an end date the stream ends after what there is."""
    request = run_service_pb2.WatchGroupsRequest()
    request.project_id.name, request.project_id.domain = PROJECT, DOMAIN
    request.end_date.FromJsonString("2020-01-01T00:00:00Z")
    (only,) = list(client.runs.WatchGroups(request, timeout=20))
    assert list(only.task_groups) == []
