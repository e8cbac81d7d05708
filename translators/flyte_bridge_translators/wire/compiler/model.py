"""What the compiler holds while it builds a workflow."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, auto
from typing import TYPE_CHECKING, TypeAlias

from flyteidl.core import compiler_pb2, identifier_pb2, interface_pb2, tasks_pb2, workflow_pb2

from flyte_bridge_translators.flyte1.names import START

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flyteidl.admin import launch_plan_pb2

Key: TypeAlias = tuple[int, str, str, str, str]
Variables: TypeAlias = "dict[str, interface_pb2.Variable]"


def key(identifier: identifier_pb2.Identifier) -> Key:
    """What an identifier says, for use in dictionaries; sorted as flyteadmin sorts identifiers."""
    return (identifier.resource_type, identifier.project, identifier.domain, identifier.name, identifier.version)


class Direction(Enum):
    """Which ends of an edge are told of it."""

    BOTH = auto()
    UPSTREAM = auto()
    """Only the node itself: nodes inside a branch and failure nodes are not entered from above."""


@dataclass(frozen=True)
class Interface:
    """What a node takes and gives."""

    inputs: Variables = field(default_factory=dict)
    outputs: Variables = field(default_factory=dict)


class NodeState:
    """A node, and what is found out about it. One per message, so that a message reached twice is checked once.

    Attributes:
        core: The message itself, changed in place: promises get their node, nodes inside a branch their full id.
        interface: What it takes and gives; None before that is known, or when that failed.
    """

    __slots__ = ("core", "effective", "id", "interface", "kind", "name")

    def __init__(self, core: workflow_pb2.Node) -> None:
        self.core = core
        self.id = core.id
        self.kind = core.WhichOneof("target")
        self.name = core.metadata.name if core.HasField("metadata") else None
        self.interface: Interface | None = None
        self.effective: tuple[Variables | None, tuple[tuple[str, str], ...]] | None = None

    def rename(self, id_: str) -> None:
        """Give it another id, in the message too."""
        self.core.id = self.id = id_


class SubWorkflow:
    """A sub-workflow that was handed in, and how it looks compiled once a node refers to it."""

    __slots__ = ("compiled", "template")

    def __init__(self, template: workflow_pb2.WorkflowTemplate) -> None:
        self.template = template
        self.compiled: compiler_pb2.CompiledWorkflow | None = None


@dataclass(frozen=True)
class Library:
    """Everything that a workflow may refer to.

    Attributes:
        tasks: Task templates, copies of ours.
        interfaces: What these tasks take and give.
        sub_workflows: The sub-workflows, at any depth.
        launch_plans: Registered launch plans with their closures.
    """

    tasks: Mapping[Key, tasks_pb2.TaskTemplate]
    interfaces: dict[Key, Interface]
    sub_workflows: Mapping[Key, SubWorkflow]
    launch_plans: Mapping[Key, launch_plan_pb2.LaunchPlan]


class WorkflowDraft:
    """A workflow while it is built.

    Attributes:
        compiled: The result; its template is ours to change, its connections are written by `connect`.
        nodes: The nodes of its top level, by id, with start and end.
    """

    def __init__(self, compiled: compiler_pb2.CompiledWorkflow, library: Library) -> None:
        self.compiled = compiled
        self.template = compiled.template
        self.id = key(compiled.template.id)
        self.library = library
        self.nodes: dict[str, NodeState] = {}
        self.done: set[Key] = set()
        self.upstream: dict[str, set[str]] = {}
        self.downstream: dict[str, set[str]] = {}
        self._states: dict[int, NodeState] = {}

    def state(self, node: workflow_pb2.Node) -> NodeState:
        """What is known about a node; the state keeps the message alive, which keeps its identity."""
        state = self._states.get(id(node))
        if state is None:
            state = self._states[id(node)] = NodeState(node)
        return state

    def edge(self, provider: str, dependent: str, direction: Direction) -> None:
        """Note that `dependent` starts when `provider` has ended."""
        self.upstream.setdefault(dependent, set()).add(provider or START)
        if direction is Direction.BOTH:
            self.downstream.setdefault(provider or START, set()).add(dependent)

    def connect(self) -> None:
        """Write the edges into the result, sorted."""
        connections = self.compiled.connections
        connections.Clear()
        connections.SetInParent()
        for lists, edges in ((connections.upstream, self.upstream), (connections.downstream, self.downstream)):
            for node, others in edges.items():
                lists[node].ids.extend(sorted(others))
