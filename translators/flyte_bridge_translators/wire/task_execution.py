"""The attempts of a node's action as flyteadmin's `TaskExecution`s; of an array, one for all its elements."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flyteidl.admin import task_execution_pb2
from flyteidl.core import execution_pb2, identifier_pb2
from flyteidl.event import event_pb2
from flyteidl2.common import phase_pb2
from flyteidl2.core import catalog_pb2

from flyte_bridge_translators.flyte1.nodes import ArrayNode, NodeKind, TaskNode
from flyte_bridge_translators.wire import identifier, phase
from flyte_bridge_translators.wire.execution_state import error as error_of
from flyte_bridge_translators.wire.node_execution import NOWHERE, Uris
from flyte_bridge_translators.wire.node_view import View
from flyte_bridge_translators.wire.phase import Node, Task

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flyteidl2.workflow import run_definition_pb2

    from flyte_bridge_translators.wire.node_view import Action

ARRAY, ARRAY_PLUGIN = "container_array", "k8s-array"
"""The task type and the plugin that propeller reports for array nodes (`nodes/array/event_recorder.go`)."""

_PLUGINS = {"sidecar": "sidecar"}
"""flyteplugins' names of what runs tasks in pods (`plugins/k8s/pod/plugin.go`); of all other types `container`."""

_OF_ARRAY = {
    Node.SUCCEEDED: Task.SUCCEEDED,
    Node.FAILED: Task.FAILED,
    Node.TIMED_OUT: Task.FAILED,
    Node.FAILING: Task.RUNNING,
    Node.ABORTED: Task.ABORTED,
    Node.QUEUED: Task.QUEUED,
    Node.RECOVERED: Task.SUCCEEDED,
}


def of_node(
    view: View,
    execution: identifier_pb2.WorkflowExecutionIdentifier,
    details: run_definition_pb2.ActionDetails | None,
    elements: Mapping[int, run_definition_pb2.ActionDetails] | None = None,
    uris: Uris = NOWHERE,
) -> list[task_execution_pb2.TaskExecution]:
    """What ran for a node, the earliest attempt first.

    A node whose outputs came from the cache, or from another execution, ran nothing.

    Args:
        view: The node.
        execution: Whose it is.
        details: Of its action.
        elements: Of an array's elements, by index, as far as they are wanted: their logs.
        uris: Where its node's inputs and outputs lie.
    """
    task = task_of(view, execution)
    if task is None or not view.listed:
        return []
    if view.kind is NodeKind.ARRAY:
        messages = [_array(view, execution, task, details, elements or {})]
    elif details is None or details.status.cache_status == catalog_pb2.CACHE_HIT:
        return []
    else:
        last = len(details.attempts) - 1
        messages = [
            _attempt(view, execution, task, details, number, retried=number < last)
            for number in range(len(details.attempts))
        ]
    for message in messages:
        message.input_uri = uris.inputs
        if message.closure.phase == Task.SUCCEEDED and not message.closure.output_uri:
            message.closure.output_uri = uris.outputs  # what a dynamic task or an array gives its node composes
    return messages


def task_of(view: View, execution: identifier_pb2.WorkflowExecutionIdentifier) -> identifier_pb2.Identifier | None:
    """The task that a node runs; None if it is not for a task to run.

    An array of what is no task gets an identifier that only serves to be valid (`nodes/array/event_recorder.go`).
    """
    match view.node:
        case TaskNode(task=task) | ArrayNode(element=TaskNode(task=task)):
            return task.identifier(identifier_pb2.TASK)
        case ArrayNode():
            return identifier_pb2.Identifier(
                resource_type=identifier_pb2.TASK,
                project=execution.project,
                domain=execution.domain,
                name=view.spec_id,
                version="v1",
            )
    return None


def _id(
    view: View, execution: identifier_pb2.WorkflowExecutionIdentifier, task: identifier_pb2.Identifier, attempt: int
) -> identifier_pb2.TaskExecutionIdentifier:
    return identifier_pb2.TaskExecutionIdentifier(
        task_id=task,
        node_execution_id=identifier_pb2.NodeExecutionIdentifier(node_id=view.uid, execution_id=execution),
        retry_attempt=attempt,
    )


def _attempt(
    view: View,
    execution: identifier_pb2.WorkflowExecutionIdentifier,
    task: identifier_pb2.Identifier,
    details: run_definition_pb2.ActionDetails,
    number: int,
    *,
    retried: bool,
) -> task_execution_pb2.TaskExecution:
    attempt = details.attempts[number]
    message = task_execution_pb2.TaskExecution(id=_id(view, execution, task, number))
    closure = message.closure
    closure.phase = phase.task(attempt.phase, retried=retried)
    closure.task_type = details.task.task_template.type
    closure.event_version = 1
    closure.logs.extend(logs(attempt))
    _times(closure, attempt)
    if closure.phase == Task.FAILED:
        info = attempt.error_info if attempt.HasField("error_info") or retried else details.error_info
        closure.error.CopyFrom(error_of(info, attempt.end_time))
    elif closure.phase == Task.SUCCEEDED:
        closure.output_uri = attempt.outputs.output_uri
    for event in attempt.cluster_events:
        closure.reasons.add(message=event.message).occurred_at.CopyFrom(event.occurred_at)
        closure.reason = event.message
    closure.metadata.generated_name = f"{execution.name}-{view.uid}-{number}"
    closure.metadata.plugin_identifier = _PLUGINS.get(closure.task_type, "container")
    return message


def logs(attempt: run_definition_pb2.ActionAttempt) -> list[execution_pb2.TaskLog]:
    """Where an attempt's logs are."""
    return [execution_pb2.TaskLog.FromString(one.SerializeToString()) for one in attempt.log_info]


def _times(closure: task_execution_pb2.TaskExecutionClosure, attempt: run_definition_pb2.ActionAttempt) -> None:
    steps = attempt.phase_transitions
    first = steps[0].start_time if steps else attempt.start_time
    closure.created_at.CopyFrom(first)
    running = next((step.start_time for step in steps if step.phase == phase_pb2.ACTION_PHASE_RUNNING), None)
    if running is None and not steps and attempt.HasField("start_time"):
        running = attempt.start_time
    if running is not None:
        closure.started_at.CopyFrom(running)
    closure.updated_at.CopyFrom(running or first)
    if attempt.HasField("end_time"):
        closure.updated_at.CopyFrom(attempt.end_time)
        if running is not None:
            closure.duration.FromNanoseconds(max(0, attempt.end_time.ToNanoseconds() - running.ToNanoseconds()))


def _array(
    view: View,
    execution: identifier_pb2.WorkflowExecutionIdentifier,
    task: identifier_pb2.Identifier,
    details: run_definition_pb2.ActionDetails | None,
    elements: Mapping[int, run_definition_pb2.ActionDetails],
) -> task_execution_pb2.TaskExecution:
    message = task_execution_pb2.TaskExecution(id=_id(view, execution, task, 0))
    closure = message.closure
    closure.phase = _OF_ARRAY.get(view.phase, Task.RUNNING)
    closure.task_type = ARRAY
    closure.event_version = 1
    closure.created_at.FromNanoseconds(view.created)
    closure.started_at.FromNanoseconds(view.started or view.created)
    closure.updated_at.FromNanoseconds(view.ended or view.started or view.created)
    if view.ended:
        closure.duration.FromNanoseconds(max(0, view.ended - (view.started or view.created)))
    if closure.phase == Task.FAILED and details is not None:
        closure.error.CopyFrom(error_of(details.error_info))
    if details is not None and details.attempts:
        closure.output_uri = details.attempts[-1].outputs.output_uri
    closure.metadata.plugin_identifier = ARRAY_PLUGIN
    for index, action in view.elements:
        resource = _element(view, index, action, elements.get(index))
        resource.external_id = f"{execution.name}-{resource.external_id}-{resource.retry_attempt}"
        closure.metadata.external_resources.append(resource)
    return message


def _element(
    view: View, index: int, action: Action, details: run_definition_pb2.ActionDetails | None
) -> event_pb2.ExternalResourceInfo:
    resource = event_pb2.ExternalResourceInfo(
        external_id=identifier.element_id(view.uid, index),
        index=index,
        retry_attempt=max(0, action.status.attempts - 1),
        phase=phase.task(action.status.phase),
        cache_status=phase.cache_status(action.status.cache_status),
    )
    if details is not None and details.attempts:
        resource.logs.extend(logs(details.attempts[-1]))
    return resource
