"""What nodes got and gave: read where an action tells, else put together from those that do.

A sub-workflow, a branch, an array have no action of their own; their values follow from the compiled workflow's bindings,
as the driver follows them.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, NamedTuple

from flyteidl.core import literals_pb2

from flyte_bridge.driver import binding
from flyte_bridge.errors import NodeError
from flyte_bridge_translators.flyte1 import bindings
from flyte_bridge_translators.flyte1.names import END, START
from flyte_bridge_translators.flyte1.nodes import Awaited, GateNode
from flyte_bridge_translators.wire import node_record, signal
from flyte_bridge_translators.wire.node_tree import NestedWorkflow, NodeKind, View
from flyte_bridge_translators.wire.phase import GOOD, NODE_ENDED
from flyte_bridge_translators.wire.phase import Node as P

if TYPE_CHECKING:
    from collections.abc import Awaitable, Iterable, Mapping

    from flyteidl2.common import identifier_pb2 as v2_identifier_pb2

    from flyte_bridge.admin.context import CallContext
    from flyte_bridge.admin.reading import ExecutionReader
    from flyte_bridge.admin.snapshots import Snapshot
    from flyte_bridge_translators.flyte1.bindings import Binding

_log = logging.getLogger("flyte_bridge.admin.values")
_DONE_WELL = {P.SUCCEEDED, P.RECOVERED}


class NodeData(NamedTuple):
    """Inputs and outputs, with where they lie if that is known."""

    inputs: literals_pb2.LiteralMap
    outputs: literals_pb2.LiteralMap
    inputs_uri: str = ""
    outputs_uri: str = ""


class ValueReader:
    """Reads the values of one execution's nodes, for one call."""

    def __init__(self, reader: ExecutionReader, snapshot: Snapshot, context: CallContext) -> None:
        """Nothing is read yet."""
        self._reader = reader
        self._snapshot = snapshot
        self._context = context

    async def of_execution(self) -> NodeData:
        """The execution's own inputs, fixed ones included, and outputs."""
        snapshot = self._snapshot
        return await self._reader.execution_data(snapshot.view, snapshot.plan, self._context)

    async def of(self, view: View) -> NodeData:
        """A node's inputs and outputs; empty where there are none (yet), or where they cannot be read."""
        own = view.kind in {NodeKind.TASK, NodeKind.ARRAY} and view.action is not None
        if own and (self._snapshot.plan.foreign or not view.dynamic):
            return await self._own(view)
        return NodeData(await self._told(self.inputs(view)), await self._told(self.outputs(view)))

    async def _told(self, reading: Awaitable[literals_pb2.LiteralMap]) -> literals_pb2.LiteralMap:
        """What cannot be resolved is left out of the answer, as by flyteadmin, and noted in the log.

        Raises:
            NotFound: It was there and is not any more: an answer without it would be a lie.
        """
        try:
            return await reading
        except NodeError as error:
            _log.warning("%s: %s", self._snapshot.execution_id.name, error)
            return literals_pb2.LiteralMap()

    async def _own(self, view: View) -> NodeData:
        action = self._snapshot.action_of(view)
        if action is None:
            return NodeData(literals_pb2.LiteralMap(), literals_pb2.LiteralMap())
        if view.action is not None and node_record.is_failed(view.action.metadata.group):
            # the Go backend would read the error that the record names, and fail over it
            found = NodeData(literals_pb2.LiteralMap(), literals_pb2.LiteralMap())
        else:
            found = await self._reader.data(
                action,
                self._context,
                ended=view.phase in NODE_ENDED,
                written=view.phase in _DONE_WELL and not view.dynamic,  # which leaves a workflow, and no outputs
            )
        if not found.inputs.literals and view.node is not None and view.node.bindings:
            return found._replace(inputs=await self._told(self._bound(view.scope, view.node.bindings, view.spec_id)))
        return found

    # -- inputs -------------------------------------------------------------------------------------------------------

    async def inputs(self, view: View) -> literals_pb2.LiteralMap:
        """What a node got.

        Raises:
            NodeError: A promise cannot be kept.
        """
        if view.kind is NodeKind.END:
            return await self._result(view.scope)
        if view.node is None:
            return literals_pb2.LiteralMap()
        if view.kind is NodeKind.TASK and view.action is not None:
            return (await self._own(view)).inputs
        return await self._bound(view.scope, view.node.bindings, view.spec_id)

    async def _scope_inputs(self, scope: NestedWorkflow) -> literals_pb2.LiteralMap:
        if scope.owner is None:
            return (await self.of_execution()).inputs
        inputs = literals_pb2.LiteralMap()
        inputs.CopyFrom(await self.inputs(scope.owner))
        if scope.owner.kind is NodeKind.SUB_WORKFLOW:
            binding.fill_optional(inputs, scope.workflow.interface.inputs.variables)
        return inputs

    async def _bound(self, scope: NestedWorkflow, wanted: Iterable[Binding], node: str) -> literals_pb2.LiteralMap:
        """What bindings within a workflow stand for."""
        there: dict[str, Mapping[str, literals_pb2.Literal]] = {}
        for source in bindings.promises(wanted):
            if source == START:
                there[source] = (await self._scope_inputs(scope)).literals
            elif source in scope.views and scope.views[source].phase in _DONE_WELL:
                there[source] = (await self.outputs(scope.views[source])).literals
        return await binding.resolve(wanted, there.__getitem__, node=node, read=self._reader.object)

    async def _result(self, scope: NestedWorkflow) -> literals_pb2.LiteralMap:
        return await self._bound(scope, scope.workflow.outputs, END)

    # -- outputs ------------------------------------------------------------------------------------------------------

    async def outputs(self, view: View) -> literals_pb2.LiteralMap:
        """What a node gave.

        Raises:
            NodeError: A promise cannot be kept.
        """
        if view.kind is NodeKind.START:
            return await self._scope_inputs(view.scope)
        if view.phase not in _DONE_WELL or view.kind is NodeKind.END:
            return literals_pb2.LiteralMap()
        if view.inner is not None and not self._snapshot.plan.foreign:
            return await self._result(view.inner)
        match view.kind:
            case NodeKind.BRANCH:
                taken = [arm for arm in view.arms if arm.phase in _DONE_WELL]
                return await self.outputs(taken[0]) if taken else literals_pb2.LiteralMap()
            case NodeKind.GATE if isinstance(view.node, GateNode):
                return await self._answered(view, view.node)
            case NodeKind.ARRAY if view.action is None:
                return await self._collected(view)
        action = self._snapshot.action_of(view)
        if action is None:
            return literals_pb2.LiteralMap()
        return (await self._values_of(action)).outputs

    async def _values_of(self, action: v2_identifier_pb2.ActionIdentifier) -> NodeData:
        """Of an action that has succeeded."""
        return await self._reader.data(action, self._context, ended=True, written=True)

    async def _answered(self, view: View, gate: GateNode) -> literals_pb2.LiteralMap:
        if gate.awaited is Awaited.APPROVAL:
            return await self.inputs(view)
        action = self._snapshot.action_of(view)
        if gate.awaited is not Awaited.INPUT or action is None:
            return literals_pb2.LiteralMap()
        details = await self._reader.details(action, self._context)
        try:
            literal = signal.received(details.signal_info.output, gate.type)
        except ValueError as error:
            raise NodeError(f"signal {gate.signal}: {error}", code=binding.FAILURE, node=view.uid) from error
        return literals_pb2.LiteralMap(literals={gate.output: literal})

    async def _collected(self, view: View) -> literals_pb2.LiteralMap:
        """An array's outputs: each a collection in the elements' order, none for those that failed."""
        gathered: list[Mapping[str, literals_pb2.Literal]] = []
        for _, action in view.elements:
            good = action.status.phase in GOOD
            gathered.append((await self._values_of(action.id)).outputs.literals if good else {})
        result = literals_pb2.LiteralMap()
        for name in sorted({name for outputs in gathered for name in outputs}):
            collection = result.literals[name].collection
            collection.SetInParent()
            for outputs in gathered:
                member = collection.literals.add()
                if name in outputs:
                    member.CopyFrom(outputs[name])
                else:
                    member.scalar.none_type.SetInParent()
        return result
