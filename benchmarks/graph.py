"""How long ten thousand nodes take to become concurrent calls, in the shapes that workflows have.

`python benchmarks/graph.py [size]` prints one line per shape: nodes, edges, seconds, and the critical path on both sides.
"""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Callable, Iterable

from flyte_bridge_translators.graph import calls, model, passes

Edges = Iterable[tuple[int, int]]


def chain(size: int) -> Edges:
    return ((at, at + 1) for at in range(size - 1))


def wide(size: int) -> Edges:
    del size
    return ()


def layered(size: int) -> Edges:
    """Layers of a hundred, each node fed by three of the layer before: one prime component, no barrier anywhere."""
    return ((at - 100 + (at * 7 + fed * 31) % 100 - at % 100, at) for at in range(100, size) for fed in range(3))


def barriers(size: int) -> Edges:
    """Fan-out, join, fan-out, join: a chain of diamonds."""
    for hub in range(0, size - 11, 11):
        for leaf in range(hub + 1, hub + 11):
            yield hub, leaf
            yield leaf, hub + 11


def random_dag(size: int) -> Edges:
    source = random.Random(7)
    return ((source.randrange(max(0, at - 200), at), at) for at in range(1, size) for _ in range(2))


def measure(shape: Callable[[int], Edges], size: int) -> str:
    members = [model.GraphNode(name=str(index)) for index in range(size)]
    graph = model.workflow(members)
    for before, after in shape(size):
        model.connect(graph, members[before], members[after])
    start = time.perf_counter()
    tree = calls.to_calls(passes.apply(graph))
    took = time.perf_counter() - start
    paths = f"{calls.critical_path(graph):>6} {calls.critical_path(tree):>6}"
    return f"{shape.__name__:<12} {size:>7} {graph.number_of_edges():>7} {took:>8.2f} {paths}"


def main() -> None:
    size = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    print(f"{'shape':<12} {'nodes':>7} {'edges':>7} {'seconds':>8} {'v1':>6} {'v2':>6}")
    for shape in (chain, wide, layered, barriers, random_dag):
        print(measure(shape, size))


if __name__ == "__main__":
    main()
