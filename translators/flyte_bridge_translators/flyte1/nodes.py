"""The kinds of nodes of a compiled workflow. Nodes compare by identity, so that two equal calls are two nodes."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, ClassVar, NamedTuple

from flyteidl.core import identifier_pb2
from google.protobuf import duration_pb2

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flyteidl.core import types_pb2, workflow_pb2

    from flyte_bridge_translators.flyte1.bindings import Binding
    from flyte_bridge_translators.flyte1.conditions import Condition


class Key(NamedTuple):
    """What tells one task, workflow or launch plan from another of its kind."""

    project: str
    domain: str
    name: str
    version: str

    def identifier(self, kind: identifier_pb2.ResourceType) -> identifier_pb2.Identifier:
        """As a message has it."""
        return identifier_pb2.Identifier(resource_type=kind, **self._asdict())

    def __str__(self) -> str:
        """As flyteadmin writes it."""
        return ":".join(self)


class NodeKind(Enum):
    """What a node is."""

    START = "start"
    END = "end"
    TASK = "task"
    SUB_WORKFLOW = "sub-workflow"
    LAUNCH_PLAN = "launch plan"
    BRANCH = "branch"
    GATE = "gate"
    ARRAY = "array"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Overrides:
    """What a node says of itself; None for what it leaves to its task.

    Attributes:
        retries: How often it is tried again after it has failed.
        timeout: How long it may take.
        interruptible: Whether it may be interrupted.
        cacheable, cache_version, cache_serializable: How it is cached.
    """

    retries: int = 0
    timeout: duration_pb2.Duration | None = None
    interruptible: bool | None = None
    cacheable: bool | None = None
    cache_version: str | None = None
    cache_serializable: bool | None = None

    @property
    def seconds(self) -> float:
        """How long the node may take, 0 for no limit."""
        return 0.0 if self.timeout is None else self.timeout.seconds + self.timeout.nanos / 1e9


NOTHING = Overrides()
"""What nodes say that say nothing."""


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Node:
    """A node; one of this very class calls nothing that is known.

    Attributes:
        id: Unique in its workflow.
        title: What its author calls it; empty if nobody has named it.
        bindings: Where its inputs come from.
        upstream: Ids of the nodes that it waits for, those that it is bound to first.
        overrides: What it says of itself.
        bound: Ids of the nodes it is bound to.
    """

    kind: ClassVar[NodeKind] = NodeKind.UNKNOWN
    cost: ClassVar[int] = 1
    """How many actions in a row it takes at least."""

    id: str
    title: str = ""
    bindings: tuple[Binding, ...] = ()
    upstream: tuple[str, ...] = ()
    overrides: Overrides = NOTHING
    bound: tuple[str, ...] = ()

    @property
    def calls(self) -> Key | None:
        """The task, workflow or launch plan that it, or each of its elements, calls."""
        return None

    @property
    def arms(self) -> tuple[Node, ...]:
        """The nodes in the arms of a branch; none of any other."""
        return ()

    def walk(self) -> Iterator[Node]:
        """Itself, and what is in its arms, at any depth."""
        yield self
        for arm in self.arms:
            yield from arm.walk()

    def sources(self) -> set[str]:
        """Ids of the nodes whose outputs it needs, itself or in its arms."""
        return {source for node in self.walk() for source in node.bound}

    def __str__(self) -> str:
        """Its id."""
        return self.id


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class TaskNode(Node):
    """A call of a task.

    Attributes:
        task: Which.
        resources: What it has instead of the task's resources, image and pod.
    """

    kind: ClassVar[NodeKind] = NodeKind.TASK
    task: Key
    resources: workflow_pb2.TaskNodeOverrides

    @property
    def calls(self) -> Key:
        """The task."""
        return self.task


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class SubWorkflowNode(Node):
    """A static workflow, run in the same execution."""

    kind: ClassVar[NodeKind] = NodeKind.SUB_WORKFLOW
    workflow: Key

    @property
    def calls(self) -> Key:
        """The workflow."""
        return self.workflow


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class LaunchPlanNode(Node):
    """A launch plan, run as an execution of its own."""

    kind: ClassVar[NodeKind] = NodeKind.LAUNCH_PLAN
    launch_plan: Key

    @property
    def calls(self) -> Key:
        """The launch plan."""
        return self.launch_plan


@dataclass(frozen=True, slots=True)
class Arm:
    """A condition, and what runs when it is the first to hold; `node` is None only in a broken closure."""

    condition: Condition
    node: Node | None


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class BranchNode(Node):
    """A conditional: the first arm whose condition holds runs, else `otherwise`.

    Attributes:
        cases: The arms with a condition.
        otherwise: The node of the `else`, or the message of a `fail`; None if there is neither.
    """

    kind: ClassVar[NodeKind] = NodeKind.BRANCH
    cost: ClassVar[int] = 0
    cases: tuple[Arm, ...] = ()
    otherwise: Node | str | None = None

    @property
    def arms(self) -> tuple[Node, ...]:
        """The nodes in its arms, that of the `else` last."""
        cases = tuple(arm.node for arm in self.cases if arm.node is not None)
        return (*cases, self.otherwise) if isinstance(self.otherwise, Node) else cases


class Awaited(Enum):
    """What a gate waits for."""

    APPROVAL = "approval"
    INPUT = "input"
    TIME = "time"
    NOTHING = "nothing"


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class GateNode(Node):
    """A step that waits: for an approval, for an input, or for time to pass.

    Attributes:
        awaited: For what.
        signal: Id of the signal that answers it.
        type: The answer's type.
        output: Name of the output that an input becomes.
        duration: How long it sleeps.
    """

    kind: ClassVar[NodeKind] = NodeKind.GATE
    awaited: Awaited
    signal: str
    type: types_pb2.LiteralType
    output: str
    duration: duration_pb2.Duration


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class ArrayNode(Node):
    """One run of a node per element of its mapped inputs.

    Attributes:
        element: What is run; its own bindings say nothing.
        bound_inputs: Names of the inputs that all elements share.
        parallelism: How many run at once, 0 for all; None if the array says nothing.
        min_successes, min_success_ratio: How many have to succeed; None for all.
        individual_inputs: Whether each element's inputs are in a file of their own.
        original_interface: Whether the task takes and gives what one element does, not lists.
        run_all: Whether the others go on when the array is lost already.
    """

    kind: ClassVar[NodeKind] = NodeKind.ARRAY
    element: Node
    bound_inputs: frozenset[str] = frozenset()
    parallelism: int | None = None
    min_successes: int | None = None
    min_success_ratio: float | None = None
    individual_inputs: bool = False
    original_interface: bool = False
    run_all: bool = False

    @property
    def calls(self) -> Key | None:
        """What each element calls."""
        return self.element.calls
