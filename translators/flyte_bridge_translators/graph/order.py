"""The partial order of a workflow, on integers: what `calls` and `passes` ask of it.

Sets of nodes are Python integers used as bit sets: uniting the ancestors of ten thousand nodes is then a few thousand
long-integer operations, where `networkx.transitive_closure` walks every pair.
"""

from __future__ import annotations

import heapq
import itertools
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    import networkx

    from flyte_bridge_translators.graph.model import GraphNode


class Order:
    """A workflow's nodes in topological order, first inserted first, and their edges as positions in that order.

    Raises:
        networkx.NetworkXUnfeasible: The graph has a cycle.
    """

    def __init__(self, graph: networkx.DiGraph) -> None:
        self.nodes: list[GraphNode] = _sorted(graph)
        self.position = {node: index for index, node in enumerate(self.nodes)}
        self.before = [sorted(self.position[p] for p in graph.predecessors(node)) for node in self.nodes]
        self.after = [sorted(self.position[s] for s in graph.successors(node)) for node in self.nodes]

    def ancestors(self, members: Sequence[int]) -> list[int]:
        """For each member, in order, the bit set of the members before it (bits are places in `members`)."""
        place = {member: bit for bit, member in enumerate(members)}
        sets: list[int] = []
        for member in members:
            union = 0
            for previous in self.before[member]:
                bit = place.get(previous)
                if bit is not None:
                    union |= sets[bit] | (1 << bit)
            sets.append(union)
        return sets

    def components(self, members: Sequence[int]) -> list[list[int]]:
        """The weakly connected components, each in topological order, the one that begins first first."""
        owner = dict.fromkeys(members, -1)
        found: list[list[int]] = []
        for member in members:
            if owner[member] >= 0:
                continue
            number = len(found)
            owner[member] = number
            component, stack = [member], [member]
            while stack:
                at = stack.pop()
                for neighbours in (self.before[at], self.after[at]):
                    for neighbour in neighbours:
                        if owner.get(neighbour) == -1:
                            owner[neighbour] = number
                            component.append(neighbour)
                            stack.append(neighbour)
            found.append(sorted(component))
        return found

    def series(self, members: Sequence[int]) -> list[list[int]]:
        """Cuts a component where everything before the cut precedes everything after it: barriers that lose nothing.

        Sorted by number of ancestors, a cut at `k` needs the k-th node to have exactly k of them, and every later node
        to have all of the first k.
        """
        if self._is_chain(members):
            return [[member] for member in members]
        ancestors = self.ancestors(members)
        counts = [bits.bit_count() for bits in ancestors]
        ranked = sorted(range(len(members)), key=lambda bit: (counts[bit], bit))
        common = [0] * len(members)
        shared = -1
        for rank in range(len(ranked) - 1, -1, -1):
            shared &= ancestors[ranked[rank]]
            common[rank] = shared
        parts: list[list[int]] = []
        first, start = 0, 0
        for rank, bit in enumerate(ranked):
            if rank > start and counts[bit] == rank and not first & ~common[rank]:
                parts.append(sorted(members[one] for one in ranked[start:rank]))
                start = rank
            first |= 1 << bit
        parts.append(sorted(members[one] for one in ranked[start:]))
        return parts

    def reduced(self, members: Sequence[int]) -> dict[int, list[int]]:
        """For each member, its successors among the members that no other path reaches (the transitive reduction)."""
        ancestors = self.ancestors(members)
        place = {member: bit for bit, member in enumerate(members)}
        after: dict[int, list[int]] = {member: [] for member in members}
        for member in members:
            near = [previous for previous in self.before[member] if previous in place]
            reached = 0
            for previous in near:
                reached |= ancestors[place[previous]]
            for previous in near:
                if not reached >> place[previous] & 1:
                    after[previous].append(member)
        return after

    def reduced_edges(self) -> set[tuple[GraphNode, GraphNode]]:
        """The edges of the whole graph that no other path implies."""
        reduced = self.reduced(range(len(self.nodes)))
        return {(self.nodes[before], self.nodes[after]) for before, ends in reduced.items() for after in ends}

    def _is_chain(self, members: Sequence[int]) -> bool:
        """Whether each member's only inner predecessor is the member before it (skipping edges do not matter)."""
        inside = set(members)
        for previous, member in itertools.pairwise(members):
            if previous not in self.before[member]:
                return False
        return len(inside) == len(members)


def _sorted(graph: networkx.DiGraph) -> list[GraphNode]:
    nodes: list[GraphNode] = list(graph)
    number = {node: index for index, node in enumerate(nodes)}
    missing = {node: graph.in_degree(node) for node in nodes}
    ready = [number[node] for node in nodes if not missing[node]]
    heapq.heapify(ready)
    result: list[GraphNode] = []
    while ready:
        node = nodes[heapq.heappop(ready)]
        result.append(node)
        for after in graph.successors(node):
            missing[after] -= 1
            if not missing[after]:
                heapq.heappush(ready, number[after])
    if len(result) < len(nodes):
        from networkx import NetworkXUnfeasible

        cycle = sorted(str(node) for node in nodes if missing[node])
        raise NetworkXUnfeasible(f"the workflow waits for itself: {', '.join(cycle)}")
    return result
