"""Workflows that a real flyteadmin has compiled."""

from __future__ import annotations

from pathlib import Path

import pytest
from flyteidl.admin import launch_plan_pb2
from flyteidl.core import compiler_pb2, workflow_pb2

from flyte_bridge_translators.wire import workflow

RECORDED = Path(__file__).parent / "recorded"


def _as_registered(compiled: compiler_pb2.CompiledWorkflow) -> workflow_pb2.WorkflowTemplate:
    """A template as it was before it was compiled: no start and end, nodes in branches with their own ids."""
    template = workflow_pb2.WorkflowTemplate()
    template.CopyFrom(compiled.template)
    nodes = [node for node in compiled.template.nodes if node.id not in {"start-node", "end-node"}]
    del template.nodes[:]
    template.nodes.extend(nodes)
    for node in template.nodes:
        _shorten(node)
    return template


def _shorten(node: workflow_pb2.Node) -> None:
    if not node.HasField("branch_node"):
        return
    branch = node.branch_node.if_else
    arms = [branch.case.then_node, *(other.then_node for other in branch.other)]
    for arm in [*arms, branch.else_node] if branch.HasField("else_node") else arms:
        _shorten(arm)
        arm.id = arm.id.removeprefix(f"{node.id}-")


@pytest.mark.parametrize("path", sorted(RECORDED.glob("*.pb")), ids=lambda path: path.stem)
def test_we_compile_what_flyteadmin_compiled(path: Path) -> None:
    """The same nodes, ids, promises, connections, tasks and sub-workflows, in the same order."""
    closure = compiler_pb2.CompiledWorkflowClosure.FromString(path.read_bytes())
    plans = [launch_plan_pb2.LaunchPlan.FromString(plan.read_bytes()) for plan in RECORDED.glob("*.launch_plan")]
    template, subs = _as_registered(closure.primary), [_as_registered(sub) for sub in closure.sub_workflows]
    assert template != closure.primary.template
    assert workflow.compile(template, subs, [task.template for task in closure.tasks], plans) == closure


def test_there_are_some() -> None:
    """Of every kind."""
    assert len(list(RECORDED.glob("*.pb"))) == 12
