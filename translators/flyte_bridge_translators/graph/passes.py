"""What is simplified before a workflow becomes calls: plain functions, in the order of `PASSES`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flyte_bridge_translators.graph import model
from flyte_bridge_translators.graph.order import Order

if TYPE_CHECKING:
    from collections.abc import Callable

    import networkx


def drop_self_order(graph: networkx.DiGraph) -> networkx.DiGraph:
    """`a >> a` says nothing."""
    loops = [(before, after) for before, after in graph.edges if before is after]
    if not loops:
        return graph
    result = graph.copy()
    result.remove_edges_from(loops)
    return result


def drop_redundant_order(graph: networkx.DiGraph) -> networkx.DiGraph:
    """An order edge is redundant when another path says the same; data edges stay, since they carry values."""
    wanted = [(before, after) for before, after, kind in graph.edges(data="kind") if kind == model.ORDER]
    if not wanted:
        return graph
    kept = Order(graph).reduced_edges()
    redundant = [edge for edge in wanted if edge not in kept]
    if not redundant:
        return graph
    result = graph.copy()
    result.remove_edges_from(redundant)
    return result


PASSES: tuple[Callable[[networkx.DiGraph], networkx.DiGraph], ...] = (drop_self_order, drop_redundant_order)


def apply(graph: networkx.DiGraph) -> networkx.DiGraph:
    """Every pass, in order; the given graph is left alone."""
    for one in PASSES:
        graph = one(graph)
    return graph
