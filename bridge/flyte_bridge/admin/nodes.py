"""AdminService's node executions: read from the run's actions and the compiled workflow."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING

from flyteidl.admin import node_execution_pb2
from flyteidl.core import identifier_pb2
from flyteidl2.common import phase_pb2

from flyte_bridge.admin import columns, validation
from flyte_bridge.admin.blobs import blob
from flyte_bridge.admin.snapshots import NoSuchExecution, NoSuchNode
from flyte_bridge.admin.values import ValueReader
from flyte_bridge.errors import InvalidRequest, NotFound
from flyte_bridge.registry.deployed import together
from flyte_bridge_translators.flyte1.nodes import Awaited, GateNode, TaskNode
from flyte_bridge_translators.wire import catalog_key, execution, exhausted, identifier, node_execution, phase
from flyte_bridge_translators.wire import filter as filters
from flyte_bridge_translators.wire.node_tree import NodeKind, View
from flyte_bridge_translators.wire.phase import Node as P

if TYPE_CHECKING:
    from flyteidl.admin import execution_pb2, task_execution_pb2
    from flyteidl.core import catalog_pb2
    from flyteidl.core import execution_pb2 as core_execution_pb2
    from flyteidl2.workflow import run_definition_pb2

    from flyte_bridge.admin.context import CallContext
    from flyte_bridge.admin.reading import ExecutionReader
    from flyte_bridge.admin.snapshots import ExecutionPlan, Snapshot

_FAILED = {P.FAILED, P.FAILING, P.TIMED_OUT}
_GOOD = {P.SUCCEEDED, P.RECOVERED}


class NodeCalls:
    """Node executions."""

    reader: ExecutionReader

    async def get_node_execution(
        self, request: node_execution_pb2.NodeExecutionGetRequest, context: CallContext
    ) -> node_execution_pb2.NodeExecution:
        """One node, its error whole."""
        asked = validation.node_execution(request, "id")
        snapshot, view = await self._node(asked, context)
        return await self._message(snapshot, view, context, trim=False)

    async def list_node_executions(
        self, request: node_execution_pb2.NodeExecutionListRequest, context: CallContext
    ) -> node_execution_pb2.NodeExecutionList:
        """The nodes at the top of an execution, or below one of its nodes."""
        if not _complete(request.workflow_execution_id):
            raise validation.missing("execution_id")
        asked = validation.query(request, filters.NODE_EXECUTION, "ListNodeExecutions")
        parent_id = identifier_pb2.NodeExecutionIdentifier(
            node_id=request.unique_parent_id, execution_id=request.workflow_execution_id
        )
        try:
            snapshot = await self.reader.snapshot(request.workflow_execution_id, context, fresh=True)
            parent = snapshot.node(request.unique_parent_id) if request.unique_parent_id else None
        except NoSuchExecution:
            if request.unique_parent_id:
                raise missing_node(parent_id) from None
            return node_execution_pb2.NodeExecutionList()
        except NoSuchNode:
            raise missing_node(parent_id) from None
        views = snapshot.tree.listed() if parent is None else list(parent.children())
        page, token = await self._page(snapshot, views, asked, request.limit, context)
        return node_execution_pb2.NodeExecutionList(node_executions=page, token=token)

    async def list_node_executions_for_task(
        self, request: node_execution_pb2.NodeExecutionForTaskListRequest, context: CallContext
    ) -> node_execution_pb2.NodeExecutionList:
        """None: since flytepropeller 0.16 a dynamic task's nodes are listed under its node, not under its attempt."""
        task = validation.task_execution(request, "task_execution_id")
        validation.query(request, filters.NODE_EXECUTION, "ListNodeExecutions")
        await self._attempt(task, context)
        return node_execution_pb2.NodeExecutionList()

    async def _attempt(
        self, asked: identifier_pb2.TaskExecutionIdentifier, context: CallContext
    ) -> tuple[Snapshot, View, task_execution_pb2.TaskExecution]:
        raise NotImplementedError

    async def get_node_execution_data(
        self, request: node_execution_pb2.NodeExecutionGetDataRequest, context: CallContext
    ) -> node_execution_pb2.NodeExecutionGetDataResponse:
        """A node's inputs and outputs, and the workflow that a dynamic one runs."""
        asked = validation.node_execution(request, "id")
        snapshot, view = await self._node(asked, context)
        values = await ValueReader(self.reader, snapshot, context).of(view)
        response = node_execution_pb2.NodeExecutionGetDataResponse()
        await blob(response, "inputs", values.inputs, values.inputs_uri, self.reader, context)
        await blob(response, "outputs", values.outputs, values.outputs_uri, self.reader, context)
        base = node_execution.url(request.id.execution_id, request.id.node_id)
        response.flyte_urls.inputs, response.flyte_urls.outputs = f"{base}/i", f"{base}/o"
        if view.kind is NodeKind.TASK and await self._has_deck(snapshot, view, context):
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
        _, view = await self._node(validation.node_execution(request, "id"), context)
        if not view.dynamic or view.inner is None:
            raise NotFound("node does not contain dynamic workflow")
        return node_execution_pb2.DynamicNodeWorkflowResponse(compiled_workflow=view.inner.closure.message)

    async def tell_failing(self, answer: execution_pb2.Execution, plan: ExecutionPlan, context: CallContext) -> None:
        """Says that an execution is FAILING, and of what, while its failure node runs (`workflow/executor.go`)."""
        failure = plan.closure.primary.failure
        if failure is None or answer.closure.phase != phase.Workflow.RUNNING:
            return
        snapshot = await self.reader.snapshot(answer.id, context)
        views = snapshot.tree.top.views
        failed = [view for view in views.values() if view.phase == P.FAILED]
        if not views[failure.id].listed or not failed:
            return
        first = min(failed, key=lambda view: view.ended)
        error = await self.error_of(snapshot, first, await self._details(snapshot, first, context), context)
        answer.closure.phase = phase.Workflow.FAILING
        if error is not None:
            answer.closure.error.CopyFrom(error)

    # -- inside -------------------------------------------------------------------------------------------------------

    async def _node(self, asked: identifier_pb2.NodeExecutionIdentifier, context: CallContext) -> tuple[Snapshot, View]:
        try:
            snapshot = await self.reader.snapshot(asked.execution_id, context)
            return snapshot, snapshot.node(asked.node_id)
        except (NoSuchExecution, NoSuchNode):
            raise missing_node(asked) from None

    async def _page(
        self,
        snapshot: Snapshot,
        views: list[View],
        asked: validation.RowQuery,
        limit: int,
        context: CallContext,
    ) -> tuple[list[node_execution_pb2.NodeExecution], str]:
        """The wanted rows, in full; for filters and order what the list of actions tells is enough, but for errors."""
        conditions, order, start = asked
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
        details, uris = await asyncio.gather(
            self._details(snapshot, view, context), self._uris(snapshot, view, context)
        )
        error = None
        if view.phase == P.ABORTED:
            error = node_execution.aborted(by_failure=snapshot.failed)
        elif view.phase in _FAILED:
            error = await self.error_of(snapshot, view, details, context)
        catalog = await self._catalog(snapshot, view, details, context)
        message = node_execution.to_message(
            view, snapshot.execution_id, details=details, error=error, uris=uris, catalog=catalog, trim=trim
        )
        if view.kind is NodeKind.LAUNCH_PLAN and view.child is None and message.closure.phase in _GOOD:
            await self._tell_recovered_child(message, snapshot.view.settings.recover_from, context)
        return message

    async def _tell_recovered_child(
        self,
        message: node_execution_pb2.NodeExecution,
        source: identifier_pb2.WorkflowExecutionIdentifier | None,
        context: CallContext,
    ) -> None:
        """Says which child execution gave what a node took over: that of the execution which was recovered."""
        if source is None:
            return
        node = identifier_pb2.NodeExecutionIdentifier(node_id=message.id.node_id, execution_id=source)
        message.closure.ClearField("workflow_node_metadata")
        try:
            earlier = await self.get_node_execution(node_execution_pb2.NodeExecutionGetRequest(id=node), context)
        except NotFound:  # forgotten meanwhile
            return
        if earlier.closure.HasField("workflow_node_metadata"):
            message.closure.workflow_node_metadata.CopyFrom(earlier.closure.workflow_node_metadata)

    async def _uris(self, snapshot: Snapshot, view: View, context: CallContext) -> node_execution.Uris:
        """Where a node's inputs and outputs lie: objects of their own, else what `GetData` composes."""
        objects = await self._objects(snapshot, view, context)
        url = node_execution.url(snapshot.execution_id, view.uid)
        inputs = "" if view.kind is NodeKind.START else objects.inputs or f"{url}/i"
        outputs = "" if view.kind is NodeKind.END or _sleeps(view) else objects.outputs or f"{url}/o"
        return node_execution.Uris(inputs, outputs)

    async def _objects(self, snapshot: Snapshot, view: View, context: CallContext) -> node_execution.Uris:
        action = snapshot.action_of(view)
        if view.kind is NodeKind.START and view.parent is None:
            inputs = (await self.reader.uris(snapshot.view.root.id, context, ended=snapshot.view.ended)).inputs
            return node_execution.Uris(outputs=inputs)
        if action is None or view.kind not in _WITH_OBJECTS:
            return node_execution.NOWHERE
        uris = await self.reader.uris(action, context, ended=view.phase in phase.NODE_ENDED)
        return uris._replace(outputs="") if view.dynamic and not snapshot.plan.foreign else uris

    async def _catalog(
        self,
        snapshot: Snapshot,
        view: View,
        details: run_definition_pb2.ActionDetails | None,
        context: CallContext,
    ) -> catalog_pb2.CatalogMetadata | None:
        """Under what datacatalog would have the outputs of a cached task that has ended, and whose they were on a hit."""
        task = view.scope.closure.task_of(view.node) if isinstance(view.node, TaskNode) else None
        if task is None or not task.metadata.discoverable or details is None or view.phase not in phase.NODE_ENDED:
            return None
        values = await ValueReader(self.reader, snapshot, context).of(view)
        told = catalog_key.of_task(task, values.inputs)
        hit = details.attempts[-1].cache_metadata.source_action_attempt if details.attempts else None
        if hit is not None and hit.action_id.name:
            source, run = told.source_task_execution, hit.action_id.run
            source.task_id.CopyFrom(task.id)
            source.retry_attempt = max(0, hit.attempt - 1)
            node = source.node_execution_id
            alone = snapshot.plan.single if hit.action_id.name == identifier.ROOT else ""
            node.node_id = alone or hit.action_id.name
            node.execution_id.project, node.execution_id.domain, node.execution_id.name = (
                run.project,
                run.domain,
                run.name,
            )
        return told

    async def _details(
        self, snapshot: Snapshot, view: View, context: CallContext
    ) -> run_definition_pb2.ActionDetails | None:
        action = snapshot.action_of(view)
        return await self.reader.details(action, context) if action is not None else None

    async def error_of(
        self,
        snapshot: Snapshot,
        view: View,
        details: run_definition_pb2.ActionDetails | None,
        context: CallContext,
    ) -> core_execution_pb2.ExecutionError | None:
        """What a node failed with: its action's error, or that of the first below it that failed."""
        if details is not None and (details.HasField("error_info") or details.status.phase == _TIMED_OUT):
            seconds = view.node.overrides.seconds if view.node is not None else 0.0
            info = exhausted.of_action(details, seconds)
            return execution.error(info, details.status.end_time if exhausted.dated(info) else None)
        below = sorted(
            (one for one in view.children() if one.phase in _FAILED), key=lambda one: one.ended or one.created
        )
        for one in below:
            error = await self.error_of(snapshot, one, await self._details(snapshot, one, context), context)
            if error is not None:
                return error
        for _, action in view.elements:
            if action.status.phase in _ACTION_FAILED:
                element = await self.reader.details(action.id, context)
                if element.HasField("error_info"):
                    return execution.error(exhausted.of_action(element))
        root = snapshot.view.root
        return execution.error(exhausted.of_action(root)) if root.HasField("error_info") else None

    async def _has_deck(self, snapshot: Snapshot, view: View, context: CallContext) -> bool:
        details = await self._details(snapshot, view, context)
        return details is not None and bool(details.attempts) and bool(details.attempts[-1].outputs.report_uri)


_TIMED_OUT = phase_pb2.ACTION_PHASE_TIMED_OUT
_ACTION_FAILED = {phase_pb2.ACTION_PHASE_FAILED, _TIMED_OUT}


def _sleeps(view: View) -> bool:
    return isinstance(view.node, GateNode) and view.node.awaited is Awaited.TIME


_WITH_OBJECTS = {NodeKind.TASK, NodeKind.ARRAY, NodeKind.LAUNCH_PLAN}
"""Kinds of nodes whose inputs or outputs are objects; those of the others follow from the compiled workflow's bindings."""

_OF_EXECUTION = {
    "execution_project": columns.NODE["execution_project"],
    "execution_domain": columns.NODE["execution_domain"],
    "execution_name": columns.NODE["execution_name"],
}
"""What a filter on the execution of a node can ask for."""


def _complete(execution: identifier_pb2.WorkflowExecutionIdentifier) -> bool:
    return bool(execution.project and execution.domain and execution.name)


def missing_node(asked: identifier_pb2.NodeExecutionIdentifier) -> NotFound:
    """The refusal of a node that is not there, in flyteadmin's words, whether its execution is or not."""
    return NotFound(f"missing entity of type node execution with identifier {validation.text(asked)}")
