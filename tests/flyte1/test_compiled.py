"""What the compiler has written is read as the workflow that it was given."""

from __future__ import annotations

import networkx
from flyteidl.core import tasks_pb2, types_pb2, workflow_pb2
from hypothesis import given
from hypothesis import strategies as st

from flyte_bridge_translators.flyte1 import read
from flyte_bridge_translators.flyte1.nodes import BranchNode, Key, Node
from flyte_bridge_translators.graph import closures, model
from flyte_bridge_translators.graph.ready import Ready
from flyte_bridge_translators.wire import workflow

Edges = set[tuple[int, int]]


@st.composite
def dags(draw: st.DrawFn) -> tuple[int, Edges, Edges, dict[int, int | None]]:
    """Nodes; edges by promise; edges by order; which nodes are branches, and what an arm of theirs is bound to."""
    size = draw(st.integers(1, 10))
    pairs = st.tuples(st.integers(0, size - 1), st.integers(0, size - 1)).filter(lambda pair: pair[0] < pair[1])
    edges = st.sets(pairs, max_size=16) if size > 1 else st.just(set())
    promised, ordered = draw(edges), draw(edges)
    branches = {}
    for at in draw(st.sets(st.integers(0, size - 1), max_size=3)):
        branches[at] = draw(st.none() | st.integers(0, at - 1)) if at else None
        promised = {edge for edge in promised if at not in edge}
    return size, promised, ordered, branches


def calling(node: workflow_pb2.Node, *sources: int) -> None:
    """Make it a call of the one task, bound to the outputs of other nodes."""
    node.task_node.reference_id.name = "t"
    for source in sources:
        promise = node.inputs.add(var=f"i{source}").binding.promise
        promise.node_id, promise.var = f"n{source}", "o"


@given(dags())
def test_any_workflow(drawn: tuple[int, Edges, Edges, dict[int, int | None]]) -> None:
    """Nodes, edges and why they are there; what an arm needs is an edge into its branch; the driver takes each in its turn."""
    size, promised, ordered, branches = drawn
    task = tasks_pb2.TaskTemplate()
    task.id.name = "t"
    for at in range(size):
        variants = task.interface.inputs.variables[f"i{at}"].type.union_type.variants
        variants.add(simple=types_pb2.INTEGER)
        variants.add(simple=types_pb2.NONE)
    task.interface.outputs.variables["o"].type.simple = types_pb2.INTEGER
    template = workflow_pb2.WorkflowTemplate()
    template.id.name = "w"
    for at in range(size):
        node = template.nodes.add(id=f"n{at}", upstream_node_ids=[f"n{a}" for a, b in sorted(ordered) if b == at])
        node.metadata.name = f"title {at}"
        if at not in branches:
            calling(node, *(a for a, b in sorted(promised) if b == at))
            continue
        block = node.branch_node.if_else
        compared = block.case.condition.comparison
        compared.left_value.primitive.integer = compared.right_value.primitive.integer = 1
        block.case.then_node.id, block.else_node.id = "then", "else"
        source = branches[at]
        calling(block.case.then_node, *(() if source is None or source in branches else (source,)))
        calling(block.else_node)

    closure = closures.checked(read.closure(workflow.compile(template, tasks=[task])))

    compiled = closure.primary
    assert [node.id for node in compiled.nodes] == [f"n{at}" for at in range(size)]
    assert [node.title for node in compiled.nodes] == [f"title {at}" for at in range(size)]
    assert {at for at, node in enumerate(compiled.nodes) if isinstance(node, BranchNode)} == set(branches)
    assert all(node.calls == Key("", "", "t", "") for node in compiled.walk() if not isinstance(node, BranchNode))
    expected = dict.fromkeys(ordered, model.ORDER) | dict.fromkeys(promised, model.DATA)
    for at, source in branches.items():
        if source is not None and source not in branches:
            expected.setdefault((source, at), model.ARM)
    graph = model.of(compiled)
    edges = {(int(str(a)[1:]), int(str(b)[1:])): kind for a, b, kind in graph.edges(data="kind")}
    assert edges == expected

    ready: Ready[Node] = Ready(graph)
    waiting, taken = ready.first(), list[Node]()
    while waiting:
        node = waiting.pop()
        assert set(ready.before(node)) <= set(taken)
        taken.append(node)
        waiting += ready.ended(node)
    assert len(taken) == len(set(taken)) == size
    assert networkx.is_directed_acyclic_graph(graph)
