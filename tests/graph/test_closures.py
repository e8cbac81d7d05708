"""A compiled workflow is read as graphs, or refused with flyteadmin's codes."""

from __future__ import annotations

from typing import Any

import pytest
from flyteidl.core import compiler_pb2, workflow_pb2

from flyte_bridge_translators.flyte1 import nodes as flyte1
from flyte_bridge_translators.flyte1 import read
from flyte_bridge_translators.flyte1.closure import Closure, Workflow
from flyte_bridge_translators.graph import calls, closures, model


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


def read_checked(message: compiler_pb2.CompiledWorkflowClosure) -> Closure:
    return closures.checked(read.closure(message))


def by_id(workflow: Workflow) -> dict[str, flyte1.Node]:
    return {node.id: node for node in workflow.walk()}


def edges(workflow: Workflow) -> dict[str, str]:
    return {f"{before}>{after}": kind for before, after, kind in model.of(workflow).edges(data="kind")}


def test_edges() -> None:
    """Promises are data edges, what else must come before are order edges; start and end are left out."""
    found = read_checked(
        closure(
            node("a"), node("b", "a"), node("c", "", "b"), upstream={"a": ["start-node"], "b": ["a"], "c": ["a", "b"]}
        )
    )
    assert edges(found.primary) == {"a>b": model.DATA, "b>c": model.DATA, "a>c": model.ORDER}
    assert calls.critical_path(model.of(found.primary)) == 3
    assert [node.id for node in found.primary.nodes] == ["a", "b", "c"]
    assert found.task_of(found.primary.nodes[0]).id.name == "t"


def test_branches() -> None:
    """Each arm is a graph of its own, reachable by id; what only an arm needs does not hold the branch back."""
    inner = node("b-i", **branch(node("b-i-x", "a"), node("b-i-y"), fail="no"))
    found = read_checked(
        closure(node("a"), node("z"), node("b", "z", **branch(node("b-x"), inner)), node("c", "b"))
    ).primary
    assert edges(found) == {"a>b": model.ARM, "z>b": model.DATA, "b>c": model.DATA}
    outer, nested = by_id(found)["b"], by_id(found)["b-i"]
    assert isinstance(outer, flyte1.BranchNode)
    assert [arm.id for arm in outer.arms] == ["b-x", "b-i"]
    assert isinstance(nested, flyte1.BranchNode)
    assert [arm.id for arm in nested.arms] == ["b-i-x", "b-i-y"]
    assert nested.otherwise == "no"
    assert set(by_id(found)) == {"a", "z", "b", "c", "b-x", "b-i", "b-i-x", "b-i-y"}


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
    found = read_checked(used)
    known = by_id(found.primary)
    assert [known[name].awaited.value for name in ("ok", "in", "wait")] == ["approval", "input", "time"]
    assert [known[name].signal for name in ("ok", "in", "wait")] == ["s", "t", ""]
    mapped = known["map"]
    assert isinstance(mapped, flyte1.ArrayNode)
    assert (mapped.calls.name, mapped.parallelism, mapped.min_success_ratio, mapped.min_successes) == (
        "t",
        4,
        0.5,
        None,
    )
    assert found.task_of(mapped).id.name == "t"
    sub = found.workflow_of(known["sub"])
    assert sub is not None
    assert [node.id for node in sub.nodes] == ["n0"]
    assert found.workflow_of(known["child"]) is None
    assert found.task_of(known["child"]) is None
    assert found.primary.failure is known["fail"]
    assert known["fail"] not in model.of(found.primary)


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
    with pytest.raises(closures.BadClosure, match="register it again") as caught:
        read_checked(closure(*nodes))
    assert [problem.code for problem in caught.value.problems] == problems


def test_outputs_of_lost_nodes() -> None:
    """A workflow output that is bound to a node that is not there is found."""
    bound = [{"var": "o0", "binding": {"collection": {"bindings": [{"promise": {"node_id": "lost", "var": "o0"}}]}}}]
    with pytest.raises(closures.BadClosure, match=r"NodeReferenceNotFound, Node Id: end-node, .*lost"):
        read_checked(closure(node("a"), outputs=bound))
