"""Executions of Flyte 1 on Flyte 2, seen by flytekit's own client."""

from __future__ import annotations

import asyncio
import datetime
import urllib.request
from typing import TYPE_CHECKING, Any

import pytest

pytest.importorskip("flytekit", reason="flytekit stops at Python 3.12")

from flyteidl.admin import execution_pb2
from flyteidl.core import execution_pb2 as core_execution_pb2
from flytekit.exceptions.system import FlyteSystemException
from flytekit.exceptions.user import (
    FlyteEntityAlreadyExistsException,
    FlyteEntityNotExistException,
    FlyteInvalidInputException,
)
from flytekit.models.core.execution import NodeExecutionPhase, TaskExecutionPhase, WorkflowExecutionPhase
from flytekit.models.core.identifier import NodeExecutionIdentifier, TaskExecutionIdentifier

from flyte_bridge.admin.context import CallContext
from flyte_bridge.admin.service import Facade
from flyte_bridge.backend.client import BackendClient

if TYPE_CHECKING:
    from admin.control import Control

DONE = NodeExecutionPhase.SUCCEEDED


@pytest.fixture(scope="module")
def everything(control: Control, flows: Any) -> Any:
    """A sub-workflow, a branch, a launch plan and a task, ended well."""
    return control.run(flows.everything, {"a": 1})


@pytest.fixture(scope="module")
def failed(control: Control, flows: Any) -> Any:
    """A task that raises, in a workflow with a failure node."""
    return control.run(flows.failing, {"a": 1})


@pytest.fixture(scope="module")
def tasks(control: Control, flows: Any) -> Any:
    """A task that succeeds at the second attempt, one with a cache that another execution has filled, one with a deck."""
    control.run(flows.tasks, {"a": 3})
    return control.run(flows.tasks, {"a": 3})


# -- as a whole -------------------------------------------------------------------------------------------------------


def test_an_execution_runs_to_its_end(everything: Any) -> None:
    """Inputs, outputs, times; the phase is flyteadmin's."""
    assert everything.closure.phase == WorkflowExecutionPhase.SUCCEEDED
    assert everything.inputs["a"] == 1
    assert everything.outputs["o0"] == 15
    closure = everything.closure
    assert closure.created_at <= closure.started_at <= closure.updated_at
    assert closure.started_at + closure.duration == closure.updated_at
    assert everything.spec.launch_plan.name == "flows.everything"
    assert everything.spec.max_parallelism == 25  # what flyteadmin makes of a launch plan that says nothing


def test_nodes_are_listed_as_flyteadmin_lists_them(everything: Any) -> None:
    """Start and end are nodes; sub-workflows, branches and child executions have theirs below them."""
    nodes = everything.node_executions
    assert set(nodes) == {"start-node", "n0", "n1", "n2", "n3", "end-node"}
    assert {node.closure.phase for node in nodes.values()} == {DONE}
    assert nodes["n0"].metadata.is_parent_node
    inner = nodes["n0"].subworkflow_node_executions
    assert {one.metadata.spec_node_id for one in inner.values()} == {"start-node", "n0", "n1", "end-node"}
    assert inner["n0-0-n1"].outputs["o0"] == 3
    assert nodes["n0"].outputs.get("o0", as_type=int) == 3  # flytekit gives these no types
    (arm,) = nodes["n1"].subworkflow_node_executions.values()
    assert arm.metadata.spec_node_id == "n1-n0"
    assert arm.outputs["o0"] == nodes["n1"].outputs.get("o0", as_type=int) == 4


def test_a_launch_plan_node_shows_its_execution(control: Control, everything: Any) -> None:
    """Which knows its parent, and got the launch plan's default."""
    node = everything.node_executions["n2"]
    (child,) = node.workflow_executions
    assert child.inputs["b"] == 7
    assert child.outputs["o0"] == node.outputs["o0"] == 11
    assert set(child.node_executions) == {"start-node", "n0", "end-node"}
    told = control.client.get_execution(child.id).spec.metadata
    assert told.parent_node_execution.node_id == "n2"
    assert told.parent_node_execution.execution_id.name == everything.id.name
    assert told.nesting == 1


def test_the_values_of_start_and_end_are_the_executions(control: Control, everything: Any) -> None:
    """The start node gives the inputs, the end node gets the outputs."""
    start = control.client.get_node_execution_data(NodeExecutionIdentifier("start-node", everything.id))
    assert start.full_outputs.literals["a"].scalar.primitive.integer == 1
    end = control.client.get_node_execution_data(NodeExecutionIdentifier("end-node", everything.id))
    assert end.full_inputs.literals["o0"].scalar.primitive.integer == 15


def test_nodes_come_in_pages(control: Control, everything: Any) -> None:
    """A token is the number of rows before the page, and ends with the last full page."""
    first, token = control.client.list_node_executions(everything.id, limit=4)
    rest, end = control.client.list_node_executions(everything.id, limit=4, token=token)
    assert (len(first), token, len(rest), end) == (4, "4", 2, "")
    assert not {one.id.node_id for one in first} & {one.id.node_id for one in rest}


def test_an_unknown_node_is_not_found(control: Control, everything: Any) -> None:
    """Also one of another arm of the branch, which never ran."""
    for name in ("n77", "n1-0-n1-n1"):
        with pytest.raises(FlyteEntityNotExistException):
            control.client.get_node_execution(NodeExecutionIdentifier(name, everything.id))


def test_an_unknown_execution_is_not_found(control: Control) -> None:
    """In flyteadmin's words."""
    with pytest.raises(FlyteEntityNotExistException, match="missing entity of type execution with identifier"):
        control.remote.fetch_execution(name="nobody")


def test_a_map_is_one_task_execution(control: Control, flows: Any) -> None:
    """Each element is a resource of it, with its phase and its log."""
    execution = control.run(flows.maps, {"a": 1})
    assert execution.outputs["o0"] == 4
    node = execution.node_executions["n1"]
    assert node.metadata.is_array
    assert not node.metadata.is_parent_node
    (task,) = node.task_executions
    resources = task.closure.metadata.external_resources
    assert [(one.index, one.phase, one.retry_attempt) for one in resources] == [(0, 3, 0), (1, 3, 0)]
    assert all(one.logs for one in resources)
    assert task.closure.phase == TaskExecutionPhase.SUCCEEDED
    outputs = control.client.get_node_execution_data(node.id).full_outputs.literals["o0"].collection.literals
    assert [one.scalar.primitive.integer for one in outputs] == [2, 4]


def test_a_dynamic_node_shows_what_it_became(control: Control, flows: Any) -> None:
    """Its closure, and its nodes below it; the executions of its task stay."""
    execution = control.run(flows.expands, {"n": 2})
    assert execution.outputs["o0"] == 4
    node = execution.node_executions["n0"]
    assert (node.metadata.is_dynamic, node.metadata.is_parent_node) == (True, True)
    below = node.subworkflow_node_executions
    assert set(below) == {
        "n0-0-start-node",
        "n0-0-end-node",
        "n0-0-dn0",
        "n0-0-dn1",
        "n0-0-dn2",
        "n0-0-dn3",
    }
    assert below["n0-0-dn3"].outputs["o0"] == 3
    data = control.client.get_node_execution_data(node.id)
    assert data.full_outputs.literals["o0"].scalar.primitive.integer == 3
    assert len(data.dynamic_workflow.compiled_workflow.primary.template.nodes) == 6
    tasks, _ = control.client.list_task_executions_paginated(node.id)
    assert [one.id.task_id.name for one in tasks] == ["flows.spreads"]
    assert control.client.list_node_executions_for_task_paginated(tasks[0].id) == ([], "")


# -- what fails -------------------------------------------------------------------------------------------------------


def test_an_error_is_told_whole_and_trimmed_in_lists(control: Control, failed: Any) -> None:
    """Of the execution and of its node; the failure node is a node like any other."""
    assert failed.closure.phase == WorkflowExecutionPhase.FAILED
    assert failed.error.code == "USER:RuntimeError"  # whatever a task raises, to flytekit
    assert "x" * 300 in failed.error.message
    listed, _ = control.client.list_executions_paginated("flytesnacks", "development", limit=100)
    (row,) = [one for one in listed if one.id.name == failed.id.name]
    assert len(row.closure.error.message.encode()) == 100
    nodes = failed.node_executions
    assert set(nodes) == {"start-node", "n0", "fn0"}
    assert nodes["n0"].closure.phase == NodeExecutionPhase.FAILED
    assert len(nodes["n0"].closure.error.message.encode()) == 100
    whole = control.client.get_node_execution(NodeExecutionIdentifier("n0", failed.id))
    assert "x" * 300 in whole.closure.error.message
    assert nodes["fn0"].closure.phase == DONE
    (task,) = nodes["n0"].task_executions
    assert task.closure.phase == TaskExecutionPhase.FAILED
    assert "x" * 300 in task.closure.error.message


def test_a_relaunch_is_the_same_again(control: Control, failed: Any) -> None:
    """With the inputs its user gave, told where it comes from."""
    control.client.relaunch_execution(failed.id, "once-more")
    again = control.done(control.remote.fetch_execution(name="once-more"))
    assert again.closure.phase == WorkflowExecutionPhase.FAILED
    assert again.inputs["a"] == 1
    assert again.spec.metadata.mode == execution_pb2.ExecutionMetadata.RELAUNCH
    assert again.spec.metadata.reference_execution.name == failed.id.name


# -- attempts ---------------------------------------------------------------------------------------------------------


def test_each_attempt_is_a_task_execution(tasks: Any) -> None:
    """The first of two has failed, as flyteadmin says of one that another follows, and tells with which error."""
    first, second = tasks.node_executions["n0"].task_executions
    assert first.closure.phase == core_execution_pb2.TaskExecution.FAILED
    assert "once more" in first.closure.error.message
    assert second.closure.phase == TaskExecutionPhase.SUCCEEDED
    assert (first.id.retry_attempt, second.id.retry_attempt) == (0, 1)
    assert second.id.task_id.name == "flows.flaky"
    assert second.outputs["o0"] == 3


def test_a_cached_node_ran_nothing(tasks: Any) -> None:
    """It tells that its outputs came from the cache."""
    node = tasks.node_executions["n1"]
    assert node.task_executions == []
    assert node.closure.task_node_metadata.cache_status == 2  # CACHE_HIT
    assert node.outputs["o0"] == 3


def test_data_has_urls(control: Control, tasks: Any) -> None:
    """Of a node and of an attempt, all of it or one value."""
    base = f"flyte://v1/flytesnacks/development/{tasks.id.name}/n0"
    assert control.remote.get(f"{base}/o").get("o0", as_type=int) == 3
    assert control.remote.get(f"{base}/i/a").scalar.primitive.integer == 3
    assert control.remote.get(f"{base}/1/o/o0").scalar.primitive.integer == 3
    assert control.remote.get(f"{base}/0/o").literals == {}
    for wrong in (f"{base}/x", f"{base}/o/nothing", f"{base}/0/d"):
        with pytest.raises(FlyteInvalidInputException):
            control.client.get_data(wrong)


def test_a_deck_has_a_link(control: Control, tasks: Any) -> None:
    """Only where a task has made one."""
    page = control.remote.get(f"flyte://v1/flytesnacks/development/{tasks.id.name}/n2/d")
    assert b"mine" in page
    with pytest.raises(FlyteEntityNotExistException, match="no deckUrl found"):
        control.client.get_download_artifact_signed_url("n0", "flytesnacks", "development", tasks.id.name)
    assert tasks.node_executions["n2"].closure.deck_uri.endswith("deck.html")


def test_metrics_tell_where_the_time_went(control: Control, tasks: Any, everything: Any) -> None:
    """Setup, attempts and the pause between them, transitions, teardown; child executions are part of it."""
    spans = control.remote.get_execution_metrics(tasks.id, depth=10).to_flyte_idl()
    assert spans.workflow_id.name == tasks.id.name
    assert spans.spans[0].operation_id == "WORKFLOW_SETUP"
    assert spans.spans[-1].operation_id == "WORKFLOW_TEARDOWN"
    (node,) = [span for span in spans.spans if span.node_id.node_id == "n0"]
    assert [span.operation_id or "task" for span in node.spans] == [
        "NODE_TRANSITION",
        "NODE_SETUP",
        "task",
        "NODE_RESET",
        "task",
        "NODE_TEARDOWN",
    ]
    whole = control.remote.get_execution_metrics(everything.id, depth=10).to_flyte_idl()
    (plan,) = [span for span in whole.spans if span.node_id.node_id == "n2"]
    (child,) = [span for span in plan.spans if span.workflow_id.name]
    assert "TASK_RUNTIME" in {one.operation_id for node in child.spans for task in node.spans for one in task.spans}
    assert not control.remote.get_execution_metrics(everything.id, depth=0).to_flyte_idl().spans


# -- starting ---------------------------------------------------------------------------------------------------------


def test_a_task_runs_alone(control: Control, flows: Any) -> None:
    """Its node is called as the task, less what a node's id may not hold; its attempt is the run's own."""
    control.register(flows.everything)
    task = control.remote.fetch_task(name="flows.plus", version="v1")
    execution = control.done(control.remote.execute(task, inputs={"a": 5, "b": 6}))
    assert execution.outputs["o0"] == 11
    assert set(execution.node_executions) == {"start-node", "flowsplus", "end-node"}
    node = execution.node_executions["flowsplus"]
    assert node.outputs["o0"] == 11
    (attempt,) = node.task_executions
    assert attempt.id.task_id.name == "flows.plus"
    span = control.remote.get_execution_metrics(execution.id, depth=10).to_flyte_idl()
    assert [one.node_id.node_id for one in span.spans if one.node_id.node_id] == ["flowsplus"]


def test_fixed_inputs_are_inputs_and_cannot_be_given(control: Control, flows: Any) -> None:
    """They are among the execution's inputs, as on flyteadmin."""
    control.register(flows.child)
    plan = control.register(flows.FIXED)
    execution = control.done(control.remote.execute(plan, inputs={"a": 5}))
    assert (execution.inputs["b"], execution.outputs["o0"]) == (100, 105)
    control.client.relaunch_execution(execution.id, "fixed-again")
    assert control.done(control.remote.fetch_execution(name="fixed-again")).outputs["o0"] == 105


def test_a_long_name_is_kept(control: Control, flows: Any) -> None:
    """Whatever the run is called; the same name again is refused, and flytekit takes that for the same execution."""
    name = "my_first_execution_flytesnacks_development"
    first = control.run(flows.child, {"a": 3}, execution_name=name)
    assert first.id.name == name
    assert control.start(flows.child, {"a": 3}, execution_name=name).id.name == name
    listed, _ = control.client.list_executions_paginated("flytesnacks", "development", limit=100)
    assert [one.id.name for one in listed].count(name) == 1
    with pytest.raises(FlyteEntityAlreadyExistsException, match="value with matching already exists"):
        control.client.relaunch_execution(first.id, name)


@pytest.mark.parametrize("name", ["1st", "-x", "a.b", "a b", "a" * 64, "ä", "a+b", "a/b", "a'b"])
def test_a_name_that_cannot_be_is_refused(control: Control, flows: Any, name: str) -> None:
    """INVALID_ARGUMENT, with flyteadmin's pattern or length."""
    with pytest.raises(FlyteInvalidInputException, match=r"does not match regex|exceeded length 63"):
        control.start(flows.child, {"a": 1}, execution_name=name)


# -- ending -----------------------------------------------------------------------------------------------------------


def test_an_execution_is_terminated(control: Control, flows: Any) -> None:
    """At once it is being aborted; a second time is refused."""
    execution = control.start(flows.slow, {"seconds": 600})
    running = {NodeExecutionPhase.RUNNING}
    execution = control.until(
        execution,
        lambda one: {n.closure.phase for k, n in one.node_executions.items() if k == "n0"} == running,
        nodes=True,
    )
    assert execution.closure.phase == WorkflowExecutionPhase.RUNNING
    control.remote.terminate(execution, "enough")
    phase = control.remote.sync(execution).closure.phase
    assert phase in {WorkflowExecutionPhase.ABORTING, WorkflowExecutionPhase.ABORTED}
    execution = control.done(execution)
    assert execution.closure.phase == WorkflowExecutionPhase.ABORTED
    assert execution.closure.abort_metadata.cause == "enough"
    assert execution.node_executions["n0"].closure.phase == NodeExecutionPhase.ABORTED
    with pytest.raises(FlyteSystemException, match="Cannot abort an already terminated workflow execution"):
        control.remote.terminate(execution, "again")


def test_task_data_of_an_unknown_attempt_is_not_found(control: Control, tasks: Any) -> None:
    """As is any other task's."""
    (first, _) = tasks.node_executions["n0"].task_executions
    wrong = TaskExecutionIdentifier(first.id.task_id, first.id.node_execution_id, 7)
    with pytest.raises(FlyteEntityNotExistException):
        control.client.get_task_execution_data(wrong)


def test_an_abort_reaches_child_executions(control: Control, flows: Any) -> None:
    """A launch plan node shows its execution while it runs, and ends with it."""
    execution = control.start(flows.parent, {"seconds": 600})

    def child(one: Any) -> Any:
        node = one.node_executions.get("n0")
        return node.workflow_executions[0] if node is not None and node.workflow_executions else None

    execution = control.until(
        execution,
        lambda one: (
            child(one) is not None
            and child(one).node_executions.get("n0") is not None
            and child(one).node_executions["n0"].closure.phase == NodeExecutionPhase.RUNNING
        ),
        nodes=True,
    )
    assert execution.node_executions["n0"].closure.phase == NodeExecutionPhase.RUNNING
    below = child(execution)
    control.remote.terminate(execution, "all of it")
    execution = control.done(execution)
    assert execution.closure.phase == WorkflowExecutionPhase.ABORTED
    below = control.done(below)
    assert below.closure.phase == WorkflowExecutionPhase.ABORTED
    execution = control.remote.sync(execution, sync_nodes=True)
    assert execution.node_executions["n0"].closure.phase == NodeExecutionPhase.ABORTED


def test_recovery_takes_over_what_succeeded(control: Control, flows: Any, tmp_path: Any) -> None:
    """It is not run again, and its outputs are told as if it had been."""
    log, flag = tmp_path / "log", tmp_path / "flag"
    failed = control.run(flows.recovers, {"log": str(log), "flag": str(flag)})
    assert failed.closure.phase == WorkflowExecutionPhase.FAILED
    flag.touch()
    control.client.recover_execution(failed.id, "recovered-one")
    execution = control.done(control.remote.fetch_execution(name="recovered-one"))
    assert execution.closure.phase == WorkflowExecutionPhase.SUCCEEDED
    assert execution.outputs["o0"] == 22
    assert execution.spec.metadata.mode == execution_pb2.ExecutionMetadata.RECOVERED
    assert log.read_text() == "ran\n"
    node = execution.node_executions["n0"]
    assert node.closure.phase == DONE
    assert node.outputs["o0"] == 20


def test_a_map_may_fail_in_part(control: Control, flows: Any) -> None:
    """What failed is none in the outputs, and says so among the resources."""
    execution = control.run(flows.some, {"values": [1, 2, 3]})
    assert execution.closure.phase == WorkflowExecutionPhase.SUCCEEDED
    assert execution.outputs["o0"] == [1, None, 3]
    (task,) = execution.node_executions["n0"].task_executions
    phases = [one.phase for one in task.closure.metadata.external_resources]
    assert phases == [TaskExecutionPhase.SUCCEEDED, TaskExecutionPhase.FAILED, TaskExecutionPhase.SUCCEEDED]
    lost = control.run(flows.some, {"values": [2, 4, 3]})
    assert lost.closure.phase == WorkflowExecutionPhase.FAILED
    node = lost.node_executions["n0"]
    assert node.closure.phase == NodeExecutionPhase.FAILED
    assert "even" in control.client.get_node_execution(node.id).closure.error.message
    assert node.task_executions[0].closure.phase == TaskExecutionPhase.FAILED


def test_large_values_are_sent_to_who_can_take_them(control: Control, flows: Any, settings: Any) -> None:
    """flytekit takes 20 MiB and cannot follow signed URLs; another client gets a URL above flyteadmin's 2 MiB."""
    execution = control.run(flows.large, {"size": 3_000_000})
    assert len(execution.outputs["o0"]) == 3_000_000
    assert len(execution.node_executions["n0"].outputs["o0"]) == 3_000_000

    async def ask() -> Any:
        async with BackendClient(control.caller()) as backend:
            request = execution_pb2.WorkflowExecutionGetDataRequest(id=execution.id.to_flyte_idl())
            context = CallContext(metadata=(("user-agent", "grpc-java-netty/1.60"),))
            return await Facade(backend, settings).call(
                "/flyteidl.service.AdminService/GetExecutionData", request, context
            )

    told = asyncio.run(ask())
    assert told.full_inputs.literals["size"].scalar.primitive.integer == 3_000_000
    if told.outputs.url:  # where the façade itself has access to the object store
        assert told.outputs.bytes > 3_000_000
        with urllib.request.urlopen(told.outputs.url, timeout=60) as reply:
            assert len(reply.read()) == told.outputs.bytes
    else:
        assert len(told.full_outputs.literals) == 1


def test_a_backfill_runs_its_launch_plan_for_each_day(control: Control, flows: Any) -> None:
    """All at once, each with its own time; flytekit makes the workflow, nodes are child executions."""
    control.register(flows.daily)
    control.register(flows.DAILY)
    days = (datetime.datetime(2023, 1, 1), datetime.datetime(2023, 1, 3))
    execution = control.remote.launch_backfill(
        "flytesnacks", "development", *days, "flows.daily", "v1", execution_name="a-backfill", parallel=True
    )
    done = control.done(execution)
    assert done.closure.phase == WorkflowExecutionPhase.SUCCEEDED
    children = [node.workflow_executions[0] for node in done.node_executions.values() if node.workflow_executions]
    assert sorted(child.outputs["o0"] for child in children) == ["2023-01-01", "2023-01-02"]


def test_a_mapped_launch_plan_shows_its_elements(control: Control, flows: Any) -> None:
    """While they run, too: each is an execution of its own, which the array tells as a resource."""
    control.register(flows.inner)
    control.register(flows.INNER)
    execution = control.start(flows.planned, {"values": [1, 2, 3]})

    def resources(one: Any) -> list[Any]:
        node = one.node_executions.get("n0")
        return list(node.task_executions[0].closure.metadata.external_resources) if node is not None else []

    execution = control.until(execution, lambda one: len(resources(one)) == 3, nodes=True)
    done = control.done(execution)
    assert done.outputs["o0"] == [3, 4, 5]
    assert [(one.index, one.phase) for one in resources(done)] == [(0, 3), (1, 3), (2, 3)]
    values = control.client.get_node_execution_data(done.node_executions["n0"].id).full_outputs.literals["o0"]
    assert [one.scalar.primitive.integer for one in values.collection.literals] == [3, 4, 5]
