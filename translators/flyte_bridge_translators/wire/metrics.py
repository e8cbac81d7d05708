"""Execution metrics: where the time of an execution went, as a tree of spans.

A span is either an *operation* (the engine's own work: setup, transition from one node to the next, teardown; a task's
run time) or refers to an execution, a node or a task execution, whose parts it holds. What the spans of an execution are
follows from the times of its nodes and attempts alone.

Source of the operations and of which times bound them: `flyteadmin/pkg/manager/impl/metrics_manager.go` (v1.16.8).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flyteidl.core import metrics_pb2

from flyte_bridge_translators.flyte1.names import SENTINELS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from flyteidl.admin import execution_pb2, node_execution_pb2, task_execution_pb2

WORKFLOW_SETUP, WORKFLOW_TEARDOWN = "WORKFLOW_SETUP", "WORKFLOW_TEARDOWN"
NODE_SETUP, NODE_TEARDOWN = "NODE_SETUP", "NODE_TEARDOWN"
NODE_TRANSITION, NODE_RESET, NODE_IDLE = "NODE_TRANSITION", "NODE_RESET", "NODE_IDLE"
TASK_SETUP, TASK_RUNTIME, TASK_TEARDOWN = "TASK_SETUP", "TASK_RUNTIME", "TASK_TEARDOWN"


def operation(name: str, begin: Any, end: Any) -> metrics_pb2.Span:
    """The engine's own work between two timestamps."""
    return metrics_pb2.Span(operation_id=name, start_time=begin, end_time=end)


def of_execution(execution: execution_pb2.Execution, parts: Iterable[metrics_pb2.Span]) -> metrics_pb2.Span:
    """All of an execution."""
    closure = execution.closure
    return metrics_pb2.Span(
        workflow_id=execution.id, start_time=closure.created_at, end_time=closure.updated_at, spans=parts
    )


def of_node(node: node_execution_pb2.NodeExecution, parts: Iterable[metrics_pb2.Span]) -> metrics_pb2.Span:
    """All of a node."""
    closure = node.closure
    return metrics_pb2.Span(node_id=node.id, start_time=closure.created_at, end_time=closure.updated_at, spans=parts)


def of_task(task: task_execution_pb2.TaskExecution) -> metrics_pb2.Span:
    """An attempt: until it runs, while it runs, and what was left to do afterwards."""
    closure = task.closure
    span = metrics_pb2.Span(task_id=task.id, start_time=closure.created_at, end_time=closure.updated_at)
    if not closure.HasField("started_at"):
        span.spans.append(operation(TASK_SETUP, closure.created_at, closure.updated_at))
        return span
    span.spans.append(operation(TASK_SETUP, closure.created_at, closure.started_at))
    if not closure.HasField("duration"):
        span.spans.append(operation(TASK_RUNTIME, closure.started_at, closure.updated_at))
        return span
    ended = _after(closure.started_at, closure.duration)
    span.spans.append(operation(TASK_RUNTIME, closure.started_at, ended))
    if _at(closure.updated_at) >= _at(ended):
        span.spans.append(operation(TASK_TEARDOWN, ended, closure.updated_at))
    return span


def of_gate(node: node_execution_pb2.NodeExecution) -> list[metrics_pb2.Span]:
    """A gate: until it is reached, while it waits, and what was left to do."""
    closure = node.closure
    if not closure.HasField("started_at"):
        return [operation(NODE_SETUP, closure.created_at, closure.updated_at)]
    spans = [operation(NODE_SETUP, closure.created_at, closure.started_at)]
    if not closure.HasField("duration"):
        return [*spans, operation(NODE_IDLE, closure.started_at, closure.updated_at)]
    ended = _after(closure.started_at, closure.duration)
    return [
        *spans,
        operation(NODE_IDLE, closure.started_at, ended),
        operation(NODE_TEARDOWN, ended, closure.updated_at),
    ]


def of_attempts(
    node: node_execution_pb2.NodeExecution, tasks: Sequence[task_execution_pb2.TaskExecution], *, deep: bool
) -> list[metrics_pb2.Span]:
    """What runs a task: setup, its attempts with the pauses between them; without its end, which others may follow.

    Args:
        node: The node.
        tasks: Its attempts, the first one first.
        deep: Whether to look into the attempts.
    """
    if not tasks:
        return [operation(NODE_SETUP, node.closure.created_at, node.closure.updated_at)]
    spans = [operation(NODE_SETUP, node.closure.created_at, tasks[0].closure.created_at)]
    for number, task in enumerate(tasks):
        if number:
            spans.append(operation(NODE_RESET, tasks[number - 1].closure.updated_at, task.closure.created_at))
        if deep:
            spans.append(of_task(task))
    return spans


def teardown(name: str, last: Any, whole: Any) -> list[metrics_pb2.Span]:
    """What was left to do after the last part; nothing if the whole was not told to end later.

    Args:
        name: The operation.
        last: Closure of the last part.
        whole: Closure of what it is a part of.
    """
    if last is None or _at(whole.updated_at) < _at(last.updated_at):
        return []
    return [operation(name, last.updated_at, whole.updated_at)]


def transition(
    node: node_execution_pb2.NodeExecution, upstream: node_execution_pb2.NodeExecution | None
) -> list[metrics_pb2.Span]:
    """The time between the end of the last node that a node waited for, and its beginning; no time if that came first."""
    if upstream is None:
        return []
    begun = node.closure.created_at
    waited = min(upstream.closure.updated_at, begun, key=_at)
    return [operation(NODE_TRANSITION, waited, begun)]


def latest(nodes: Iterable[node_execution_pb2.NodeExecution]) -> node_execution_pb2.NodeExecution | None:
    """The node that changed last."""
    found = list(nodes)
    return max(found, key=lambda one: _at(one.closure.updated_at)) if found else None


def shown(spec_id: str) -> bool:
    """Whether a node has a span: start and end have none."""
    return spec_id not in SENTINELS


def _at(stamp: Any) -> int:
    return int(stamp.ToNanoseconds())


def _after(begin: Any, duration: Any) -> Any:
    end = type(begin)()
    end.FromNanoseconds(begin.ToNanoseconds() + duration.ToNanoseconds())
    return end
