"""Conditionals: decided here, on literals; the chosen arm's node runs beneath the branch's unique id."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flyteidl.core import literals_pb2

from flyte_bridge.driver import condition
from flyte_bridge_translators.wire import identifier

if TYPE_CHECKING:
    from flyte_bridge.driver.scope import NodeUnderWay
    from flyte_bridge_translators.flyte1.nodes import BranchNode


async def run(step: NodeUnderWay[BranchNode]) -> literals_pb2.LiteralMap:
    """Decide, and run the chosen arm.

    The arm may need nodes that the branch does not wait for: they are waited for now. When one of them was skipped or
    has failed, so is the arm skipped, and there are no outputs.

    Raises:
        NodeError: The arm says so, no arm is left, or its node failed.
    """
    from flyte_bridge.driver.scope import NodeEnd

    scope, journal = step.scope, step.scope.execution.journal
    chosen = condition.choose(step.node, step.inputs.literals, step.uid)
    for other in step.node.arms:
        if other is not chosen:
            journal.skipped(identifier.unique_id(step.uid, step.attempt, other.id), other)
    uid = identifier.unique_id(step.uid, step.attempt, chosen.id)
    for source in scope.upstream(chosen):
        if await scope.settled(source) is not NodeEnd.SUCCEEDED:
            journal.skipped(uid, chosen)
            return literals_pb2.LiteralMap()
    return await scope.run_node(chosen, uid)
