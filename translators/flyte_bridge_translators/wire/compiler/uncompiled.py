"""A compiled workflow as it was before the compiler had it, so that it can be registered elsewhere and is the same there.

The compiler puts a start and an end node in, and the id of a branch before those of its arms; given its own result it puts
the branch's id there once more. So that is taken off: once in a workflow itself, and in sub-workflows as often as it is
there, since they are compiled once for each workflow that refers to them (`build._sub_workflow`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flyteidl.admin import workflow_pb2 as admin_workflow_pb2
from flyteidl.core import workflow_pb2

from flyte_bridge_translators.flyte1.names import SENTINELS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from flyteidl.core import compiler_pb2


def spec(closure: compiler_pb2.CompiledWorkflowClosure) -> admin_workflow_pb2.WorkflowSpec:
    """What to register so that the closure comes out again; the closure stays as it is."""
    primary = _without_sentinels(closure.primary.template)
    _take_off(_all(primary))
    subs = []
    for compiled in closure.sub_workflows:
        sub = _without_sentinels(compiled.template)
        while _take_off(_all(sub)):
            pass
        subs.append(sub)
    return admin_workflow_pb2.WorkflowSpec(template=primary, sub_workflows=subs)


def _without_sentinels(template: workflow_pb2.WorkflowTemplate) -> workflow_pb2.WorkflowTemplate:
    bare = workflow_pb2.WorkflowTemplate()
    bare.CopyFrom(template)
    nodes = [node for node in template.nodes if node.id not in SENTINELS]
    del bare.nodes[:]
    bare.nodes.extend(nodes)
    return bare


def _all(template: workflow_pb2.WorkflowTemplate) -> list[workflow_pb2.Node]:
    return [*template.nodes, *([template.failure_node] if template.HasField("failure_node") else [])]


def _take_off(nodes: Iterable[workflow_pb2.Node]) -> bool:
    """Take branches' ids off those of their arms, once; whether there was one."""
    changed = False
    for node in nodes:
        arms = _arms(node)
        changed = _take_off(arms) or changed  # first what is within: its ids begin with the arm's present one
        for arm in arms:
            if node.WhichOneof("target") == "branch_node" and arm.id.startswith(f"{node.id}-"):
                arm.id = arm.id.removeprefix(f"{node.id}-")
                changed = True
    return changed


def _arms(node: workflow_pb2.Node) -> list[workflow_pb2.Node]:
    match node.WhichOneof("target"):
        case "branch_node":
            block = node.branch_node.if_else
            cases = [case.then_node for case in (block.case, *block.other) if case.HasField("then_node")]
            return [*cases, block.else_node] if block.WhichOneof("default") == "else_node" else cases
        case "array_node":
            return [node.array_node.node]
    return []
