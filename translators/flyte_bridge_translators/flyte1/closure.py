"""Workflows, and everything that a compiled one carries along."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from flyte_bridge_translators.flyte1.nodes import ArrayNode, LaunchPlanNode, Node, SubWorkflowNode, TaskNode

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from flyteidl.core import compiler_pb2, interface_pb2, tasks_pb2, types_pb2, workflow_pb2

    from flyte_bridge_translators.flyte1.bindings import Binding
    from flyte_bridge_translators.flyte1.nodes import Key


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Workflow:
    """A workflow.

    Attributes:
        key: Its identifier.
        nodes: Its nodes in the order of its text, without start and end.
        outputs: Where its outputs come from.
        interface: What it takes and gives.
        failure: What runs after a failure.
        goes_on: Whether nodes that can still run do so after a failure.
        interruptible: Whether its nodes may be interrupted that say nothing of it.
        upstream, downstream: Edges between ids, start, end and the nodes in arms included, as the compiler wrote them.
    """

    key: Key
    nodes: tuple[Node, ...]
    outputs: tuple[Binding, ...]
    interface: interface_pb2.TypedInterface
    failure: Node | None = None
    goes_on: bool = False
    interruptible: bool = False
    upstream: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    downstream: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def walk(self) -> Iterator[Node]:
        """Every node, those in arms of branches and the failure node included."""
        for node in self.nodes:
            yield from node.walk()
        if self.failure is not None:
            yield from self.failure.walk()


@dataclass(frozen=True, eq=False, slots=True)
class Closure:
    """A workflow, and what its nodes refer to.

    Attributes:
        primary: The workflow itself.
        workflows: The static ones it uses.
        tasks: Templates of tasks.
        launch_plans: Templates of launch plans, where the closure has them (those of dynamic nodes do).
        message: What it was read from, for those who pass it on.
    """

    primary: Workflow
    workflows: Mapping[Key, Workflow]
    tasks: Mapping[Key, tasks_pb2.TaskTemplate]
    launch_plans: Mapping[Key, workflow_pb2.LaunchPlanTemplate]
    message: compiler_pb2.CompiledWorkflowClosure

    def task_of(self, node: Node) -> tasks_pb2.TaskTemplate | None:
        """The template of a node's task; for an array, of its elements' task. None when the node has no task."""
        called = node.element if isinstance(node, ArrayNode) else node
        return self.tasks.get(called.task) if isinstance(called, TaskNode) else None

    def workflow_of(self, node: Node) -> Workflow | None:
        """The workflow that a node runs in the same execution, or None when it runs none."""
        called = node.element if isinstance(node, ArrayNode) else node
        return self.workflows.get(called.workflow) if isinstance(called, SubWorkflowNode) else None

    def interface_of(self, node: Node) -> interface_pb2.TypedInterface | None:
        """The interface of what a node calls; None if it calls nothing, or the closure does not say."""
        called: tasks_pb2.TaskTemplate | Workflow | workflow_pb2.LaunchPlanTemplate | None = None
        match node:
            case TaskNode():
                called = self.tasks.get(node.task)
            case SubWorkflowNode():
                called = self.workflows.get(node.workflow)
            case LaunchPlanNode():
                called = self.launch_plans.get(node.launch_plan)
        return called.interface if called is not None else None

    def input_types(self, node: Node) -> Mapping[str, types_pb2.LiteralType] | None:
        """The types of a node's inputs by name; None where the closure does not say."""
        interface = self.interface_of(node)
        if interface is None:
            return None
        return {name: variable.type for name, variable in interface.inputs.variables.items()}
