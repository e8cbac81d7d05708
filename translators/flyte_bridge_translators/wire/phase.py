"""Phases: what Flyte 2 says of an action, in the words Flyte 1 has for executions, nodes and task executions.

Flyte 2 has one vocabulary for all three. Where Flyte 1 tells more (UNDEFINED before the engine has looked at an
execution, ABORTING until everything below has ended), the caller says so; where Flyte 2 tells more, the nearest is taken:

| Flyte 2 | execution | node | task |
|---|---|---|---|
| QUEUED, WAITING_FOR_RESOURCES, INITIALIZING | QUEUED | QUEUED | as they are |
| PAUSED (a condition waits) | RUNNING | RUNNING, as a gate of Flyte 1 | RUNNING |
| RECOVERED | SUCCEEDED | SUCCEEDED: flytekit gives no outputs for RECOVERED nodes | SUCCEEDED |
| TIMED_OUT | FAILED | FAILED | ABORTED: flytepropeller ends what takes too long, and fails its node (`nodes/executor.go`) |
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from flyteidl.core import execution_pb2
from flyteidl2.common import phase_pb2

if TYPE_CHECKING:
    from flyteidl.core import catalog_pb2
    from flyteidl2.core import catalog_pb2 as v2_catalog_pb2

Workflow = execution_pb2.WorkflowExecution
Node = execution_pb2.NodeExecution
Task = execution_pb2.TaskExecution
_P = phase_pb2

_EXECUTION = {
    _P.ACTION_PHASE_UNSPECIFIED: Workflow.UNDEFINED,
    _P.ACTION_PHASE_QUEUED: Workflow.QUEUED,
    _P.ACTION_PHASE_WAITING_FOR_RESOURCES: Workflow.QUEUED,
    _P.ACTION_PHASE_INITIALIZING: Workflow.QUEUED,
    _P.ACTION_PHASE_RUNNING: Workflow.RUNNING,
    _P.ACTION_PHASE_SUCCEEDED: Workflow.SUCCEEDED,
    _P.ACTION_PHASE_FAILED: Workflow.FAILED,
    _P.ACTION_PHASE_ABORTED: Workflow.ABORTED,
    _P.ACTION_PHASE_TIMED_OUT: Workflow.FAILED,
    _P.ACTION_PHASE_PAUSED: Workflow.RUNNING,
    _P.ACTION_PHASE_RECOVERED: Workflow.SUCCEEDED,
}
_NODE = {
    _P.ACTION_PHASE_UNSPECIFIED: Node.UNDEFINED,
    _P.ACTION_PHASE_QUEUED: Node.QUEUED,
    _P.ACTION_PHASE_WAITING_FOR_RESOURCES: Node.QUEUED,
    _P.ACTION_PHASE_INITIALIZING: Node.QUEUED,
    _P.ACTION_PHASE_RUNNING: Node.RUNNING,
    _P.ACTION_PHASE_SUCCEEDED: Node.SUCCEEDED,
    _P.ACTION_PHASE_FAILED: Node.FAILED,
    _P.ACTION_PHASE_ABORTED: Node.ABORTED,
    _P.ACTION_PHASE_TIMED_OUT: Node.FAILED,
    _P.ACTION_PHASE_PAUSED: Node.RUNNING,
    _P.ACTION_PHASE_RECOVERED: Node.SUCCEEDED,
}
_TASK = {
    _P.ACTION_PHASE_UNSPECIFIED: Task.UNDEFINED,
    _P.ACTION_PHASE_QUEUED: Task.QUEUED,
    _P.ACTION_PHASE_WAITING_FOR_RESOURCES: Task.WAITING_FOR_RESOURCES,
    _P.ACTION_PHASE_INITIALIZING: Task.INITIALIZING,
    _P.ACTION_PHASE_RUNNING: Task.RUNNING,
    _P.ACTION_PHASE_SUCCEEDED: Task.SUCCEEDED,
    _P.ACTION_PHASE_FAILED: Task.FAILED,
    _P.ACTION_PHASE_ABORTED: Task.ABORTED,
    _P.ACTION_PHASE_TIMED_OUT: Task.ABORTED,
    _P.ACTION_PHASE_PAUSED: Task.RUNNING,
    _P.ACTION_PHASE_RECOVERED: Task.SUCCEEDED,
}

GOOD = frozenset({_P.ACTION_PHASE_SUCCEEDED, _P.ACTION_PHASE_RECOVERED})
"""Phases of Flyte 2 that leave outputs."""

TERMINAL = GOOD | {_P.ACTION_PHASE_FAILED, _P.ACTION_PHASE_ABORTED, _P.ACTION_PHASE_TIMED_OUT}
"""Phases of Flyte 2 that nothing follows."""

ENDED = frozenset({Workflow.SUCCEEDED, Workflow.FAILED, Workflow.ABORTED, Workflow.TIMED_OUT})
"""Phases of a v1 execution that nothing follows (`flyteadmin/pkg/common/executions.go`)."""

NODE_ENDED = frozenset({Node.SUCCEEDED, Node.FAILED, Node.ABORTED, Node.SKIPPED, Node.TIMED_OUT, Node.RECOVERED})
"""Phases of a v1 node that nothing follows."""


def execution(phase: _P.ActionPhase, *, untouched: bool = False, ending: bool = False) -> Workflow.Phase:
    """A run's phase as an execution's.

    Args:
        phase: Of the run's root action.
        untouched: No attempt has begun: an engine of Flyte 1 would not have reported the execution yet.
        ending: Something below an aborted run has not ended yet.
    """
    if untouched and phase == _P.ACTION_PHASE_QUEUED:
        return Workflow.UNDEFINED
    if ending and phase == _P.ACTION_PHASE_ABORTED:
        return Workflow.ABORTING
    return _EXECUTION[phase]


def node(phase: _P.ActionPhase) -> Node.Phase:
    """An action's phase as a node's."""
    return _NODE[phase]


def task(phase: _P.ActionPhase, *, retried: bool = False) -> Task.Phase:
    """An attempt's phase as a task execution's.

    Args:
        phase: Of the attempt.
        retried: Another attempt follows: Flyte 2 may not even have marked this one as failed.
    """
    found = _TASK[phase]
    return Task.FAILED if retried and found not in {Task.SUCCEEDED, Task.ABORTED} else found


def cache_status(status: v2_catalog_pb2.CatalogCacheStatus) -> catalog_pb2.CatalogCacheStatus:
    """What a cache did, in Flyte 1's words: the numbers are the same."""
    return cast("catalog_pb2.CatalogCacheStatus", int(status))


def runs_in(phase: Workflow.Phase) -> frozenset[_P.ActionPhase]:
    """The phases of Flyte 2 that a v1 execution in this phase may have; empty for SUCCEEDING, in which none is seen."""
    if phase == Workflow.UNDEFINED:
        return frozenset({_P.ACTION_PHASE_UNSPECIFIED, _P.ACTION_PHASE_QUEUED})
    if phase == Workflow.FAILING:  # its failure node runs
        return runs_in(Workflow.RUNNING)
    if phase == Workflow.ABORTING:
        return frozenset({_P.ACTION_PHASE_ABORTED})
    return frozenset(v2 for v2, v1 in _EXECUTION.items() if v1 == phase)
