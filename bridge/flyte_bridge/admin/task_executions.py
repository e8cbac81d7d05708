"""AdminService's task executions: the attempts of a node's action."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from flyteidl.admin import task_execution_pb2

from flyte_bridge.admin import columns, validation
from flyte_bridge.admin.blobs import blob
from flyte_bridge.admin.nodes import NodeCalls
from flyte_bridge.admin.snapshots import NoSuchExecution, NoSuchNode
from flyte_bridge.admin.values import ValueReader
from flyte_bridge.errors import InvalidRequest, NotFound
from flyte_bridge.registry.deployed import together
from flyte_bridge_translators.wire import filter as filters
from flyte_bridge_translators.wire import node_execution, task_execution
from flyte_bridge_translators.wire.node_tree import NodeKind, View
from flyte_bridge_translators.wire.phase import GOOD, Task

if TYPE_CHECKING:
    from flyteidl.core import identifier_pb2
    from flyteidl2.workflow import run_definition_pb2

    from flyte_bridge.admin.context import CallContext
    from flyte_bridge.admin.snapshots import Snapshot

ELEMENTS = 1000
"""Elements of an array whose logs are looked up for one answer; of more, only phases are told."""


class TaskCalls(NodeCalls):
    """Task executions."""

    async def list_task_executions(
        self, request: task_execution_pb2.TaskExecutionListRequest, context: CallContext
    ) -> task_execution_pb2.TaskExecutionList:
        """What ran for a node, an attempt each."""
        asked = validation.node_execution(request, "node_execution_id")
        conditions, order, start = validation.query(request, filters.TASK_EXECUTION, "ListTaskExecutions")
        try:
            snapshot = await self.reader.snapshot(asked.execution_id, context)
            rows = await self._attempts(snapshot, snapshot.node(asked.node_id), context)
        except (NoSuchExecution, NoSuchNode):
            rows = []
        try:
            rows = columns.matching(
                rows, conditions, {filters.TASK_EXECUTION: columns.TASK, filters.TASK: columns.TASK}
            )
            rows = filters.sort(rows, order, columns.column(columns.TASK))
        except filters.BadFilter as error:
            raise InvalidRequest(str(error)) from None
        chosen = rows[start : start + request.limit]
        token = filters.next_token(start, len(chosen), request.limit)
        return task_execution_pb2.TaskExecutionList(task_executions=chosen, token=token)

    async def get_task_execution(
        self, request: task_execution_pb2.TaskExecutionGetRequest, context: CallContext
    ) -> task_execution_pb2.TaskExecution:
        """One attempt."""
        _, _, found = await self._attempt(validation.task_execution(request, "id"), context)
        return found

    async def get_task_execution_data(
        self, request: task_execution_pb2.TaskExecutionGetDataRequest, context: CallContext
    ) -> task_execution_pb2.TaskExecutionGetDataResponse:
        """What an attempt got, and what it gave if it succeeded."""
        validation.task_execution(request, "id")
        return await self.attempt_data(request, context)

    async def attempt_data(
        self, request: task_execution_pb2.TaskExecutionGetDataRequest, context: CallContext
    ) -> task_execution_pb2.TaskExecutionGetDataResponse:
        """The same, of whichever task it is if none is named."""
        snapshot, view, found = await self._attempt(request.id, context)
        values = await ValueReader(self.reader, snapshot, context).of(view)
        response = task_execution_pb2.TaskExecutionGetDataResponse()
        await blob(response, "inputs", values.inputs, values.inputs_uri, self.reader, context)
        if found.closure.phase == Task.SUCCEEDED:
            await blob(response, "outputs", values.outputs, values.outputs_uri, self.reader, context)
        else:
            response.outputs.SetInParent()
            response.full_outputs.SetInParent()
        node = request.id.node_execution_id
        base = f"{node_execution.url(node.execution_id, node.node_id)}/{request.id.retry_attempt}"
        response.flyte_urls.inputs, response.flyte_urls.outputs = f"{base}/i", f"{base}/o"
        return response

    # -- inside -------------------------------------------------------------------------------------------------------

    async def _attempt(
        self, asked: identifier_pb2.TaskExecutionIdentifier, context: CallContext
    ) -> tuple[Snapshot, View, task_execution_pb2.TaskExecution]:
        try:
            snapshot, view = await self._node(asked.node_execution_id, context)
            rows = await self._attempts(snapshot, view, context)
        except NotFound:
            raise _missing(asked) from None
        for row in rows:
            if row.id.retry_attempt == asked.retry_attempt and _same_task(row.id.task_id, asked.task_id):
                return snapshot, view, row
        raise _missing(asked)

    async def _attempts(
        self, snapshot: Snapshot, view: View, context: CallContext
    ) -> list[task_execution_pb2.TaskExecution]:
        details = await self._details(snapshot, view, context)
        elements: dict[int, run_definition_pb2.ActionDetails] = {}
        if view.kind is NodeKind.ARRAY and len(view.elements) <= ELEMENTS:
            wanted = [(index, action) for index, action in view.elements if action.status.phase in GOOD | _ILL]
            found = await together(partial(self.reader.details, action.id, context) for _, action in wanted)
            elements = {index: one for (index, _), one in zip(wanted, found, strict=True)}
        uris = await self._uris(snapshot, view, context)
        return task_execution.of_node(view, snapshot.execution_id, details, elements, uris)


def _missing(asked: identifier_pb2.TaskExecutionIdentifier) -> NotFound:
    """The refusal of an attempt that is not there, in flyteadmin's words: without the task's kind and the attempt's number."""
    told = type(asked)()
    told.CopyFrom(asked)
    told.task_id.ClearField("resource_type")
    told.ClearField("retry_attempt")
    return NotFound(f"missing entity of type task execution with identifier {validation.text(told)}")


_ILL = frozenset({6, 7, 8})
"""FAILED, ABORTED and TIMED_OUT of Flyte 2's `ActionPhase`."""


def _same_task(found: identifier_pb2.Identifier, asked: identifier_pb2.Identifier) -> bool:
    """Whether a task is the one that was asked for; `GetData` asks for whichever it is."""
    if not asked.name:
        return True
    return (found.project, found.domain, found.name, found.version) == (
        asked.project,
        asked.domain,
        asked.name,
        asked.version,
    )
