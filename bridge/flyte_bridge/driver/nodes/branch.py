"""Conditionals: decided here, on literals; the chosen arm's node runs beneath the branch's unique id."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flyteidl.core import literals_pb2

from flyte_bridge.driver import condition
from flyte_bridge_translators.wire import identifier

if TYPE_CHECKING:
    from flyte_bridge.driver.scope import Step


async def run(step: Step) -> literals_pb2.LiteralMap:
    """Decide, and run the chosen arm.

    The arm may need nodes that the branch does not wait for: they are waited for now. When one of them was skipped or
    has failed, so is the arm skipped, and there are no outputs.

    Raises:
        NodeError: The arm says so, no arm is left, or its node failed.
    """
    from flyte_bridge.driver.nodes import arms
    from flyte_bridge.driver.scope import State

    scope, node = step.scope, step.node
    place, chosen = condition.choose(node.branch_node.if_else, step.inputs.literals, step.uid)
    journal = scope.execution.journal
    for index, other in enumerate(arms(node)):
        if index != place:
            journal.skipped(identifier.unique_id(step.uid, step.attempt, other.id), other)
    uid = identifier.unique_id(step.uid, step.attempt, chosen.id)
    for source in sorted(scope.upstream(chosen)):
        if await scope.settled(source) is not State.SUCCEEDED:
            journal.skipped(uid, chosen)
            return literals_pb2.LiteralMap()
    outputs: literals_pb2.LiteralMap = await scope.run_node(chosen, uid)
    return outputs
