"""The generated form of a workflow takes as long as its longest chain, whatever the graph."""

from __future__ import annotations

import itertools
import time

import networkx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flyte_bridge_translators.graph import calls, model, passes
from flyte_bridge_translators.graph.calls import Leaf, Parallel, Series, Shared


def graph_of(text: str) -> networkx.DiGraph:
    """`"a>c b>c d"` as a workflow."""
    known: dict[str, model.GraphNode] = {}
    graph = model.workflow()
    for word in text.split():
        names = word.split(">")
        for name in names:
            if name not in known:
                known[name] = model.GraphNode(name=name)
                graph.add_node(known[name])
        for before, after in itertools.pairwise(names):
            model.connect(graph, known[before], known[after])
    return graph


def shown(tree: calls.Tree) -> str:
    match tree:
        case Leaf(node):
            return node.name
        case Series(parts):
            return "(" + " ; ".join(map(shown, parts)) + ")"
        case Parallel(parts):
            return "(" + " | ".join(map(shown, parts)) + ")"
        case Shared():
            return "{" + " ".join(shown(s.body) + ("*" if s.task else "") for s in tree.strands) + "}"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a", "a"),
        ("a>b>c", "(a ; b ; c)"),
        ("a>b>c a>c", "(a ; b ; c)"),
        ("a b c", "(a | b | c)"),
        ("a>b a>c b>d c>d", "(a ; (b | c) ; d)"),
        ("a>c b>d", "((a ; c) | (b ; d))"),
        ("a>c a>d b>c b>d", "((a | b) ; (c | d))"),
        ("load>describe load>train train>pick", "(load ; (describe | (train ; pick)))"),
        ("a>c a>d b>d c>e d>e", "({a* c (b ; d)} ; e)"),
        ("a>c b>c b>d", "{b* (a ; c) d}"),
        ("a>b>c a>c c>x b>y", "(a ; b ; ((c ; x) | y))"),
    ],
)
def test_shape(text: str, expected: str) -> None:
    """A graph is cut only where nothing waits longer than for its own inputs."""
    assert shown(calls.to_calls(graph_of(text))) == expected


def test_result_that_is_also_folded_is_its_own_task() -> None:
    """A node that is an output of the workflow is not hidden inside a strand that others await."""
    graph = graph_of("a>b b>c b>d x>d x>e")
    by_name = {node.name: node for node in graph}
    assert shown(calls.to_calls(graph)) == "{(a ; b)* c x* d e}"
    assert shown(calls.to_calls(graph, [by_name["a"]])) == "{a* b* c x* d e}"


@st.composite
def graphs(draw: st.DrawFn) -> tuple[networkx.DiGraph, dict[model.GraphNode, float], list[model.GraphNode]]:
    size = draw(st.integers(1, 14))
    members = [model.GraphNode(name=f"n{index}") for index in range(size)]
    graph = model.workflow(draw(st.permutations(members)))
    density = draw(st.sampled_from([0.1, 0.2, 0.35, 0.6]))
    for after in range(size):
        for before in range(after):
            if draw(st.floats(0, 1)) < density:
                model.connect(graph, members[before], members[after], draw(st.sampled_from([model.DATA, model.ORDER])))
    durations = {node: float(draw(st.integers(0, 9))) for node in members}
    return graph, durations, draw(st.lists(st.sampled_from(members), max_size=3))


def dataflow(
    graph: networkx.DiGraph, durations: dict[model.GraphNode, float]
) -> dict[model.GraphNode, tuple[float, float]]:
    times: dict[model.GraphNode, tuple[float, float]] = {}
    for node in networkx.topological_sort(graph):
        start = max((times[before][1] for before in graph.predecessors(node)), default=0.0)
        times[node] = (start, start + durations[node])
    return times


@settings(max_examples=400, deadline=None)
@given(graphs())
def test_nothing_is_lost(
    case: tuple[networkx.DiGraph, dict[model.GraphNode, float], list[model.GraphNode]],
) -> None:
    """Every node runs once, after its inputs, and the whole ends when Flyte 1's dataflow would, for any durations."""
    graph, durations, results = case
    tree = calls.to_calls(passes.apply(graph), results)
    assert sorted(node.name for node in calls.nodes(tree)) == sorted(node.name for node in graph)
    got = calls.schedule(tree, durations.__getitem__)
    for before, after in graph.edges:
        assert got[before][1] <= got[after][0]
    wanted = dataflow(graph, durations)
    assert max(end for _, end in got.values()) == max(end for _, end in wanted.values())
    assert calls.critical_path(tree) == calls.critical_path(graph)


@settings(max_examples=200, deadline=None)
@given(graphs())
def test_tasks_start_before_they_are_awaited(
    case: tuple[networkx.DiGraph, dict[model.GraphNode, float], list[model.GraphNode]],
) -> None:
    """A strand awaits only strands that stand before it, and results folded into a task do not exist."""
    graph, _, results = case

    def check(tree: calls.Tree) -> None:
        if isinstance(tree, Shared):
            started: set[model.GraphNode] = set()
            for strand in tree.strands:
                own = set(calls.nodes(strand.body))
                assert not strand.task or not (own - {strand.head}) & set(results)
                for node in own:
                    assert set(tree.waits.get(node, ())) <= started
                started.add(strand.head)
        for part in getattr(tree, "parts", ()):
            check(part)

    check(calls.to_calls(graph, results))


def test_deep_nesting_becomes_flat() -> None:
    """A comb of forty forks stays within the nesting a reader (and Python) accepts, and loses nothing."""
    graph = model.workflow()
    spine = model.GraphNode(name="s0")
    for index in range(1, 40):
        leaf, following = model.GraphNode(name=f"l{index}"), model.GraphNode(name=f"s{index}")
        model.connect(graph, spine, leaf)
        model.connect(graph, spine, following)
        spine = following
    tree = calls.to_calls(graph)

    def depth(part: calls.Tree) -> int:
        inner = [strand.body for strand in part.strands] if isinstance(part, Shared) else getattr(part, "parts", ())
        return max(map(depth, inner), default=0) + (not isinstance(part, (Leaf, Series)))

    assert depth(tree) <= calls.DEEPEST + 2
    assert calls.critical_path(tree) == calls.critical_path(graph) == 40


def test_passes_drop_what_another_path_says() -> None:
    """`a >> c` goes when `a >> b >> c` is there; a data edge stays."""
    graph = graph_of("a>b>c")
    a, b, c = graph
    graph.edges[a, b]["kind"] = model.ORDER
    model.connect(graph, a, c, model.ORDER)
    assert set(passes.apply(graph).edges) == {(a, b), (b, c)}
    model.connect(graph, a, c, model.DATA)
    assert (a, c) in passes.apply(graph).edges


def test_cycle_names_its_nodes() -> None:
    """A workflow that waits for itself is refused by the names of those who wait."""
    with pytest.raises(networkx.NetworkXUnfeasible, match="waits for itself: a, b"):
        calls.to_calls(graph_of("a>b b>a c"))


@pytest.mark.parametrize("shape", ["chain", "wide", "layered", "comb"])
def test_ten_thousand_nodes(shape: str) -> None:
    """Ten thousand nodes compile in seconds, in whatever shape."""
    members = [model.GraphNode(name=str(index)) for index in range(10_000)]
    graph = model.workflow(members)
    if shape == "chain":
        edges = [(index, index + 1) for index in range(9_999)]
    elif shape == "wide":
        edges = []
    elif shape == "layered":
        edges = [(at - 100 + (at * 7 + k * 31) % 100 - at % 100, at) for at in range(100, 10_000) for k in range(3)]
    else:
        edges = [(at - at % 2, at + 1 + at % 2) for at in range(9_996)]
    for before, after in edges:
        model.connect(graph, members[before], members[after])
    started = time.process_time()
    tree = calls.to_calls(passes.apply(graph))
    assert time.process_time() - started < 10
    assert sum(1 for _ in calls.nodes(tree)) == 10_000
    assert calls.critical_path(tree) == calls.critical_path(graph)
