"""A node of an execution, and the workflow it is in; `node_tree` makes them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from flyte_bridge_translators.flyte1.nodes import ArrayNode, LaunchPlanNode, NodeKind
from flyte_bridge_translators.wire.phase import Node as P

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from flyteidl2.common import phase_pb2
    from flyteidl2.workflow import run_definition_pb2

    from flyte_bridge_translators.flyte1.closure import Closure, Workflow
    from flyte_bridge_translators.flyte1.nodes import Node

    Action: TypeAlias = run_definition_pb2.Action | run_definition_pb2.ActionDetails


@dataclass(eq=False)
class View:
    """A node of an execution.

    Attributes:
        uid: Its id, unique in the execution: what Flyte 1 calls the node execution's id.
        spec_id: Its id in the compiled workflow.
        kind: What it is.
        node: The closure's; None of start and end.
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
    kind: NodeKind
    node: Node | None
    scope: NestedWorkflow
    parent: View | None
    action: Action | None = None
    elements: list[tuple[int, Action]] = field(default_factory=list)
    inner: NestedWorkflow | None = None
    arms: list[View] = field(default_factory=list)
    child: Action | None = None
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
    def retries(self) -> int:
        """How often it is tried again after it has failed."""
        return self.node.overrides.retries if self.node is not None else 0

    @property
    def dynamic(self) -> bool:
        """Whether it is a dynamic node whose closure is known."""
        return self.kind is NodeKind.TASK and self.inner is not None

    @property
    def is_parent(self) -> bool:
        """flyteadmin's `is_parent_node`: sub-workflows, branches, and dynamic nodes once their closure is there.

        flyteadmin marks a branch when its first arm is recorded (`transformers/node_execution.go`). flytekit up to 1.15
        breaks off on one that is not marked, so it is marked from the beginning.
        """
        return self.kind in (NodeKind.SUB_WORKFLOW, NodeKind.BRANCH) or self.dynamic

    def children(self) -> Iterator[View]:
        """What is listed under it."""
        if self.inner is not None:
            yield from self.inner.listed()
        yield from (arm for arm in self.arms if arm.listed)


@dataclass(eq=False)
class NestedWorkflow:
    """A workflow within an execution.

    Attributes:
        workflow: It.
        closure: What it refers to.
        owner: The node that runs it; None for the execution's own workflow.
        attempt: Which attempt of the owner it belongs to, from 0.
        views: Its nodes by id, those in arms of branches and the failure node included, start and end not.
        start, end: Those two.
    """

    workflow: Workflow
    closure: Closure
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
        return self._known(self.workflow.downstream.get(view.spec_id, ()))

    def before(self, view: View) -> Iterator[View]:
        """The nodes that a node waits for."""
        return self._known(self.workflow.upstream.get(view.spec_id, ()))

    def _known(self, names: Iterable[str]) -> Iterator[View]:
        return (self.views[name] for name in names if name in self.views)


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


def is_map_of_plans(view: View) -> bool:
    """Whether a node is an array whose elements are executions of a launch plan."""
    return isinstance(view.node, ArrayNode) and isinstance(view.node.element, LaunchPlanNode)
