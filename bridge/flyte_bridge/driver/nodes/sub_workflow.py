"""Static sub-workflows: no action of their own, their nodes run beneath the node's unique id."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flyte_bridge.driver import binding

if TYPE_CHECKING:
    from flyteidl.core import literals_pb2

    from flyte_bridge.driver.scope import NodeUnderWay
    from flyte_bridge_translators.flyte1.nodes import SubWorkflowNode


async def run(step: NodeUnderWay[SubWorkflowNode]) -> literals_pb2.LiteralMap:
    """Run a sub-workflow.

    Raises:
        NodeError: One of its nodes failed.
    """
    from flyte_bridge.driver.scope import WorkflowCall

    tables = step.scope.tables
    workflow = tables.workflow(step.node.workflow, step.uid)
    binding.fill_optional(step.inputs, workflow.interface.inputs.variables)
    return await WorkflowCall(step.execution, workflow, tables, step.inputs, uid=step.uid, attempt=step.attempt).run()
