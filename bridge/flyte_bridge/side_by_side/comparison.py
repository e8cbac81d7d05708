"""Two executions, compared: what each came to, its outputs by value, node by node.

What is told here and is no difference: names, times, places, hosts, logs. Durations and critical paths are told beside.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING

from ..verify.compare import Difference, compare, split_unstable
from ..verify.contents import Contents, holds_reference
from ..verify.literals import plain_map
from .matching import matched

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from flyteidl.core import literals_pb2

    from ..verify.contents import ReadableObjects
    from ..verify.rules import ComparisonRules
    from .record import ErrorRecord, ExecutionRecord, NodeRecord

OUTPUTS_AT_ONCE = 64
"""Nodes whose outputs are read at once."""


class Sameness(Enum):
    """What a comparison comes to."""

    SAME = "same"
    DIFFERENT = "different"
    NOT_COMPARABLE = "not comparable"


@dataclass(frozen=True)
class NodeComparison:
    """One node of both sides.

    Attributes:
        left: The first side's; None if it has none.
        right: The second side's.
        differences: What differs; paths are `phase`, `attempts`, `cache`, `error…` or begin with an output's name.
    """

    left: NodeRecord | None
    right: NodeRecord | None
    differences: tuple[Difference, ...] = ()

    @property
    def name(self) -> str:
        """The node's id: the first side's if it has one."""
        node = self.left or self.right
        assert node is not None
        return node.id


@dataclass(frozen=True)
class ExecutionComparison:
    """Two executions, compared.

    Attributes:
        left: The first.
        right: The second.
        verdict: What it comes to.
        reason: Why they cannot be compared; empty if they can.
        differences: Of the executions themselves.
        nodes: Node by node, in the order of the first side's graph.
        unstable: Places that differ between two runs of the first side, too.
        notes: What else a reader should know.
    """

    left: ExecutionRecord
    right: ExecutionRecord
    verdict: Sameness
    reason: str = ""
    differences: tuple[Difference, ...] = ()
    nodes: tuple[NodeComparison, ...] = ()
    unstable: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Stores:
    """Where the values of both sides lie."""

    left: ReadableObjects
    right: ReadableObjects


async def compare_executions(
    left: ExecutionRecord,
    right: ExecutionRecord,
    stores: Stores,
    rules: ComparisonRules,
    renames: Mapping[str, str] | None = None,
) -> ExecutionComparison:
    """Compares two executions.

    Args:
        left: The first side's, Flyte 1's as a rule.
        right: The second side's.
        stores: Where their values lie.
        rules: What counts as the same.
        renames: Full names of tasks and workflows on the first side → their names on the second, as `convert --json` tells.
    """
    renames = renames or {}
    if (reason := _incomparable(left, right, renames)) is not None:
        return ExecutionComparison(left, right, Sameness.NOT_COMPARABLE, reason)
    contents = Contents(stores.left, stores.right)
    slots = asyncio.Semaphore(OUTPUTS_AT_ONCE)

    async def node(pair: tuple[NodeRecord | None, NodeRecord | None]) -> NodeComparison:
        one, other = pair
        if one is None or other is None:
            return NodeComparison(one, other, _unmatched(one, other, converted))
        async with slots:
            values = await _outputs(one.outputs, other.outputs, contents, rules, f"{one.id}.")
        return NodeComparison(one, other, (*_of_nodes(one, other, rules), *values))

    converted = bool(right.task or left.task)
    pairs = matched(left, right, renames)
    # one after the other would wait for each object, all of them at once would hold all of them in memory
    inputs, outputs, nodes = await asyncio.gather(
        _inputs(left, right, contents, rules),
        _outputs(left.outputs, right.outputs, contents, rules, ""),
        asyncio.gather(*(node(pair) for pair in pairs)),
    )
    differences = (*_of_executions(left, right, rules), *inputs, *outputs)
    whole = ExecutionComparison(left, right, Sameness.SAME, "", differences, tuple(nodes))
    notes = ["nodes are matched by what they run: one side was born in Flyte 2"] if converted else []
    return judged(replace(whole, notes=tuple(notes)))


def without_noise(compared: ExecutionComparison, noise: ExecutionComparison) -> ExecutionComparison:
    """A comparison without what differs between two runs of the first side, too.

    Args:
        compared: The first side with the second.
        noise: The first side with another run of its own.
    """
    if noise.verdict is Sameness.NOT_COMPARABLE:
        return replace(
            compared, notes=(*compared.notes, f"the second run of the first side says nothing: {noise.reason}")
        )
    own = {node.name: node.differences for node in noise.nodes}
    differences, unstable = split_unstable(compared.differences, noise.differences)
    nodes = []
    for node in compared.nodes:
        kept, places = split_unstable(node.differences, own.get(node.name, ()))
        nodes.append(replace(node, differences=tuple(kept)))
        unstable += [f"{node.name}.{place}" for place in places]
    return judged(replace(compared, differences=tuple(differences), nodes=tuple(nodes), unstable=tuple(unstable)))


def judged(compared: ExecutionComparison) -> ExecutionComparison:
    """A comparison with the verdict that its differences make."""
    found = [*compared.differences, *(one for node in compared.nodes for one in node.differences)]
    if any(one.what != "undecided" for one in found):
        return replace(compared, verdict=Sameness.DIFFERENT, reason="")
    if found:
        first = found[0]
        reason = f"{first.path}: {first.detail.splitlines()[0] if first.detail else 'nobody can tell'}"
        return replace(compared, verdict=Sameness.NOT_COMPARABLE, reason=reason)
    return replace(compared, verdict=Sameness.SAME, reason="")


def _incomparable(left: ExecutionRecord, right: ExecutionRecord, renames: Mapping[str, str]) -> str | None:
    for one, other in ((left, right), (right, left)):
        if one.imported_from and one.name == other.name and one.imported_from in (other.side, other.imported_from):
            return f"{one.name} on {one.side} is the record of that execution itself, imported from {one.imported_from}"
    if left.task or right.task:  # a run that was born in Flyte 2 names no workflow of Flyte 1's
        wanted = renames.get(left.workflow)
        if wanted is not None and right.task and right.task != wanted:
            return f"{left.name} ran {left.workflow}, which became {wanted}; {right.name} ran {right.task}"
        return None
    if left.workflow != right.workflow and renames.get(left.workflow) != right.workflow:
        return f"they ran different workflows: {left.workflow} and {right.workflow}"
    return None


def _of_executions(left: ExecutionRecord, right: ExecutionRecord, rules: ComparisonRules) -> Iterable[Difference]:
    if left.phase != right.phase:
        yield _fact("phase", left.phase, right.phase)
    yield from _errors(left.error, right.error, rules, left.name, right.name)


async def _inputs(
    left: ExecutionRecord, right: ExecutionRecord, contents: Contents, rules: ComparisonRules
) -> list[Difference]:
    """What both were given; files by their content, unless both name the same one."""
    if left.task or right.task:
        return []  # what a converted driver is given may be called otherwise
    ours, theirs = plain_map(left.inputs), plain_map(right.inputs)
    differences: list[Difference] = []
    for name in dict.fromkeys([*ours, *theirs]):
        if name not in ours or name not in theirs:
            there = name in ours
            given = ("given", "", "missing") if there else ("", "given", "extra")
            differences.append(_fact(f"inputs.{name}", *given))
            continue
        pair = ours[name], theirs[name]
        if holds_reference(pair[0]) and pair[0] != pair[1]:
            pair = await contents.pair(*pair)
        elif holds_reference(pair[0]):
            continue
        differences += await asyncio.to_thread(compare, *pair, path=f"inputs.{name}", rule=rules.every)
    return differences


def _of_nodes(left: NodeRecord, right: NodeRecord, rules: ComparisonRules) -> Iterable[Difference]:
    if left.phase != right.phase:
        yield _fact("phase", left.phase, right.phase)
    if rules.retries and left.attempts and right.attempts and left.attempts != right.attempts:
        yield _fact("attempts", left.attempts, right.attempts)
    if rules.cache and left.cache_hit != right.cache_hit:
        yield _fact("cache", *("hit" if one.cache_hit else "no hit" for one in (left, right)))
    yield from _errors(left.error, right.error, rules, "", "")


def _unmatched(left: NodeRecord | None, right: NodeRecord | None, converted: bool) -> tuple[Difference, ...]:
    """A node that only one side has; what was skipped or not begun is not told by both control planes."""
    node = left or right
    assert node is not None
    if converted or node.phase in ("SKIPPED", "QUEUED"):
        return ()
    there = f"{node.phase} {node.title}"
    return (_fact("node", there if left else "", there if right else "", what="missing" if left else "extra"),)


def _errors(
    left: ErrorRecord | None, right: ErrorRecord | None, rules: ComparisonRules, left_name: str, right_name: str
) -> Iterable[Difference]:
    if left is None or right is None:
        if left is not right:
            ours, theirs = (one.last_line if one is not None else "" for one in (left, right))
            yield _fact("error", ours, theirs, "missing" if right is None else "extra")
        return
    if left.kind != right.kind and "UNKNOWN" not in (left.kind, right.kind):
        yield _fact("error.kind", left.kind, right.kind)
    if rules.errors != "kind" and left.code != right.code and left.code and right.code:
        yield _fact("error.code", left.code, right.code)
    if rules.errors == "message":
        ours = left.last_line.replace(left_name, "…") if left_name else left.last_line
        theirs = right.last_line.replace(right_name, "…") if right_name else right.last_line
        if ours != theirs:
            yield _fact("error.message", ours, theirs)


async def _outputs(
    left: literals_pb2.LiteralMap | None,
    right: literals_pb2.LiteralMap | None,
    contents: Contents,
    rules: ComparisonRules,
    prefix: str,
) -> list[Difference]:
    if left is None or right is None:
        return []  # it has not succeeded there, and the phases tell
    ours, theirs = plain_map(left), plain_map(right)
    if len(ours) == len(theirs) == 1:  # a converted task's only output may be called otherwise
        theirs = dict(zip(ours, theirs.values(), strict=True))
    differences: list[Difference] = []
    for name in dict.fromkeys([*ours, *theirs]):
        rule = rules.of(f"{prefix}{name}")
        if name not in ours or name not in theirs:
            there = name in ours
            differences.append(
                _fact(
                    name,
                    "an output" if there else "",
                    "" if there else "an output",
                    what="missing" if there else "extra",
                )
            )
            continue
        pair = await contents.pair(ours[name], theirs[name])
        differences += await asyncio.to_thread(compare, *pair, path=name, rule=rule)
    return differences


def _fact(path: str, left: object, right: object, what: str = "value") -> Difference:
    return Difference(path, str(left), str(right), what, "fact", "fact")
