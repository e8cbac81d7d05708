"""Which tasks and launch plans a workflow needs to be compiled.

After `flytepropeller/pkg/compiler/requirements.go` (v1.16.8).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from flyte_bridge_translators.wire.compiler.model import Key, key
from flyte_bridge_translators.wire.compiler.problems import CompileErrorCode, Problems, text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flyteidl.core import identifier_pb2, workflow_pb2


@dataclass(frozen=True)
class Requirements:
    """What has to be fetched before a workflow can be compiled; sorted, each once.

    Attributes:
        tasks: The tasks its nodes run, sub-workflows included.
        launch_plans: The launch plans its nodes start.
    """

    tasks: tuple[identifier_pb2.Identifier, ...]
    launch_plans: tuple[identifier_pb2.Identifier, ...]


class Walk:
    """One walk over a workflow and its sub-workflows, each of which is entered once."""

    def __init__(self, templates: Mapping[Key, workflow_pb2.WorkflowTemplate], problems: Problems) -> None:
        self.tasks: dict[Key, identifier_pb2.Identifier] = {}
        self.launch_plans: dict[Key, identifier_pb2.Identifier] = {}
        self._templates = templates
        self._problems = problems
        self._seen: set[Key] = set()
        self._within: list[Key] = []

    def workflow(self, template: workflow_pb2.WorkflowTemplate) -> None:
        """Note what a workflow needs."""
        this = key(template.id)
        self._seen.add(this)
        self._within.append(this)
        for node in template.nodes:
            self._node(node)
        if template.HasField("failure_node"):
            self._node(template.failure_node)
        self._within.pop()

    def result(self) -> Requirements:
        """What was noted."""
        tasks = tuple(self.tasks[at] for at in sorted(self.tasks))
        return Requirements(tasks, tuple(self.launch_plans[at] for at in sorted(self.launch_plans)))

    def _node(self, node: workflow_pb2.Node) -> None:
        kind = node.WhichOneof("target")
        if kind == "task_node":
            if node.task_node.HasField("reference_id"):
                self.tasks[key(node.task_node.reference_id)] = node.task_node.reference_id
        elif kind == "workflow_node":
            reference = node.workflow_node.WhichOneof("reference")
            if reference == "launchplan_ref":
                self.launch_plans[key(node.workflow_node.launchplan_ref)] = node.workflow_node.launchplan_ref
            elif reference == "sub_workflow_ref":
                self._sub_workflow(node.id, node.workflow_node.sub_workflow_ref)
        elif kind == "branch_node":
            branch = node.branch_node.if_else
            for block in (branch.case, *branch.other):
                self._node(block.then_node)
            self._node(branch.else_node)
        elif kind == "array_node":
            self._node(node.array_node.node)

    def _sub_workflow(self, node: str, reference: identifier_pb2.Identifier) -> None:
        this = key(reference)
        template = self._templates.get(this)
        if this in self._within:
            names = [at[3] for at in (*self._within[self._within.index(this) :], this)]
            cycle = f"A cycle has been detected while traversing the Workflow [{'>'.join(names)}]."
            self._problems.collect(CompileErrorCode.CYCLE_DETECTED, node, cycle)
        elif template is None:
            missing = f"Referenced Workflow [{text(reference)}] not found."
            self._problems.collect(CompileErrorCode.WORKFLOW_REFERENCE_NOT_FOUND, node, missing)
        elif this not in self._seen:
            self.workflow(template)
