"""AdminService's execution metrics: the spans of an execution, its nodes, their attempts, and child executions."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from flyteidl.admin import execution_pb2

from flyte_bridge.admin import validation
from flyte_bridge.admin.execution_messages import to_message
from flyte_bridge.admin.nodes import NodeCalls
from flyte_bridge.registry.deployed import together
from flyte_bridge_translators.flyte1.names import END, START
from flyte_bridge_translators.wire import metrics, node_execution, task_execution
from flyte_bridge_translators.wire.metrics import (
    NODE_RESET,
    NODE_SETUP,
    NODE_TEARDOWN,
    WORKFLOW_SETUP,
    WORKFLOW_TEARDOWN,
)
from flyte_bridge_translators.wire.node_tree import NestedWorkflow, NodeKind, View

if TYPE_CHECKING:
    from flyteidl.admin import node_execution_pb2
    from flyteidl.core import identifier_pb2, metrics_pb2

    from flyte_bridge.admin.context import CallContext
    from flyte_bridge.admin.snapshots import Snapshot

    Spans = list[metrics_pb2.Span]


class MetricCalls(NodeCalls):
    """Metrics."""

    async def get_execution_metrics(
        self, request: execution_pb2.WorkflowExecutionGetMetricsRequest, context: CallContext
    ) -> execution_pb2.WorkflowExecutionGetMetricsResponse:
        """Where an execution's time went, to the depth that is asked for; a negative one means all of it."""
        if not request.HasField("id"):
            raise validation.missing("id")
        validation.parts(request.id, ("project", "domain", "name"))
        span = await self._execution_span(request.id, request.depth, context)
        return execution_pb2.WorkflowExecutionGetMetricsResponse(span=span)

    async def _execution_span(
        self, v1_id: identifier_pb2.WorkflowExecutionIdentifier, depth: int, context: CallContext
    ) -> metrics_pb2.Span:
        snapshot = await self.reader.snapshot(v1_id, context, fresh=True)
        whole = to_message(snapshot.view, snapshot.plan)
        if depth == 0:
            return metrics.of_execution(whole, ())
        top = snapshot.tree.top
        closure = whole.closure
        if not top.start.listed:
            return metrics.of_execution(
                whole, [metrics.operation(WORKFLOW_SETUP, closure.created_at, closure.updated_at)]
            )
        nodes = await self._nodes_of(snapshot, top, context)
        begun = nodes[START].closure
        spans = [metrics.operation(WORKFLOW_SETUP, closure.created_at, begun.updated_at)]
        spans += await self._scope_spans(snapshot, top, nodes, depth - 1, context)
        last = self._last_before(top, END, nodes)
        spans += metrics.teardown(WORKFLOW_TEARDOWN, last.closure if last is not None else None, closure)
        return metrics.of_execution(whole, spans)

    async def _nodes_of(
        self, snapshot: Snapshot, scope: NestedWorkflow, context: CallContext
    ) -> dict[str, node_execution_pb2.NodeExecution]:
        """The nodes listed in a workflow, by their ids in it."""
        views = list(scope.listed())
        found = await together(partial(self._message, snapshot, view, context, trim=True) for view in views)
        return {view.spec_id: one for view, one in zip(views, found, strict=True)}

    async def _scope_spans(
        self,
        snapshot: Snapshot,
        scope: NestedWorkflow,
        nodes: dict[str, node_execution_pb2.NodeExecution],
        depth: int,
        context: CallContext,
    ) -> Spans:
        spans = []
        for spec_id, node in sorted(nodes.items(), key=lambda one: one[1].closure.created_at.ToNanoseconds()):
            if not metrics.shown(spec_id):
                continue
            span = await self._node_span(snapshot, scope.views[spec_id], node, depth, context)
            before = metrics.transition(node, self._last_before(scope, spec_id, nodes))
            parts = [*before, *span.spans]
            del span.spans[:]
            span.spans.extend(parts)
            spans.append(span)
        return spans

    @staticmethod
    def _last_before(
        scope: NestedWorkflow, spec_id: str, nodes: dict[str, node_execution_pb2.NodeExecution]
    ) -> node_execution_pb2.NodeExecution | None:
        names = scope.workflow.upstream.get(spec_id, ())
        return metrics.latest(nodes[name] for name in names if name in nodes)

    async def _node_span(
        self,
        snapshot: Snapshot,
        view: View,
        node: node_execution_pb2.NodeExecution,
        depth: int,
        context: CallContext,
    ) -> metrics_pb2.Span:
        if depth == 0:
            return metrics.of_node(node, ())
        match view.kind:
            case NodeKind.GATE:
                parts = metrics.of_gate(node)
            case NodeKind.BRANCH:
                parts = await self._branch(snapshot, view, node, depth - 1, context)
            case NodeKind.LAUNCH_PLAN:
                parts = await self._child(snapshot, view, node, depth - 1, context)
            case NodeKind.SUB_WORKFLOW:
                parts = await self._inner(snapshot, view, node, depth - 1, context)
            case _:
                parts = await self._task(snapshot, view, node, depth - 1, context)
        return metrics.of_node(node, parts)

    async def _branch(
        self, snapshot: Snapshot, view: View, node: node_execution_pb2.NodeExecution, depth: int, context: CallContext
    ) -> Spans:
        taken = next((arm for arm in view.arms if arm.listed), None)
        if taken is None:
            return [metrics.operation(NODE_SETUP, node.closure.created_at, node.closure.updated_at)]
        inner = await self._message(snapshot, taken, context, trim=True)
        return [
            metrics.operation(NODE_SETUP, node.closure.created_at, inner.closure.created_at),
            await self._node_span(snapshot, taken, inner, depth, context),
            *metrics.teardown(NODE_TEARDOWN, inner.closure, node.closure),
        ]

    async def _child(
        self, snapshot: Snapshot, view: View, node: node_execution_pb2.NodeExecution, depth: int, context: CallContext
    ) -> Spans:
        child = await self._execution_span(node_execution.child_of(view, snapshot.execution_id), depth, context)
        spans = [metrics.operation(NODE_SETUP, node.closure.created_at, child.start_time), child]
        if node.closure.updated_at.ToNanoseconds() >= child.end_time.ToNanoseconds():
            spans.append(metrics.operation(NODE_TEARDOWN, child.end_time, node.closure.updated_at))
        return spans

    async def _inner(
        self, snapshot: Snapshot, view: View, node: node_execution_pb2.NodeExecution, depth: int, context: CallContext
    ) -> Spans:
        scope = view.inner
        nodes = await self._nodes_of(snapshot, scope, context) if scope is not None else {}
        if scope is None or START not in nodes:
            return [metrics.operation(NODE_SETUP, node.closure.created_at, node.closure.updated_at)]
        last = self._last_before(scope, END, nodes)
        return [
            metrics.operation(NODE_SETUP, node.closure.created_at, nodes[START].closure.updated_at),
            *await self._scope_spans(snapshot, scope, nodes, depth, context),
            *metrics.teardown(NODE_TEARDOWN, last.closure if last is not None else None, node.closure),
        ]

    async def _task(
        self, snapshot: Snapshot, view: View, node: node_execution_pb2.NodeExecution, depth: int, context: CallContext
    ) -> Spans:
        """A task, an array, a dynamic node."""
        details = await self._details(snapshot, view, context)
        tasks = task_execution.of_node(view, snapshot.execution_id, details)
        spans = metrics.of_attempts(node, tasks, deep=depth != 0)
        if not tasks:
            return spans
        last = tasks[-1].closure
        if not view.dynamic or view.inner is None:
            return spans + metrics.teardown(NODE_TEARDOWN, last, node.closure)
        nodes = await self._nodes_of(snapshot, view.inner, context)
        if START not in nodes:
            return spans + metrics.teardown(NODE_RESET, last, node.closure)
        if not snapshot.plan.foreign:  # there, what is below a task runs while it does
            spans.append(metrics.operation(NODE_RESET, last.updated_at, nodes[START].closure.updated_at))
        spans += await self._scope_spans(snapshot, view.inner, nodes, depth, context)
        ended = self._last_before(view.inner, END, nodes)
        return spans + metrics.teardown(NODE_TEARDOWN, ended.closure if ended is not None else None, node.closure)
