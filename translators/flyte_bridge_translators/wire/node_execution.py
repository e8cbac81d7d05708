"""A node of the tree (`node_tree`) as flyteadmin's `NodeExecution`."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from flyteidl.admin import node_execution_pb2
from flyteidl.core import catalog_pb2, identifier_pb2
from flyteidl.core import execution_pb2 as core_execution_pb2
from flyteidl2.common import phase_pb2
from flyteidl2.core import catalog_pb2 as v2_catalog_pb2

from flyte_bridge_translators.flyte1.nodes import NodeKind
from flyte_bridge_translators.wire import phase
from flyte_bridge_translators.wire.node_view import View
from flyte_bridge_translators.wire.phase import Node as P

if TYPE_CHECKING:
    from flyteidl2.workflow import run_definition_pb2

TRIMMED = 100
"""Bytes of an error's message that lists show (`repositories/transformers/execution.go`)."""

WITH_ERROR = frozenset({P.FAILED, P.FAILING, P.TIMED_OUT, P.ABORTED})
"""Phases in which a node tells of an error."""


def url(execution: identifier_pb2.WorkflowExecutionIdentifier, node: str) -> str:
    """What the `flyte://` URLs of a node's data begin with, which `GetData` resolves (`pkg/common/flyte_url.go`)."""
    return f"flyte://v1/{execution.project}/{execution.domain}/{execution.name}/{node}"


class Uris(NamedTuple):
    """Where a node's inputs and outputs lie; empty where there are none, or nobody says."""

    inputs: str = ""
    outputs: str = ""


NOWHERE = Uris()


def aborted(*, by_failure: bool) -> core_execution_pb2.ExecutionError:
    """What a node tells that was ended (`nodes/executor.go`, `AbortHandler`; `workflow/executor.go`).

    Args:
        by_failure: Whether another node's failure ended it, not somebody the whole execution.
    """
    message = "Some node execution failed, auto-abort." if by_failure else "Workflow aborted."
    return core_execution_pb2.ExecutionError(code="NodeAborted", message=message)


def to_message(
    view: View,
    execution: identifier_pb2.WorkflowExecutionIdentifier,
    *,
    details: run_definition_pb2.ActionDetails | None = None,
    error: core_execution_pb2.ExecutionError | None = None,
    uris: Uris = NOWHERE,
    catalog: catalog_pb2.CatalogMetadata | None = None,
    trim: bool = False,
) -> node_execution_pb2.NodeExecution:
    """A node as Flyte 1 tells of it.

    Args:
        view: The node, as it stands.
        execution: Whose it is.
        details: Of its action, or of the root of the run that it started: exact times, outputs, deck. None if it has
            none, or for the rough view that sorting needs.
        error: What it failed with, or was aborted for.
        uris: Where its inputs and outputs lie.
        catalog: Under what datacatalog would have its outputs, if it is a cached task.
        trim: Cut the error's message as lists do.
    """
    message = node_execution_pb2.NodeExecution(
        id=identifier_pb2.NodeExecutionIdentifier(node_id=view.uid, execution_id=execution),
        input_uri=uris.inputs,
        metadata=node_execution_pb2.NodeExecutionMetaData(
            spec_node_id=view.spec_id,
            is_parent_node=view.is_parent,
            is_dynamic=view.dynamic,
            is_array=view.kind is NodeKind.ARRAY,
            retry_group=retry_group(view),
        ),
    )
    closure = message.closure
    closure.phase = view.phase
    created, started, ended = times(view, details)
    if view.action is not None and _taken_over(view.action.status) and not view.dynamic:
        started = 0  # flytepropeller never starts what the cache has, or another execution
    closure.created_at.FromNanoseconds(created)
    if started:
        closure.started_at.FromNanoseconds(started)
    if started and ended:
        closure.duration.FromNanoseconds(max(0, ended - started))
    closure.updated_at.FromNanoseconds(ended or started or created)
    if view.phase in WITH_ERROR and error is not None:
        closure.error.CopyFrom(error)
        if trim:
            closure.error.message = trimmed(closure.error.message)
    _results(closure, view, details, uris)
    started = view.child is not None or (view.action is not None and view.action.status.phase in phase.GOOD)
    if view.kind is NodeKind.LAUNCH_PLAN and started:  # one that failed may have been refused its execution
        closure.workflow_node_metadata.executionId.CopyFrom(child_of(view, execution))
    elif view.kind is NodeKind.TASK and view.action is not None and (_came_to_its_end(view) or view.dynamic):
        closure.task_node_metadata.cache_status = phase.cache_status(view.action.status.cache_status)
        if catalog is not None:
            closure.task_node_metadata.catalog_key.CopyFrom(catalog)
    return message


def _taken_over(status: run_definition_pb2.ActionStatus) -> bool:
    return status.phase == phase_pb2.ACTION_PHASE_RECOVERED or status.cache_status == v2_catalog_pb2.CACHE_HIT


def _came_to_its_end(view: View) -> bool:
    """Whether a task has ended by itself, neither aborted nor for the time it took: then its node tells of the cache."""
    timed_out = view.action is not None and view.action.status.phase == phase_pb2.ACTION_PHASE_TIMED_OUT
    return view.phase in {P.SUCCEEDED, P.RECOVERED, P.FAILED} and not timed_out


def _results(
    closure: node_execution_pb2.NodeExecutionClosure,
    view: View,
    details: run_definition_pb2.ActionDetails | None,
    uris: Uris,
) -> None:
    if view.phase in {P.SUCCEEDED, P.RECOVERED} and uris.outputs:
        composed = uris.outputs.startswith("flyte://") or uris.outputs.endswith(".pb")
        closure.output_uri = uris.outputs if composed else f"{uris.outputs}/outputs.pb"
    if details is None or not details.attempts:
        return
    outputs = details.attempts[-1].outputs
    if outputs.report_uri and view.kind is NodeKind.TASK:
        closure.deck_uri = outputs.report_uri


def child_of(
    view: View, execution: identifier_pb2.WorkflowExecutionIdentifier
) -> identifier_pb2.WorkflowExecutionIdentifier:
    """The execution that a launch plan node started."""
    return identifier_pb2.WorkflowExecutionIdentifier(
        project=execution.project, domain=execution.domain, name=view.child_name
    )


def retry_group(view: View) -> str:
    """Which attempt of its parent a node belongs to; empty at the top."""
    if view.parent is None:
        return ""
    return str(view.scope.attempt) if view.parent is view.scope.owner else "0"


def times(view: View, details: run_definition_pb2.ActionDetails | None) -> tuple[int, int, int]:
    """When a node was created, first ran, and ended: nanoseconds since the epoch, 0 for not yet."""
    created, started, ended = view.created, view.started, view.ended
    steps = [step for attempt in details.attempts for step in attempt.phase_transitions] if details is not None else []
    if steps:
        created = min(created or steps[0].start_time.ToNanoseconds(), steps[0].start_time.ToNanoseconds())
        running = [step for step in steps if step.phase == phase_pb2.ACTION_PHASE_RUNNING]
        started = running[0].start_time.ToNanoseconds() if running else started
    if view.phase not in phase.NODE_ENDED:
        ended = 0
    return created, started, max(ended, started) if ended else 0


def trimmed(message: str) -> str:
    """The first bytes of a text, without half a character."""
    data = message.encode()
    return message if len(data) <= TRIMMED else data[:TRIMMED].decode(errors="ignore")
