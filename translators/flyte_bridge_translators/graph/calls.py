"""From a workflow's graph to nested concurrent calls that lose no parallelism.

Flyte 1 starts a node when *its own* inputs are there. Waiting level by level is slower than that, so the graph is taken
apart only where nothing is lost:

1. parts that have nothing to do with each other run side by side (`Parallel`);
2. a part is cut in two where everything before the cut precedes everything after it (`Series`): a barrier nobody waits
   longer at than at its own inputs;
3. what is left contains an "N" (a feeds c and d, b feeds d only) and has no such cut: `Shared`. Its nodes are gathered
   into strands, each a coroutine; strands that several others need are started as tasks and awaited where used.

`schedule` says when each node of the result starts and ends, so that "nothing is lost" is a property that tests check
on random graphs rather than a claim.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from flyte_bridge_translators.graph.order import Order

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

    import networkx

    from flyte_bridge_translators.graph.model import GraphNode

# Each level is a function inside a function. Python refuses 100 levels of indentation and a reader refuses far fewer;
# `Shared` is flat whatever the depth.
DEEPEST = 4


@dataclass(frozen=True, eq=False, slots=True)
class Leaf:
    """One node."""

    node: GraphNode


@dataclass(frozen=True, eq=False, slots=True)
class Series:
    """One after the other."""

    parts: tuple[Tree, ...]


@dataclass(frozen=True, eq=False, slots=True)
class Parallel:
    """Side by side; it ends when all have ended."""

    parts: tuple[Tree, ...]


@dataclass(frozen=True, eq=False, slots=True)
class Strand:
    """A coroutine of a `Shared` part: it runs `body`, whose last node is `head`.

    Attributes:
        head: The node whose result the strand is awaited for.
        body: Everything folded into it, ending with `head`.
        task: Whether others await it, so that it must be started before them.
    """

    head: GraphNode
    body: Tree
    task: bool


@dataclass(frozen=True, eq=False, slots=True)
class Shared:
    """Strands that start together and await each other's heads where they need them.

    Attributes:
        strands: In topological order of their heads.
        waits: For each node that needs strands other than its own, their heads.
    """

    strands: tuple[Strand, ...]
    waits: dict[GraphNode, tuple[GraphNode, ...]] = field(default_factory=dict)


Tree: TypeAlias = "Leaf | Series | Parallel | Shared"


def to_calls(graph: networkx.DiGraph, results: Collection[GraphNode] = ()) -> Tree:
    """Turns a workflow into nested calls in which every node starts as soon as its own inputs are there.

    Args:
        graph: The workflow; `passes.apply` has simplified it.
        results: Nodes whose values are needed after the workflow's last node (its outputs).

    Raises:
        networkx.NetworkXUnfeasible: The graph has a cycle.
    """
    order = Order(graph)
    return _Compiler(order, {order.position[node] for node in results}).part(range(len(order.nodes)), 0)


def nodes(tree: Tree) -> Iterator[GraphNode]:
    """Every node of a tree, in the order of its text."""
    match tree:
        case Leaf():
            yield tree.node
        case Shared():
            for strand in tree.strands:
                yield from nodes(strand.body)
        case _:
            for part in tree.parts:
                yield from nodes(part)


def schedule(
    tree: Tree, duration: Callable[[GraphNode], float], start: float = 0.0
) -> dict[GraphNode, tuple[float, float]]:
    """When each node starts and ends, with unlimited workers.

    Args:
        tree: What `to_calls` made.
        duration: How long a node takes, in any unit.
        start: When the first node may start, in the same unit.
    """
    times: dict[GraphNode, tuple[float, float]] = {}
    _run(tree, duration, start, times, {})
    return times


def critical_path(shape: networkx.DiGraph | Tree) -> int:
    """The length of the longest chain of actions, in nodes that cost something.

    On a graph it is what Flyte 1 takes; on a tree, what the generated code takes.
    """
    if isinstance(shape, (Leaf, Series, Parallel, Shared)):
        ends = [end for _, end in schedule(shape, lambda node: float(node.cost)).values()]
        return round(max(ends, default=0.0))
    order = Order(shape)
    longest: list[int] = []
    for index, node in enumerate(order.nodes):
        longest.append(node.cost + max((longest[previous] for previous in order.before[index]), default=0))
    return max(longest, default=0)


def _run(
    tree: Tree,
    duration: Callable[[GraphNode], float],
    start: float,
    times: dict[GraphNode, tuple[float, float]],
    waits: dict[GraphNode, tuple[GraphNode, ...]],
) -> float:
    match tree:
        case Leaf(node):
            begin = max([start, *(times[other][1] for other in waits.get(node, ()))])
            times[node] = (begin, begin + duration(node))
            return times[node][1]
        case Series(parts):
            for part in parts:
                start = _run(part, duration, start, times, waits)
            return start
        case Parallel(parts):
            return max((_run(part, duration, start, times, waits) for part in parts), default=start)
        case Shared():
            inner = {**waits, **tree.waits}
            return max(_run(strand.body, duration, start, times, inner) for strand in tree.strands)


class _Compiler:
    """Takes an `Order` apart; members are positions in it, always in topological order."""

    def __init__(self, order: Order, results: set[int]) -> None:
        self.order = order
        self.results = results

    def part(self, members: Sequence[int], depth: int) -> Tree:
        components = self.order.components(members)
        if len(components) == 1:
            return self.component(components[0], depth)
        return Parallel(tuple(self.component(component, depth + 1) for component in components))

    def component(self, members: Sequence[int], depth: int) -> Tree:
        if len(members) == 1:
            return self.leaf(members[0])
        pieces = self.order.series(members)
        if len(pieces) == 1:
            return self.shared(members, depth)
        parts: list[Tree] = []
        for piece in pieces:
            too_deep = len(piece) > 1 and depth >= DEEPEST
            parts.append(self.shared(piece, depth) if too_deep else self.part(piece, depth))
        return Series(tuple(parts))

    def shared(self, members: Sequence[int], depth: int) -> Shared:
        """Gathers members into strands: a node joins the strand of its only successor when nobody else needs it."""
        inside = set(members)
        after = self.order.reduced(members)
        fan_in: Counter[int] = Counter(one for ends in after.values() for one in ends)
        head: dict[int, int] = {}
        level: dict[int, int] = {}
        children: dict[int, list[int]] = defaultdict(list)
        for member in reversed(members):
            head[member], level[member] = member, depth + 1
            if len(after[member]) != 1:
                continue
            follower = after[member][0]
            strand = head[follower]
            deeper = level[follower] + (fan_in[follower] > 1)
            if deeper > max(DEEPEST, depth + 1) and fan_in[member]:
                continue
            outside = member in self.results or any(one not in inside for one in self.order.after[member])
            if outside and after[strand]:
                continue
            if all(head.get(one, strand) == strand for one in self.order.after[member]):
                head[member], level[member] = strand, deeper
                children[follower].insert(0, member)
        waits: dict[GraphNode, tuple[GraphNode, ...]] = {}
        for member in members:
            needed = {previous for previous in self.order.before[member] if previous in inside}
            others = sorted(head[previous] for previous in needed if head[previous] != head[member])
            if others:
                waits[self.order.nodes[member]] = tuple(self.order.nodes[one] for one in dict.fromkeys(others))
        awaited = {node for heads in waits.values() for node in heads}
        strands = [
            Strand(self.order.nodes[member], self._body(member, children), self.order.nodes[member] in awaited)
            for member in members
            if head[member] == member
        ]
        return Shared(tuple(strands), waits)

    def _body(self, head: int, children: dict[int, list[int]]) -> Tree:
        """The tree that ends with `head`: what is folded into it, then itself."""
        before = children.get(head, [])
        own = self.leaf(head)
        line: list[Tree] = []
        while len(before) == 1:
            line.append(own)
            own = self.leaf(before[0])
            before = children.get(before[0], [])
        line.append(own)
        if before:
            line.append(Parallel(tuple(self._body(one, children) for one in before)))
        if len(line) == 1:
            return line[0]
        return Series(tuple(reversed(line)))

    def leaf(self, member: int) -> Leaf:
        return Leaf(self.order.nodes[member])
