"""The graph of a workflow: a `networkx.DiGraph` whose edge `u -> v` says that `v` starts when `u` has ended.

An edge's attribute `kind` says why: `DATA` (a promise), `ORDER` (`>>`, `runs_before`, an effect that keeps its place) or `ARM`
(only an arm of the branch `v` needs it: `v` may decide before `u` has ended). Nodes are hashable and have a `cost`: those of
a compiled workflow are `flyte1.nodes.Node`s (`of`), those of a workflow's source `GraphNode`s around what was read there.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import networkx

    from flyte_bridge_translators.flyte1 import closure
    from flyte_bridge_translators.flyte1 import nodes as flyte1

DATA = "data"
ORDER = "order"
ARM = "arm"


@dataclass(frozen=True, eq=False, kw_only=True)
class GraphNode:
    """One step of a workflow; nodes compare by identity, so that two equal calls are two nodes.

    Attributes:
        name: What a reader calls it: the callee's name.
        payload: What the reader found there; opaque to passes and to `calls`.
        cost: How many actions in a row it takes at least, for the critical path; plain Python takes none.
    """

    name: str
    payload: Any = field(default=None, repr=False)
    cost: int = 1

    def __str__(self) -> str:
        """Its name."""
        return self.name


def workflow(nodes: Iterable[GraphNode | flyte1.Node] = ()) -> networkx.DiGraph:
    """An empty workflow with these nodes; the order of insertion is the order a reader sees."""
    import networkx  # an eighth of a second, which a conversion without workflows does not pay

    graph = networkx.DiGraph()
    graph.add_nodes_from(nodes)
    return graph


def of(compiled: closure.Workflow) -> networkx.DiGraph:
    """The graph of a compiled workflow.

    What an arm of a branch waits for is an edge into the branch. `start-node` is left out, since an edge from it says nothing,
    and so is what waits for the workflow's end; a name that is no node of the workflow's top is left out too (`closures` tells).
    """
    by_id = {node.id: node for node in compiled.nodes}
    graph = workflow(compiled.nodes)
    for top in compiled.nodes:
        for node in top.walk():
            for source in node.upstream:
                if source in by_id:
                    kind = DATA if source in node.bound else ORDER
                    connect(graph, by_id[source], top, kind if node is top else ARM)
    return graph


STRENGTH = (ARM, ORDER, DATA)
"""The kinds of edges, the weakest first."""


def connect(
    graph: networkx.DiGraph, before: GraphNode | flyte1.Node, after: GraphNode | flyte1.Node, kind: str = DATA
) -> None:
    """Adds an edge; a stronger one is never weakened."""
    known = graph.get_edge_data(before, after)
    if known is not None and STRENGTH.index(known["kind"]) >= STRENGTH.index(kind):
        return
    graph.add_edge(before, after, kind=kind)


def part(graph: networkx.DiGraph, members: Sequence[GraphNode]) -> networkx.DiGraph:
    """Some nodes and the edges among them, in the order given (`networkx` keeps no order in a subgraph of a few nodes)."""
    result = workflow(members)
    inside = set(members)
    result.add_edges_from((u, v, data) for u in members for v, data in graph.adj[u].items() if v in inside)
    return result
