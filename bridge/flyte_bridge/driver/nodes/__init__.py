"""What each kind of node does: a table from kind to runner.

A runner takes a `Step` and gives the node's outputs, or raises `NodeError`. Modules are imported when the first node of
their kind begins.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from flyte_bridge.errors import NodeError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from typing import TypeAlias

    from flyteidl.core import literals_pb2

    from flyte_bridge.driver.scope import Step

    Runner: TypeAlias = Callable[[Step], Awaitable[literals_pb2.LiteralMap]]

RUNNERS = {
    "task_node": "flyte_bridge.driver.nodes.task",
    "sub_workflow_ref": "flyte_bridge.driver.nodes.sub_workflow",
    "launchplan_ref": "flyte_bridge.driver.nodes.launch_plan",
    "branch_node": "flyte_bridge.driver.nodes.branch",
    "gate_node": "flyte_bridge.driver.nodes.gate",
    "array_node": "flyte_bridge.driver.array",
}
"""Kind of node → the module whose `run` runs it."""

BAD_SPECIFICATION = "BadSpecificationError"


def kind(node: Any) -> str:
    """What a closure's `Node` is: a key of `RUNNERS`; empty if it says nothing."""
    target = node.WhichOneof("target") or ""
    return (node.workflow_node.WhichOneof("reference") or "") if target == "workflow_node" else str(target)


def runner(node: Any) -> Runner:
    """What runs a node.

    Raises:
        NodeError: It is of no known kind.
    """
    module = RUNNERS.get(kind(node))
    if module is None:
        message = "the node calls nothing this driver knows; register the workflow again, or use a newer driver"
        raise NodeError(message, code=BAD_SPECIFICATION, node="", kind="SYSTEM")
    found: Runner = importlib.import_module(module).run
    return found


def arms(node: Any) -> list[Any]:
    """The nodes in a branch's arms; none for any other node."""
    if node.WhichOneof("target") != "branch_node":
        return []
    block = node.branch_node.if_else
    inner = [arm.then_node for arm in (block.case, *block.other) if arm.HasField("then_node")]
    return [*inner, block.else_node] if block.HasField("else_node") else inner
