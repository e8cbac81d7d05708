"""What a compiled closure refers to, by identifier."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flyte_bridge.errors import NodeError

if TYPE_CHECKING:
    from collections.abc import Mapping

TASK_NOT_FOUND = "TaskReferenceNotFound"
WORKFLOW_NOT_FOUND = "WorkflowReferenceNotFound"
"""Codes of Flyte 1's compiler (`flytepropeller/pkg/compiler/errors`) for what a node names and the closure lacks."""


class Tables:
    """The tasks, sub-workflows and launch plans of a `CompiledWorkflowClosure`."""

    def __init__(self, closure: Any) -> None:
        self._tasks = {_key(one.template.id): one.template for one in closure.tasks}
        self._workflows = {_key(one.template.id): one.template for one in closure.sub_workflows}
        self._launch_plans = {_key(one.template.id): one.template for one in closure.launch_plans}

    def task(self, reference: Any, node: str) -> Any:
        """A task's template.

        Raises:
            NodeError: The closure lacks it.
        """
        return _find(self._tasks, reference, node, "task", TASK_NOT_FOUND)

    def workflow(self, reference: Any, node: str) -> Any:
        """A sub-workflow's template.

        Raises:
            NodeError: The closure lacks it.
        """
        return _find(self._workflows, reference, node, "workflow", WORKFLOW_NOT_FOUND)

    def launch_plan(self, reference: Any) -> Any | None:
        """A launch plan's template, if the closure has it: those that a dynamic task names are not in it."""
        return self._launch_plans.get(_key(reference))

    def input_types(self, node: Any) -> Mapping[str, Any] | None:
        """The types of a node's inputs by name; None where the closure does not say."""
        interface = self.interface(node)
        if interface is None:
            return None
        return {name: variable.type for name, variable in interface.inputs.variables.items()}

    def interface(self, node: Any) -> Any | None:
        """The interface of what a node calls; None if it calls nothing, or the closure does not say."""
        kind = node.WhichOneof("target")
        if kind == "task_node":
            found = self._tasks.get(_key(node.task_node.reference_id))
        elif kind == "workflow_node":
            which = node.workflow_node.WhichOneof("reference")
            table = self._launch_plans if which == "launchplan_ref" else self._workflows
            found = table.get(_key(getattr(node.workflow_node, which))) if which else None
        else:
            return None
        return found.interface if found is not None else None


def _find(table: Mapping[Any, Any], reference: Any, node: str, what: str, code: str) -> Any:
    found = table.get(_key(reference))
    if found is None:
        name = f"{reference.project}:{reference.domain}:{reference.name}:{reference.version}"
        message = f"the closure of the workflow has no {what} {name}; register the workflow again"
        raise NodeError(message, code=code, node=node, kind="SYSTEM")
    return found


def _key(reference: Any) -> tuple[str, str, str, str]:
    return (reference.project, reference.domain, reference.name, reference.version)
