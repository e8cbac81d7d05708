"""Time-outs of nodes that are more than one action. A task's are `task_time`'s, a gate's its condition's.

As flytepropeller has it (`nodes/executor.go`, `execute`): a node that takes longer than its metadata say is ended and tried
again as often as they allow, beneath ids that hold the attempt's number. Nothing but a time-out is tried again this way. A
driver that is started again counts anew.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from flyte_bridge.driver import failure
from flyte_bridge.driver.nodes import runner
from flyte_bridge.errors import NodeError
from flyte_bridge_translators.flyte1.nodes import NodeKind
from flyte_bridge_translators.wire import exhausted

if TYPE_CHECKING:
    from flyteidl.core import literals_pb2

    from flyte_bridge.driver.scope import NodeUnderWay
    from flyte_bridge_translators.flyte1.nodes import Node

TIMED = frozenset({NodeKind.SUB_WORKFLOW, NodeKind.LAUNCH_PLAN, NodeKind.BRANCH, NodeKind.ARRAY})
"""Kinds of nodes whose time the driver keeps."""


async def timed(step: NodeUnderWay[Node]) -> literals_pb2.LiteralMap:
    """Run a node, within its time.

    Raises:
        NodeError: It failed, or took too long too often.
    """
    seconds, run = limit(step.node), runner(step.node.kind)
    if not seconds:
        return await run(step)
    most = 1 + step.node.overrides.retries
    for attempt in range(most):
        try:
            return await asyncio.wait_for(run(replace(step, attempt=attempt)), seconds)
        except asyncio.TimeoutError:  # noqa: PERF203 - it is a loop of attempts
            continue
        except NodeError as error:
            # an attempt that an earlier driver has ended for its time is found aborted
            if error.code != failure.ABORTED:
                raise
    raise NodeError(exhausted.time_out(seconds, most), code=exhausted.TIMED_OUT, node=step.uid)


def limit(node: Node) -> float:
    """Seconds that a node may take; 0 for no limit, or one that is not the driver's to keep."""
    return node.overrides.seconds if node.kind in TIMED else 0.0
