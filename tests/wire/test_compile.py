"""Compiling Flyte 1's workflows as flyteadmin does."""

from __future__ import annotations

import pytest
from flyteidl.core import workflow_pb2

from flyte_bridge_translators.wire import workflow

pytest.importorskip("flytekit", reason="flytekit stops at Python 3.12")

from flytekit import conditional, map_task, task
from flytekit import workflow as wf

from wire.serialized import Serialized, serialize


@task
def plus(a: int, b: int = 1) -> int:
    return a + b


@wf
def inner(a: int) -> int:
    return plus(a=a)


@wf
def outer(a: int) -> int:
    x = inner(a=a)
    y = conditional("size").if_(x > 3).then(plus(a=x)).elif_(x > 2).then(inner(a=x)).else_().fail("small")
    z = map_task(plus)(a=[x, y], b=[x, x])
    plus(a=1)
    return plus(a=y, b=z[0])


@pytest.fixture(scope="module")
def serialized() -> Serialized:
    return serialize(outer)


def _edges(compiled: object) -> dict[str, list[str]]:
    return {node: list(ids.ids) for node, ids in compiled.connections.downstream.items()}  # type: ignore[attr-defined]


def test_start_and_end_are_nodes(serialized: Serialized) -> None:
    """They come first; the end node is bound to the workflow's outputs; promises of inputs name the start node."""
    primary = serialized.compiled(outer.name).primary
    assert [node.id for node in primary.template.nodes] == ["start-node", "end-node", "n0", "n1", "n2", "n3", "n4"]
    assert primary.template.nodes[1].inputs == primary.template.outputs
    assert primary.template.nodes[2].inputs[0].binding.promise.node_id == "start-node"


def test_connections(serialized: Serialized) -> None:
    """Downstream from the start node to the end node; a node nobody waits for leads to the end node."""
    closure = serialized.compiled(outer.name)
    assert _edges(closure.primary) == {
        "start-node": ["n0", "n3"],
        "n0": ["n1", "n2"],
        "n1": ["n2", "n4"],
        "n2": ["n4"],
        "n3": ["end-node"],
        "n4": ["end-node"],
    }
    upstream = {node: list(ids.ids) for node, ids in closure.primary.connections.upstream.items()}
    assert upstream["n1-n0"] == ["n0"]
    assert upstream["end-node"] == ["n3", "n4"]


def test_nodes_in_a_branch_carry_its_id(serialized: Serialized) -> None:
    """`<branch>-<node>`, as executions show it."""
    branch = serialized.compiled(outer.name).primary.template.nodes[3].branch_node.if_else
    assert [branch.case.then_node.id, branch.other[0].then_node.id] == ["n1-n0", "n1-n1"]


def test_tasks_and_sub_workflows_are_collected(serialized: Serialized) -> None:
    """Each once, the sub-workflow compiled."""
    closure = serialized.compiled(outer.name)
    assert len(closure.tasks) == 2
    assert [sub.template.id.name for sub in closure.sub_workflows] == [inner.name]
    assert _edges(closure.sub_workflows[0]) == {"start-node": ["n0"], "n0": ["end-node"]}


def test_everything_wrong_is_said_at_once(serialized: Serialized) -> None:
    """With Flyte 1's codes, sorted; in flyteadmin's layout."""
    template = workflow_pb2.WorkflowTemplate()
    template.CopyFrom(serialized.workflows[inner.name].template)
    template.nodes[0].inputs[0].binding.promise.node_id = "n9"
    template.outputs[0].binding.promise.var = "o7"
    with pytest.raises(workflow.CompileError) as error:
        workflow.compile(template, tasks=[serialized.tasks[plus.name].template])
    assert error.value.codes == {"NodeReferenceNotFound", "ParameterNotBound", "VariableNameNotFound"}
    assert str(error.value).startswith(
        "Collected Errors: 4\n\tError 0: Code: NodeReferenceNotFound, Node Id: n9, Description: Referenced node [n9] not found.\n"
    )
