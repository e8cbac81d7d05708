"""What each kind of node does: a table from kind to runner.

A runner takes a `NodeUnderWay` and gives the node's outputs, or raises `NodeError`. Modules are imported when the first node of
their kind begins.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from flyte_bridge.errors import NodeError
from flyte_bridge_translators.flyte1.names import BAD_SPECIFICATION
from flyte_bridge_translators.flyte1.nodes import NodeKind

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from typing import Any, TypeAlias

    from flyteidl.core import literals_pb2

    from flyte_bridge.driver.scope import NodeUnderWay

    Runner: TypeAlias = Callable[[NodeUnderWay[Any]], Awaitable[literals_pb2.LiteralMap]]

RUNNERS = {
    NodeKind.TASK: "flyte_bridge.driver.nodes.task",
    NodeKind.SUB_WORKFLOW: "flyte_bridge.driver.nodes.sub_workflow",
    NodeKind.LAUNCH_PLAN: "flyte_bridge.driver.nodes.launch_plan",
    NodeKind.BRANCH: "flyte_bridge.driver.nodes.branch",
    NodeKind.GATE: "flyte_bridge.driver.nodes.gate",
    NodeKind.ARRAY: "flyte_bridge.driver.array",
}
"""Kind of node → the module whose `run` runs it."""


def runner(kind: NodeKind) -> Runner:
    """What runs a node.

    Raises:
        NodeError: It is of no known kind.
    """
    module = RUNNERS.get(kind)
    if module is None:
        message = "the node calls nothing this driver knows; register the workflow again, or use a newer driver"
        raise NodeError(message, code=BAD_SPECIFICATION, node="", kind="SYSTEM")
    run: Runner = importlib.import_module(module).run
    return run
