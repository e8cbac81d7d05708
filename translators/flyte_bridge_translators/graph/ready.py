"""Which nodes of a workflow may start, as others end: what the driver runs on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

from flyte_bridge_translators.graph.model import ARM

if TYPE_CHECKING:
    from collections.abc import Iterator

    import networkx

N = TypeVar("N")


class Cycle(ValueError):
    """Raised when nodes wait for each other.

    Attributes:
        path: The nodes, the first once more at the end.
    """

    def __init__(self, path: list[object]) -> None:
        self.path = path
        super().__init__(" -> ".join(map(str, path)))


class Ready(Generic[N]):
    """A graph under way. A node may start when all it waits for has ended; what only an arm needs holds no branch back."""

    def __init__(self, graph: networkx.DiGraph) -> None:
        """Nothing has started yet.

        Raises:
            Cycle: Nodes wait for each other, and none of them would ever start.
        """
        self._graph = graph
        self._missing: dict[N, int] = dict.fromkeys(graph, 0)
        for _, after, kind in graph.edges(data="kind"):
            self._missing[after] += kind != ARM
        _refuse_cycles(graph)

    def first(self) -> list[N]:
        """What waits for nothing, in the order of the workflow's text."""
        return [node for node, missing in self._missing.items() if not missing]

    def ended(self, node: N) -> list[N]:
        """What may start now that a node has ended, and could not before."""
        started = []
        for after in self._awaiting(node):
            self._missing[after] -= 1
            if not self._missing[after]:
                started.append(after)
        return started

    def before(self, node: N) -> Iterator[N]:
        """What a node waits for."""
        return (before for before, edge in self._graph.pred[node].items() if edge["kind"] != ARM)

    def _awaiting(self, node: N) -> Iterator[N]:
        return (after for after, edge in self._graph.succ[node].items() if edge["kind"] != ARM)


def _refuse_cycles(graph: networkx.DiGraph) -> None:
    import networkx

    if not networkx.is_directed_acyclic_graph(graph):
        edges = networkx.find_cycle(graph)
        raise Cycle([edges[0][0], *(edge[1] for edge in edges)])
