"""Which node of one execution is which of the other. Pure.

An unchanged workflow has the same nodes by the same ids on both sides. What was converted has other ids: its nodes are
matched by what they run, through the table of renames, the first call of a task with the first, and so on.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .record import ExecutionRecord, NodeRecord

NodePair = tuple["NodeRecord | None", "NodeRecord | None"]

_RUNS = frozenset({"task", "map", "dynamic", "launch plan"})


def matched(left: ExecutionRecord, right: ExecutionRecord, renames: Mapping[str, str]) -> list[NodePair]:
    """Pairs of nodes, in the order of the first side; then what only the second has.

    Args:
        left: The first side's execution.
        right: The second side's.
        renames: Full names on the first side → names on the second.
    """
    pairs: list[NodePair] = []
    if left.task or right.task:
        return _by_target(left, right, renames)
    for name, node in left.nodes.items():
        pairs.append((node, right.nodes.get(name)))
    return pairs + [(None, node) for name, node in right.nodes.items() if name not in left.nodes]


def _by_target(left: ExecutionRecord, right: ExecutionRecord, renames: Mapping[str, str]) -> list[NodePair]:
    free: dict[str, list[NodeRecord]] = defaultdict(list)
    for node in right.nodes.values():
        if node.kind in _RUNS and node.target != right.task:
            free[_short(node.target)].append(node)
    pairs: list[NodePair] = []
    for node in left.nodes.values():
        if node.kind not in _RUNS:
            continue
        candidates = free[_short(renames.get(node.target, node.target))]
        pairs.append((node, candidates.pop(0) if candidates else None))
    return pairs + [(None, node) for nodes in free.values() for node in nodes]


def _short(target: str) -> str:
    """A task's name without its module (Flyte 1) or environment (Flyte 2)."""
    return target.rpartition(".")[2]
