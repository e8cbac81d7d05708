"""A compiled workflow is read as graphs, or refused with flyteadmin's codes."""

from __future__ import annotations

from typing import Any

import pytest
from flyteidl.core import compiler_pb2, workflow_pb2

from flyte_bridge_translators.graph import calls, model, read


def identifier(kind: int, name: str) -> dict[str, Any]:
    return {"resource_type": kind, "project": "p", "domain": "d", "name": name, "version": "v"}


def node(name: str, *after: str, **target: Any) -> Any:
    """A node that is bound to the first outputs of others."""
    target = target or {"task_node": {"reference_id": identifier(1, "t")}}
    inputs = [{"var": f"i{at}", "binding": {"promise": {"node_id": one, "var": "o0"}}} for at, one in enumerate(after)]
    return {"id": name, "inputs": inputs, **target}


def closure(*nodes: Any, upstream: dict[str, list[str]] | None = None, **more: Any) -> Any:
    connections = {"upstream": {name: {"ids": ids} for name, ids in (upstream or {}).items()}}
    return compiler_pb2.CompiledWorkflowClosure(
        primary={
            "template": {"id": identifier(2, "w"), "nodes": [{"id": "start-node"}, {"id": "end-node"}, *nodes], **more},
            "connections": connections,
        },
        tasks=[{"template": {"id": identifier(1, "t")}}],
    )


def branch(*arms: Any, fail: str | None = None) -> Any:
    blocks = [{"condition": {"comparison": {}}, "then_node": arm} for arm in (arms if fail else arms[:-1])]
    default: Any = {"error": {"message": fail}} if fail else {"else_node": arms[-1]}
    return {"branch_node": {"if_else": {"case": blocks[0], "other": blocks[1:], **default}}}


def edges(workflow: read.Workflow) -> dict[str, str]:
    return {f"{before.name}>{after.name}": kind for before, after, kind in workflow.graph.edges(data="kind")}


def test_edges() -> None:
    """Promises are data edges, what else must come before are order edges; start and end are left out."""
    found = read.read(
        closure(
            node("a"), node("b", "a"), node("c", "", "b"), upstream={"a": ["start-node"], "b": ["a"], "c": ["a", "b"]}
        )
    )
    assert edges(found.primary) == {"a>b": model.DATA, "b>c": model.DATA, "a>c": model.ORDER}
    assert calls.critical_path(found.primary.graph) == 3
    assert [one.payload.id for one in found.primary.graph] == ["a", "b", "c"]
    assert found.task_of(found.primary.nodes["a"]).id.name == "t"


def test_branches() -> None:
    """Each arm is a graph of its own, reachable by id; what only an arm needs does not hold the branch back."""
    inner = node("b-i", **branch(node("b-i-x", "a"), node("b-i-y"), fail="no"))
    found = read.read(
        closure(node("a"), node("z"), node("b", "z", **branch(node("b-x"), inner)), node("c", "b"))
    ).primary
    assert edges(found) == {"a>b": model.ARM, "z>b": model.DATA, "b>c": model.DATA}
    outer = found.nodes["b"]
    assert isinstance(outer, model.Branch)
    assert [[one.name for one in arm.body or ()] for arm in outer.arms] == [["b-x"], ["b-i"]]
    nested = found.nodes["b-i"]
    assert isinstance(nested, model.Branch)
    assert [arm.message for arm in nested.arms] == [None, None, "no"]
    assert set(found.nodes) == {"a", "z", "b", "c", "b-x", "b-i", "b-i-x", "b-i-y"}


def test_kinds() -> None:
    """Gates, arrays, sub-workflows and failure nodes are read as what they are."""
    array = {"node": node("x"), "parallelism": 4, "min_success_ratio": 0.5}
    used = closure(
        node("ok", gate_node={"approve": {"signal_id": "s"}}),
        node("in", gate_node={"signal": {"signal_id": "t"}}),
        node("wait", gate_node={"sleep": {"duration": {"seconds": 1}}}),
        node("map", array_node=array),
        node("sub", workflow_node={"sub_workflow_ref": identifier(2, "w2")}),
        node("child", workflow_node={"launchplan_ref": identifier(3, "l")}),
        failure_node=node("fail", "", task_node={"reference_id": identifier(1, "t")}),
    )
    used.sub_workflows.add().template.CopyFrom(
        workflow_pb2.WorkflowTemplate(id=identifier(2, "w2"), nodes=[node("n0")])
    )
    found = read.read(used)
    by_id = found.primary.nodes
    assert [by_id[name].waits_for for name in ("ok", "in", "wait")] == ["approval", "input", "time"]
    mapped = by_id["map"]
    assert isinstance(mapped, model.Map)
    assert (mapped.target, mapped.concurrency, mapped.min_success_ratio, mapped.min_successes) == ("t", 4, 0.5, None)
    assert found.task_of(mapped).id.name == "t"
    sub = found.sub_workflow_of(by_id["sub"])
    assert sub is not None
    assert list(sub.nodes) == ["n0"]
    assert found.sub_workflow_of(by_id["child"]) is None
    assert found.task_of(by_id["child"]) is None
    assert found.primary.failure is by_id["fail"]
    assert by_id["fail"] not in found.primary.graph


@pytest.mark.parametrize(
    ("nodes", "problems"),
    [
        ([], ["NoNodesFound"]),
        ([node("a", "lost")], ["NodeReferenceNotFound"]),
        ([node("a", "b"), node("b", "a"), node("c", "b"), node("d")], ["CycleDetected"]),
        ([node("a", "a")], ["CycleDetected"]),
        ([node("a"), node("a")], ["DuplicateId"]),
        ([node("")], ["ValueRequired"]),
        ([{"id": "a"}], ["ValueRequired"]),
        ([node("a", workflow_node={})], ["ValueRequired"]),
        ([node("a", array_node={"node": {}})], ["ValueRequired"]),
        ([node("a", gate_node={})], ["NoConditionFound"]),
        ([node("a", task_node={"reference_id": identifier(1, "lost")})], ["TaskReferenceNotFound"]),
        ([node("a", workflow_node={"sub_workflow_ref": identifier(2, "lost")})], ["WorkflowReferenceNotFound"]),
        (
            [node("a", branch_node={"if_else": {"case": {}}})],
            ["BranchNodeHasNoCondition", "BranchNodeIdNotFound", "BranchNodeHasNoDefault"],
        ),
        ([node("a", **branch(node("a-x", "b"), node("a-y"))), node("b", "a")], ["CycleDetected"]),
    ],
)
def test_problems(nodes: list[Any], problems: list[str]) -> None:
    """Everything wrong with a closure is found at once, under flyteadmin's codes."""
    with pytest.raises(read.BadClosure, match="register it again") as caught:
        read.read(closure(*nodes))
    assert [problem.code for problem in caught.value.problems] == problems


def test_outputs_of_lost_nodes() -> None:
    """A workflow output that is bound to a node that is not there is found."""
    bound = [{"var": "o0", "binding": {"collection": {"bindings": [{"promise": {"node_id": "lost", "var": "o0"}}]}}}]
    with pytest.raises(read.BadClosure, match=r"NodeReferenceNotFound, Node Id: end-node, .*lost"):
        read.read(closure(node("a"), outputs=bound))
