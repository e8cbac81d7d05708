"""What a compiled closure refers to, by name; what it lacks fails the node that names it."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from flyte_bridge.errors import NodeError
from flyte_bridge_translators.flyte1.names import TASK_NOT_FOUND, WORKFLOW_NOT_FOUND
from flyte_bridge_translators.graph import model

if TYPE_CHECKING:
    from collections.abc import Mapping

    import networkx
    from flyteidl.core import tasks_pb2

    from flyte_bridge_translators.flyte1.closure import Closure, Workflow
    from flyte_bridge_translators.flyte1.nodes import Key

T = TypeVar("T")


class Tables:
    """The tasks and workflows of a closure, and the workflows' graphs, each made once however often it is run.

    Attributes:
        closure: It.
    """

    def __init__(self, closure: Closure) -> None:
        self.closure = closure
        self._graphs: dict[Workflow, networkx.DiGraph] = {}

    def task(self, key: Key, node: str) -> tasks_pb2.TaskTemplate:
        """A task's template.

        Raises:
            NodeError: The closure lacks it.
        """
        return _find(self.closure.tasks, key, node, "task", TASK_NOT_FOUND)

    def workflow(self, key: Key, node: str) -> Workflow:
        """A sub-workflow.

        Raises:
            NodeError: The closure lacks it.
        """
        return _find(self.closure.workflows, key, node, "workflow", WORKFLOW_NOT_FOUND)

    def graph(self, workflow: Workflow) -> networkx.DiGraph:
        """The graph of one of the workflows."""
        if workflow not in self._graphs:
            self._graphs[workflow] = model.of(workflow)
        return self._graphs[workflow]


def _find(table: Mapping[Key, T], key: Key, node: str, what: str, code: str) -> T:
    if key not in table:
        message = f"the closure of the workflow has no {what} {key}; register the workflow again"
        raise NodeError(message, code=code, node=node, kind="SYSTEM")
    return table[key]
