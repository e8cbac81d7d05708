"""A node of an execution, and the workflow it is in; `node_tree` makes them."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any

from flyte_bridge_translators.wire.phase import Node as P

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flyteidl2.common import phase_pb2

START = "start-node"
END = "end-node"


class Kind(Enum):
    """What a node is."""

    START = "start"
    END = "end"
    TASK = "task"
    SUB_WORKFLOW = "sub-workflow"
    LAUNCH_PLAN = "launch plan"
    BRANCH = "branch"
    GATE = "gate"
    ARRAY = "array"


def kind_of(node: Any) -> Kind:
    """What a closure's `Node` is."""
    match node.WhichOneof("target"):
        case "task_node":
            return Kind.TASK
        case "workflow_node":
            by_plan = node.workflow_node.WhichOneof("reference") == "launchplan_ref"
            return Kind.LAUNCH_PLAN if by_plan else Kind.SUB_WORKFLOW
        case "branch_node":
            return Kind.BRANCH
        case "gate_node":
            return Kind.GATE
        case "array_node":
            return Kind.ARRAY
    return Kind.START if node.id == START else Kind.END


@dataclass(eq=False)
class View:
    """A node of an execution.

    Attributes:
        uid: Its id, unique in the execution: what Flyte 1 calls the node execution's id.
        spec_id: Its id in the compiled workflow.
        kind: What it is.
        node: The closure's `Node`; of start and end too.
        scope: The workflow it is in.
        parent: The view it is listed under, None at the top: a sub-workflow, a dynamic node, a branch.
        action: The action of its name, as `ListActions` tells it.
        elements: Of an array: index and action, those that have begun.
        inner: What a sub-workflow or a dynamic node runs.
        arms: The nodes of a branch's arms.
        child: The root action of a launch plan node's run.
        child_name: v1 name of the execution that a launch plan node starts.
        phase: As Flyte 1 says it; UNDEFINED until it has begun.
        created, started, ended: Nanoseconds since the epoch, 0 for not yet.
    """

    uid: str
    spec_id: str
    kind: Kind
    node: Any
    scope: Scope
    parent: View | None
    action: Any = None
    elements: list[tuple[int, Any]] = field(default_factory=list)
    inner: Scope | None = None
    arms: list[View] = field(default_factory=list)
    child: Any = None
    child_name: str = ""
    phase: P.Phase = P.UNDEFINED
    created: int = 0
    started: int = 0
    ended: int = 0

    @property
    def listed(self) -> bool:
        """Whether Flyte 1 would show it by now."""
        return bool(self.phase != P.UNDEFINED)

    @property
    def dynamic(self) -> bool:
        """Whether it is a dynamic node whose closure is known."""
        return self.kind is Kind.TASK and self.inner is not None

    @property
    def is_parent(self) -> bool:
        """flyteadmin's `is_parent_node`: sub-workflows, branches, and dynamic nodes once their closure is there.

        flyteadmin marks a branch when its first arm is recorded (`transformers/node_execution.go`). flytekit up to 1.15
        breaks off on one that is not marked, so it is marked from the beginning.
        """
        return self.kind in (Kind.SUB_WORKFLOW, Kind.BRANCH) or self.dynamic

    def children(self) -> Iterator[View]:
        """What is listed under it."""
        if self.inner is not None:
            yield from self.inner.listed()
        yield from (arm for arm in self.arms if arm.listed)


@dataclass(eq=False)
class Scope:
    """A workflow within an execution.

    Attributes:
        compiled: Its `CompiledWorkflow`.
        closure: The `CompiledWorkflowClosure` whose tables hold what it refers to.
        owner: The node that runs it; None for the execution's own workflow.
        attempt: Which attempt of the owner it belongs to, from 0.
        views: Its nodes by id, those in arms of branches and the failure node included, start and end not.
        start, end: Those two.
    """

    compiled: Any
    closure: Any
    owner: View | None
    attempt: int
    views: dict[str, View] = field(default_factory=dict)
    start: View = field(init=False)
    end: View = field(init=False)

    def listed(self) -> Iterator[View]:
        """The nodes that Flyte 1 would show as this workflow's own: not those in arms."""
        below = self.owner
        for view in (self.start, *self.views.values(), self.end):
            if view.listed and view.parent is below:
                yield view

    def after(self, view: View) -> Iterator[View]:
        """The nodes that wait for a node."""
        for name in self.compiled.connections.downstream[view.spec_id].ids:
            if name in self.views:
                yield self.views[name]

    def before(self, view: View) -> Iterator[View]:
        """The nodes that a node waits for."""
        for name in self.compiled.connections.upstream[view.spec_id].ids:
            if name in self.views:
                yield self.views[name]


@dataclass(frozen=True)
class Run:
    """What the tree needs to know of the run itself.

    Attributes:
        name: The execution's v1 name.
        phase: Of the root action, as Flyte 2 says it.
        started: When the root first ran, nanoseconds since the epoch; 0 if it has not.
        ended: When it ended; 0 if it has not.
    """

    name: str
    phase: phase_pb2.ActionPhase
    started: int
    ended: int


def arms(node: Any) -> list[Any]:
    """The nodes in a branch's arms."""
    block = node.branch_node.if_else
    inner = [arm.then_node for arm in (block.case, *block.other) if arm.HasField("then_node")]
    return [*inner, block.else_node] if block.HasField("else_node") else inner


def retries(node: Any) -> int:
    """How often a node is tried again after it has failed."""
    return int(node.metadata.retries.retries)


def is_map_of_plans(view: View) -> bool:
    """Whether a node is an array whose elements are executions of a launch plan."""
    return (
        view.kind is Kind.ARRAY and view.node.array_node.node.workflow_node.WhichOneof("reference") == "launchplan_ref"
    )
