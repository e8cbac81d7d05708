"""What a workflow is made of: frozen nodes, their bindings, and the edges between them.

A workflow is a `networkx.DiGraph` of `Node`s. An edge `u -> v` says that `v` starts when `u` has ended.
Its attribute `kind` says why: `DATA` (a promise), `ORDER` (`>>`, `runs_before`, an effect that keeps its place) or
`ARM` (only an arm of the branch `v` needs it: `v` may decide before `u` has ended).
Nodes compare by identity, so that two equal calls are two nodes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import networkx

DATA = "data"
ORDER = "order"
ARM = "arm"


@dataclass(frozen=True, slots=True)
class Input:
    """An input of the workflow, or a part of it."""

    name: str
    path: tuple[str | int, ...] = ()


@dataclass(frozen=True, slots=True)
class Promise:
    """An output of another node, or a part of it; `output` is None when the node has one unnamed output."""

    node: Node
    output: str | None = None
    path: tuple[str | int, ...] = ()


@dataclass(frozen=True, slots=True)
class Constant:
    """A value known when the workflow is compiled; what it is only the reader and the writer know."""

    value: object


@dataclass(frozen=True, slots=True)
class Collection:
    """A list of bindings."""

    items: tuple[Source, ...]


@dataclass(frozen=True, slots=True)
class Mapping:
    """A map of bindings with string keys."""

    items: tuple[tuple[str, Source], ...]


Source: TypeAlias = "Input | Promise | Constant | Collection | Mapping"


@dataclass(frozen=True, slots=True)
class Binding:
    """Where a node's parameter gets its value from."""

    parameter: str
    source: Source


@dataclass(frozen=True, eq=False, kw_only=True)
class Node:
    """One step of a workflow.

    Attributes:
        name: What a reader calls it: the callee's name, or the node id of a closure.
        payload: What the reader found there; opaque to passes and to `calls`.
        cost: How many actions in a row it takes at least, for the critical path; plain Python takes none.
    """

    name: str
    payload: Any = field(default=None, repr=False)
    cost: int = 1


@dataclass(frozen=True, eq=False, kw_only=True)
class Call(Node):
    """A call of a task, a workflow or a launch plan."""

    target: str = ""
    bindings: tuple[Binding, ...] = ()


@dataclass(frozen=True, eq=False, kw_only=True)
class Map(Call):
    """One call per element of its mapped inputs, all at once unless `concurrency` (at least 1) bounds them."""

    concurrency: int | None = None
    min_success_ratio: float | None = None
    min_successes: int | None = None


@dataclass(frozen=True, slots=True)
class Arm:
    """One arm of a branch: what decides it (None for `else`) and what then runs."""

    condition: object | None
    body: networkx.DiGraph | None
    message: str | None = None


@dataclass(frozen=True, eq=False, kw_only=True)
class Branch(Node):
    """A conditional: the first arm whose condition holds runs, the others are skipped."""

    arms: tuple[Arm, ...] = ()


@dataclass(frozen=True, eq=False, kw_only=True)
class Gate(Node):
    """A step that waits: for an approval, for an input, or for time to pass."""

    waits_for: Literal["approval", "input", "time"] = "approval"


@dataclass(frozen=True, eq=False, kw_only=True)
class Loop(Node):
    """A Python loop that calls tasks; `carried` when an iteration needs the one before it."""

    carried: bool = True


@dataclass(frozen=True, eq=False, kw_only=True)
class Statement(Node):
    """Plain Python between the calls."""

    cost: int = 0


def workflow(nodes: Iterable[Node] = ()) -> networkx.DiGraph:
    """An empty workflow with these nodes; the order of insertion is the order a reader sees."""
    import networkx  # an eighth of a second, which a conversion without workflows does not pay

    graph = networkx.DiGraph()
    graph.add_nodes_from(nodes)
    return graph


STRENGTH = (ARM, ORDER, DATA)
"""The kinds of edges, the weakest first."""


def connect(graph: networkx.DiGraph, before: Node, after: Node, kind: str = DATA) -> None:
    """Adds an edge; a stronger one is never weakened."""
    known = graph.get_edge_data(before, after)
    if known is not None and STRENGTH.index(known["kind"]) >= STRENGTH.index(kind):
        return
    graph.add_edge(before, after, kind=kind)


def part(graph: networkx.DiGraph, members: Sequence[Node]) -> networkx.DiGraph:
    """Some nodes and the edges among them, in the order given (`networkx` keeps no order in a subgraph of a few nodes)."""
    result = workflow(members)
    inside = set(members)
    result.add_edges_from((u, v, data) for u in members for v, data in graph.adj[u].items() if v in inside)
    return result
