"""Reads an execution that has ended from its control plane, with those that it started: three requests, and one or two per node."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from flyteidl.core import catalog_pb2
from flyteidl.core import execution_pb2 as core_execution_pb2

from flyte_bridge_translators.flyte1 import read
from flyte_bridge_translators.flyte1.names import SENTINELS
from flyte_bridge_translators.graph import closures, figure
from flyte_bridge_translators.wire import foreign
from flyte_bridge_translators.wire.past_execution import IMPORTED_FROM
from flyte_bridge_translators.wire.phase import ENDED

from ..errors import FailedPrecondition, NotFound, StatusError
from .record import ErrorRecord, ExecutionRecord, NodeRecord

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from flyteidl.admin import execution_pb2, node_execution_pb2

    from flyte_bridge_translators.flyte1.closure import Closure

    from .control_plane import ControlPlane, ExecutionId

AT_ONCE = 16
"""Requests that are under way at once."""

_PHASES = {"RECOVERED": "SUCCEEDED", "TIMED_OUT": "FAILED", "FAILING": "FAILED", "UNDEFINED": "QUEUED"}
"""Phases that both control planes do not tell in the same cases (docs/executions.md)."""

_WITH_TASK = frozenset({"task", "map", "dynamic"})


async def read_execution(plane: ControlPlane, identity: ExecutionId) -> ExecutionRecord:
    """An execution and its nodes.

    Args:
        plane: Whose it is.
        identity: The execution.

    Raises:
        FailedPrecondition: It has not ended.
        NotFound: There is none.
        StatusError: The control plane fails.
    """
    try:
        execution = await plane.execution(identity)
    except NotFound:
        place = f"{identity.project}/{identity.domain}/{identity.name}"
        raise NotFound(f"{plane.name} has no execution {place}") from None
    phase = execution.closure.phase
    if phase not in ENDED:
        name = core_execution_pb2.WorkflowExecution.Phase.Name(phase)
        raise FailedPrecondition(f"{identity.name} on {plane.name} is {name}: it can be compared when it has ended")
    return await _Reading(plane, execution).record()


class _Reading:
    """One execution, being read."""

    def __init__(
        self, plane: ControlPlane, execution: execution_pb2.Execution, slots: asyncio.Semaphore | None = None
    ) -> None:
        self._plane = plane
        self._execution = execution
        self._slots = slots or asyncio.Semaphore(AT_ONCE)

    async def record(self) -> ExecutionRecord:
        execution, closure = self._execution, self._execution.closure
        (inputs, outputs), nodes, compiled = await asyncio.gather(
            self._plane.execution_data(execution.id), self._below(""), self._compiled()
        )
        messages = {node.id.node_id: node for node in nodes}
        dynamic = await self._dynamic(messages.values())
        level = figure.Level() if compiled is None else figure.of(compiled, dynamic).level
        boxes = {box.id: box for box in level.walk()}
        records = await asyncio.gather(*(self._node(node, boxes.get(name)) for name, node in messages.items()))
        by_id = {record.id: record for record in records}
        children = await asyncio.gather(*(self._child(node) for node in nodes))
        states = {name: figure.BoxState(one.phase.lower(), one.seconds) for name, one in by_id.items()}
        seconds, chain = figure.critical_path(level, states)
        return ExecutionRecord(
            side=self._plane.name,
            name=execution.id.name,
            workflow=closure.workflow_id.name,
            version=closure.workflow_id.version,
            phase=core_execution_pb2.WorkflowExecution.Phase.Name(closure.phase),
            seconds=closure.duration.ToTimedelta().total_seconds(),
            error=_error(closure.error) if closure.WhichOneof("output_result") == "error" else None,
            inputs=inputs,
            outputs=outputs,
            nodes=by_id | {record.id: record for inside in children for record in inside},
            critical_path=(seconds, tuple(name for name in chain if name in by_id)),
            task=_task(closure.workflow_id.name, boxes),
            imported_from=execution.spec.annotations.values.get(IMPORTED_FROM, ""),
        )

    async def _compiled(self) -> Closure | None:
        """The workflow; None when it cannot be read: names and the critical path are worth no failure."""
        try:
            workflow = await self._plane.workflow(self._execution.closure.workflow_id)
            return closures.checked(read.closure(workflow.closure.compiled_workflow))
        except (StatusError, closures.BadClosure):
            return None

    async def _below(self, parent: str) -> list[node_execution_pb2.NodeExecution]:
        """Nodes with all that are inside them; start and end nodes are nothing that ran."""
        async with self._slots:
            listed = await self._plane.nodes(self._execution.id, parent)
        nodes = [node for node in listed if node.metadata.spec_node_id not in SENTINELS]
        inside = await asyncio.gather(*(self._below(node.id.node_id) for node in nodes if node.metadata.is_parent_node))
        return nodes + [node for group in inside for node in group]

    async def _child(self, node: node_execution_pb2.NodeExecution) -> list[NodeRecord]:
        """The nodes of the execution that a node has started: called after both, such as `n2/n0`."""
        if not node.closure.HasField("workflow_node_metadata"):
            return []
        try:
            child = await self._plane.execution(node.closure.workflow_node_metadata.executionId)
        except NotFound:  # it was removed, or never came to be: its node tells how that ended
            return []
        records = (await _Reading(self._plane, child, self._slots).record()).nodes.values()
        return [replace(record, id=f"{node.id.node_id}/{record.id}") for record in records]

    async def _dynamic(self, nodes: Iterable[node_execution_pb2.NodeExecution]) -> dict[str, tuple[Closure, int]]:
        """What dynamic nodes have become, and at which attempt."""
        wanted = [node for node in nodes if node.metadata.is_dynamic]

        async def one(node: node_execution_pb2.NodeExecution) -> tuple[Closure, int] | None:
            async with self._slots:
                data, attempts = await asyncio.gather(self._plane.node_data(node.id), self._plane.attempts(node.id))
            try:
                closure = closures.checked(read.closure(data.dynamic_workflow.compiled_workflow))
            except closures.BadClosure:
                return None
            return closure, max((attempt.id.retry_attempt for attempt in attempts), default=0)

        expanded = await asyncio.gather(*(one(node) for node in wanted))
        return {node.id.node_id: closure for node, closure in zip(wanted, expanded, strict=True) if closure is not None}

    async def _node(self, node: node_execution_pb2.NodeExecution, box: figure.Box | None) -> NodeRecord:
        kind = box.kind if box is not None else "task"
        ended_well = node.closure.phase == core_execution_pb2.NodeExecution.SUCCEEDED
        async with self._slots:
            outputs = (await self._plane.node_data(node.id)).full_outputs if ended_well else None
            attempts = await self._plane.attempts(node.id) if kind in _WITH_TASK else []
        closure = node.closure
        phase = core_execution_pb2.NodeExecution.Phase.Name(closure.phase)
        return NodeRecord(
            id=node.id.node_id,
            title=box.title if box is not None else node.metadata.spec_node_id,
            kind=kind,
            target=box.target if box is not None else "",
            phase=_PHASES.get(phase, phase),
            seconds=closure.duration.ToTimedelta().total_seconds() if closure.HasField("duration") else None,
            attempts=max((attempt.id.retry_attempt + 1 for attempt in attempts), default=0),
            cache_hit=closure.task_node_metadata.cache_status == catalog_pb2.CACHE_HIT,
            error=_error(closure.error) if closure.WhichOneof("output_result") == "error" else None,
            outputs=outputs,
        )


def _error(error: core_execution_pb2.ExecutionError) -> ErrorRecord:
    kind = core_execution_pb2.ExecutionError.ErrorKind.Name(error.kind)
    return ErrorRecord.of(error.code, kind, error.message)


def _task(workflow: str, boxes: Mapping[str, figure.Box]) -> str:
    """The task of a run that was born in Flyte 2."""
    root = boxes.get(foreign.NODE)
    return root.target if workflow.startswith(foreign.PREFIX) and root is not None else ""
