"""AdminService's node executions: read from the run's actions and the compiled workflow."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from flyteidl.admin import node_execution_pb2
from flyteidl.core import identifier_pb2

from flyte_bridge.admin import columns, validation
from flyte_bridge.admin.blobs import blob
from flyte_bridge.admin.values import ValueReader
from flyte_bridge.errors import InvalidRequest, NotFound
from flyte_bridge.registry.deployed import together
from flyte_bridge_translators.wire import filter as filters
from flyte_bridge_translators.wire import node_execution
from flyte_bridge_translators.wire.node_tree import Kind, View
from flyte_bridge_translators.wire.phase import Node as P

if TYPE_CHECKING:
    from flyteidl2.workflow import run_definition_pb2

    from flyte_bridge.admin.context import CallContext
    from flyte_bridge.admin.reading import Reader
    from flyte_bridge.admin.snapshots import Snapshot

_FAILED = {P.FAILED, P.FAILING, P.TIMED_OUT}


class NodeCalls:
    """Node executions."""

    reader: Reader

    async def get_node_execution(
        self, request: node_execution_pb2.NodeExecutionGetRequest, context: CallContext
    ) -> node_execution_pb2.NodeExecution:
        """One node, its error whole."""
        snapshot, view = await self._node(request.id, context)
        return await self._message(snapshot, view, context, trim=False)

    async def list_node_executions(
        self, request: node_execution_pb2.NodeExecutionListRequest, context: CallContext
    ) -> node_execution_pb2.NodeExecutionList:
        """The nodes at the top of an execution, or below one of its nodes."""
        if not _complete(request.workflow_execution_id):
            raise validation.missing("execution_id")
        start = validation.page(request, "ListNodeExecutions")
        conditions = validation.conditions(request.filters, filters.NODE_EXECUTION)
        order = validation.order(request, filters.NODE_EXECUTION)
        snapshot = await self.reader.snapshot(request.workflow_execution_id, context, fresh=True)
        parent = snapshot.node(request.unique_parent_id) if request.unique_parent_id else None
        views = snapshot.tree.listed() if parent is None else list(parent.children())
        page, token = await self._page(snapshot, views, conditions, order, (start, request.limit), context)
        return node_execution_pb2.NodeExecutionList(node_executions=page, token=token)

    async def list_node_executions_for_task(
        self, request: node_execution_pb2.NodeExecutionForTaskListRequest, context: CallContext
    ) -> node_execution_pb2.NodeExecutionList:
        """The nodes that a dynamic task's attempt has brought about; none for any other task."""
        task = request.task_execution_id
        if not task.node_execution_id.node_id or not _complete(task.node_execution_id.execution_id):
            raise validation.missing("node_execution_id")
        start = validation.page(request, "ListNodeExecutions")
        conditions = validation.conditions(request.filters, filters.NODE_EXECUTION)
        order = validation.order(request, filters.NODE_EXECUTION)
        snapshot, view = await self._node(task.node_execution_id, context)
        views = list(view.children()) if view.dynamic and _attempt(view) == task.retry_attempt else []
        page, token = await self._page(snapshot, views, conditions, order, (start, request.limit), context)
        return node_execution_pb2.NodeExecutionList(node_executions=page, token=token)

    async def get_node_execution_data(
        self, request: node_execution_pb2.NodeExecutionGetDataRequest, context: CallContext
    ) -> node_execution_pb2.NodeExecutionGetDataResponse:
        """A node's inputs and outputs, and the workflow that a dynamic one runs."""
        snapshot, view = await self._node(request.id, context)
        values = await ValueReader(self.reader, snapshot, context).of(view)
        response = node_execution_pb2.NodeExecutionGetDataResponse()
        await blob(response, "inputs", values.inputs, values.inputs_uri, self.reader, context)
        await blob(response, "outputs", values.outputs, values.outputs_uri, self.reader, context)
        base = "/".join(("flyte://v1", *_scope(request.id.execution_id), request.id.node_id))
        response.flyte_urls.inputs, response.flyte_urls.outputs = f"{base}/i", f"{base}/o"
        if view.kind is Kind.TASK and await self._has_deck(snapshot, view, context):
            response.flyte_urls.deck = f"{base}/d"
        if view.dynamic and view.inner is not None:
            dynamic = response.dynamic_workflow
            dynamic.compiled_workflow.CopyFrom(view.inner.closure.message)
            dynamic.id.CopyFrom(view.inner.workflow.key.identifier(identifier_pb2.WORKFLOW))
        return response

    async def get_dynamic_node_workflow(
        self, request: node_execution_pb2.GetDynamicNodeWorkflowRequest, context: CallContext
    ) -> node_execution_pb2.DynamicNodeWorkflowResponse:
        """The workflow that a dynamic node runs."""
        _, view = await self._node(request.id, context)
        if not view.dynamic or view.inner is None:
            raise NotFound("node does not contain dynamic workflow")
        return node_execution_pb2.DynamicNodeWorkflowResponse(compiled_workflow=view.inner.closure.message)

    # -- inside -------------------------------------------------------------------------------------------------------

    async def _node(self, asked: identifier_pb2.NodeExecutionIdentifier, context: CallContext) -> tuple[Snapshot, View]:
        if not asked.HasField("execution_id"):
            raise validation.missing("execution_id")
        validation.given(asked.node_id, "node_id")
        validation.parts(asked.execution_id, ("project", "domain", "name"))
        snapshot = await self.reader.snapshot(asked.execution_id, context)
        return snapshot, snapshot.node(asked.node_id)

    async def _page(
        self,
        snapshot: Snapshot,
        views: list[View],
        conditions: tuple[filters.Filter, ...],
        order: filters.Order | None,
        page: tuple[int, int],
        context: CallContext,
    ) -> tuple[list[node_execution_pb2.NodeExecution], str]:
        """The wanted rows, in full; for filters and order what the list of actions tells is enough, but for errors."""
        start, limit = page
        by_id = {view.uid: view for view in views}
        if any(one.field.startswith("error_") for one in conditions) or (order and order.field.startswith("error_")):
            makers = [partial(self._message, snapshot, view, context, trim=True) for view in views]
            rows = await together(makers)
        else:
            rows = [node_execution.to_message(view, snapshot.execution_id) for view in views]
        execution = {filters.NODE_EXECUTION: columns.NODE, filters.EXECUTION: _OF_EXECUTION}
        try:
            rows = columns.matching(rows, conditions, execution)
            rows = filters.sort(rows, order, columns.column(columns.NODE))
        except filters.BadFilter as error:
            raise InvalidRequest(str(error)) from None
        chosen = rows[start : start + limit]
        full = await together(
            partial(self._message, snapshot, by_id[row.id.node_id], context, trim=True) for row in chosen
        )
        return full, filters.next_token(start, len(full), limit)

    async def _message(
        self, snapshot: Snapshot, view: View, context: CallContext, *, trim: bool
    ) -> node_execution_pb2.NodeExecution:
        details = await self._details(snapshot, view, context)
        error = await self._error(snapshot, view, details, context) if view.phase in _FAILED else None
        return node_execution.to_message(view, snapshot.execution_id, details=details, error=error, trim=trim)

    async def _details(
        self, snapshot: Snapshot, view: View, context: CallContext
    ) -> run_definition_pb2.ActionDetails | None:
        action = snapshot.action_of(view)
        return await self.reader.details(action, context) if action is not None else None

    async def _error(
        self,
        snapshot: Snapshot,
        view: View,
        details: run_definition_pb2.ActionDetails | None,
        context: CallContext,
    ) -> run_definition_pb2.ErrorInfo | None:
        """What a node failed with: its action's error, or that of the first below it that failed."""
        if details is not None and details.HasField("error_info"):
            return details.error_info
        below = sorted(
            (one for one in view.children() if one.phase in _FAILED), key=lambda one: one.ended or one.created
        )
        for one in below:
            found = await self._error(snapshot, one, await self._details(snapshot, one, context), context)
            if found is not None:
                return found
        for _, action in view.elements:
            if action.status.phase in _ACTION_FAILED:
                element = await self.reader.details(action.id, context)
                if element.HasField("error_info"):
                    return element.error_info
        root = snapshot.view.root
        return root.error_info if root.HasField("error_info") else None

    async def _has_deck(self, snapshot: Snapshot, view: View, context: CallContext) -> bool:
        details = await self._details(snapshot, view, context)
        return details is not None and bool(details.attempts) and bool(details.attempts[-1].outputs.report_uri)


_ACTION_FAILED = {6, 8}
"""FAILED and TIMED_OUT of Flyte 2's `ActionPhase`."""

_OF_EXECUTION = {
    "execution_project": columns.NODE["execution_project"],
    "execution_domain": columns.NODE["execution_domain"],
    "execution_name": columns.NODE["execution_name"],
}
"""What a filter on the execution of a node can ask for."""


def _complete(execution: identifier_pb2.WorkflowExecutionIdentifier) -> bool:
    return bool(execution.project and execution.domain and execution.name)


def _scope(execution: identifier_pb2.WorkflowExecutionIdentifier) -> tuple[str, str, str]:
    return execution.project, execution.domain, execution.name


def _attempt(view: View) -> int:
    return view.inner.attempt if view.inner is not None else 0
