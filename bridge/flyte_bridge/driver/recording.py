"""Nodes that needed no action of their own, recorded so that readers find them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flyteidl2.workflow import run_definition_pb2

from flyte_bridge.driver import child_actions
from flyte_bridge_translators.wire import identifier

if TYPE_CHECKING:
    from flyteidl.core import literals_pb2

    from flyte_bridge.driver.scope import NodeUnderWay
    from flyte_bridge_translators.flyte1.nodes import Node


async def done(step: NodeUnderWay[Node], outputs: literals_pb2.LiteralMap) -> None:
    """Record a node that needed no action of its own, with its outputs."""
    execution = step.execution
    name = identifier.action_name(step.uid)
    if execution.children.known(name):
        return
    trace = run_definition_pb2.TraceAction(name=step.node.id)
    trace.start_time.GetCurrentTime()
    trace.end_time.GetCurrentTime()
    trace.outputs.output_uri = f"{execution.place(name)}/outputs.pb"
    await child_actions.write(execution, trace.outputs.output_uri, outputs, step.uid)
    await child_actions.record(execution, step.uid, trace, group=step.scope.uid)
