"""The nodes of an execution as Flyte 1 would show them: the compiled workflow, with the run's actions laid over it.

The driver records an action for what runs (tasks, elements of arrays, gates, ended launch plans); what only holds other
nodes together (start and end, static sub-workflows, branches, arrays) has none. Its state follows from what is below and
after it:

* it has begun when something below it has;
* it has succeeded when something after it has begun, when what encloses it has succeeded, or when all below it has;
* it has failed when something below it has, it was aborted when the execution ended otherwise.

Flyte 1 shows a node once its engine has looked at it; here, once it has begun. Of a branch only the arm that was chosen
is shown, as flyteadmin does (the others get no event, `nodes/branch/evaluator.go`).

Sources: `flytepropeller/pkg/controller/nodes/transformers.go` (which nodes are parents), `common/utils.go` (unique ids).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any

from flyteidl2.common import phase_pb2

from . import identifier, phase
from .phase import Node as P

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

START = "start-node"
END = "end-node"

_ENDED_WELL = {P.SUCCEEDED, P.SKIPPED, P.RECOVERED}
_ENDED_ILL = {P.FAILED, P.TIMED_OUT}


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
    phase: int = P.UNDEFINED
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
        """flyteadmin's `is_parent_node`: sub-workflows, and dynamic nodes once their closure is there."""
        return self.kind is Kind.SUB_WORKFLOW or self.dynamic

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
    phase: int
    started: int
    ended: int


class Tree:
    """All nodes of an execution."""

    def __init__(
        self,
        run: Run,
        closure: Any,
        actions: Mapping[str, Any],
        *,
        dynamic: Mapping[str, Any] | None = None,
        children: Mapping[str, Any] | None = None,
    ) -> None:
        """Lays the run's actions over the compiled workflow.

        Args:
            run: The run.
            closure: The `CompiledWorkflowClosure`.
            actions: The run's actions by name, without the root; of a task that runs alone, its node's id → the root.
            dynamic: The closures of dynamic nodes, by unique id.
            children: The root actions of the runs that launch plan nodes have started, by the executions' v1 names.
        """
        self.run = run
        self._actions = actions
        self._dynamic = dynamic or {}
        self._children = children or {}
        self.by_uid: dict[str, View] = {}
        self.top = self._scope(closure.primary, closure, None, 0)
        self._settle(self.top, run.phase in phase.GOOD, run.started, run.ended)

    def listed(self, parent: str = "") -> list[View]:
        """The nodes that are listed under a node, or at the top; in the order of the compiled workflow.

        Raises:
            KeyError: No node has that unique id.
        """
        return list(self.top.listed() if not parent else self.by_uid[parent].children())

    def __getitem__(self, uid: str) -> View:
        """A node that Flyte 1 would show.

        Raises:
            KeyError: There is none of that unique id.
        """
        view = self.by_uid[uid]
        if not view.listed:
            raise KeyError(uid)
        return view

    def awaited_children(self) -> list[str]:
        """v1 names of executions that launch plan nodes may have started meanwhile, and of which `children` told nothing.

        An action of such a node is recorded when its execution has ended, not before.
        """
        return [
            view.child_name
            for view in self.by_uid.values()
            if view.kind is Kind.LAUNCH_PLAN and view.child is None and self.run.started and self._may_run(view)
        ]

    def awaited_closures(self) -> list[View]:
        """Tasks that have succeeded and may be dynamic nodes, their closures recorded and not given."""
        return [
            view
            for view in self.by_uid.values()
            if view.kind is Kind.TASK and view.inner is None and identifier.closure_id(view.uid) in self._actions
        ]

    def _may_run(self, view: View) -> bool:
        if view.action is not None:
            return True
        waits = list(view.scope.before(view))
        if view.parent is not None and view.parent.kind is Kind.BRANCH:
            waits += view.scope.before(view.parent)
            if any(arm.listed for arm in view.parent.arms):
                return False
        owner = view.scope.owner
        return all(one.phase in _ENDED_WELL for one in waits) and (
            owner is None or owner.listed or self._may_run(owner)
        )

    # -- laying out ---------------------------------------------------------------------------------------------------

    def _scope(self, compiled: Any, closure: Any, owner: View | None, attempt: int) -> Scope:
        scope = Scope(compiled, closure, owner, attempt)
        prefix = owner.uid if owner is not None else ""
        template = compiled.template
        ends = {node.id: node for node in template.nodes if node.id in (START, END)}
        scope.start = self._view(scope, ends.get(START), START, Kind.START, prefix, owner)
        scope.end = self._view(scope, ends.get(END), END, Kind.END, prefix, owner)
        for node in template.nodes:
            if node.id not in ends:
                self._place(scope, node, prefix, owner)
        if template.HasField("failure_node"):
            self._place(scope, template.failure_node, prefix, owner)
        return scope

    def _view(self, scope: Scope, node: Any, spec_id: str, kind: Kind, prefix: str, parent: View | None) -> View:
        attempt = scope.attempt if parent is scope.owner else 0
        view = View(identifier.unique_id(prefix, attempt, spec_id), spec_id, kind, node, scope, parent)
        self.by_uid[view.uid] = view
        return view

    def _place(self, scope: Scope, node: Any, prefix: str, parent: View | None) -> None:
        view = self._view(scope, node, node.id, kind_of(node), prefix, parent)
        scope.views[node.id] = view
        view.action = self._actions.get(identifier.action_name(view.uid))
        match view.kind:
            case Kind.TASK:
                closure = self._dynamic.get(view.uid)
                if closure is not None:
                    view.inner = self._expand(closure, view)
            case Kind.SUB_WORKFLOW:
                view.inner = self._scope(_sub_workflow(scope.closure, node), scope.closure, view, 0)
            case Kind.BRANCH:
                for inner in arms(node):
                    self._place(scope, inner, view.uid, view)
                    view.arms.append(scope.views[inner.id])
            case Kind.ARRAY:
                view.elements = list(self._elements(view))
            case Kind.LAUNCH_PLAN:
                view.child_name = identifier.child_execution_name(self.run.name, view.uid)
                view.child = self._children.get(view.child_name)

    def _expand(self, closure: Any, view: View) -> Scope:
        """What a dynamic node runs; the attempt that left it is the last, unless an earlier one's nodes are there."""
        last = max(0, (view.action.status.attempts if view.action is not None else 1) - 1)
        ids = [node.id for node in closure.primary.template.nodes if node.id not in (START, END)]
        for attempt in range(last, -1, -1):
            names = (identifier.action_name(identifier.unique_id(view.uid, attempt, one)) for one in ids)
            if any(name in self._actions for name in names):
                last = attempt
                break
        return self._scope(closure.primary, closure, view, last)

    def _elements(self, view: View) -> Iterator[tuple[int, Any]]:
        """An array's elements: they begin in order, but for those that an earlier driver has left."""
        missing = index = 0
        while missing < _GAP:
            action = self._actions.get(identifier.action_name(identifier.element_id(view.uid, index)))
            if action is None:
                missing += 1
            else:
                missing = 0
                yield index, action
            index += 1

    # -- what follows from what is there ------------------------------------------------------------------------------

    def _settle(self, scope: Scope, good: bool, started: int, ended: int) -> None:
        """Gives every node of a workflow its phase and times.

        Args:
            scope: The workflow.
            good: Whether it is known to have succeeded.
            started: When it began, 0 if it has not.
            ended: When it ended, 0 if it has not.
        """
        for view in reversed(scope.views.values()):  # what comes after a node tells whether it has succeeded
            if view.parent is scope.owner:
                self._judge(view, good)
        if started:
            _mark(scope.start, P.SUCCEEDED, started, started, started)
        if good and ended:
            _mark(scope.end, P.SUCCEEDED, ended, ended, ended)

    def _judge(self, view: View, good: bool) -> None:
        passed = good or any(self._begun(one) for one in view.scope.after(view))
        if view.kind is Kind.TASK and view.inner is not None and view.action is not None:
            self._judge_dynamic(view, passed)
        elif view.action is not None:
            self._mark_action(view, view.action)
        elif view.child is not None:
            self._mark_action(view, view.child)
            view.phase = P.RUNNING if view.phase == P.QUEUED else view.phase
        elif view.kind is Kind.SUB_WORKFLOW and view.inner is not None:
            self._judge_composite(view, list(view.inner.views.values()), passed)
            self._settle(view.inner, view.phase == P.SUCCEEDED, view.created, view.ended)
            self._judge_composite(view, [one for one in view.inner.views.values() if one.parent is view], passed)
            self._settle(view.inner, view.phase == P.SUCCEEDED, view.created, view.ended)
        elif view.kind is Kind.BRANCH:
            for arm in view.arms:
                self._judge(arm, passed and self._begun(arm))
            self._judge_composite(view, view.arms, passed, one_is_enough=True)
        elif view.kind is Kind.ARRAY:
            self._judge_array(view, passed)

    def _judge_dynamic(self, view: View, passed: bool) -> None:
        self._mark_action(view, view.action)
        if view.phase not in _ENDED_WELL or view.inner is None:
            return
        ended_task = view.ended
        own = [one for one in view.inner.views.values() if one.parent is view]
        self._settle(view.inner, passed, ended_task, 0)
        phases = self._phase_below(own, passed)
        view.phase = P.DYNAMIC_RUNNING if phases == P.RUNNING else phases
        ends = [one.ended for one in own if one.ended]
        view.ended = max([ended_task, *ends]) if view.phase in phase.NODE_ENDED else 0
        self._settle(view.inner, view.phase == P.SUCCEEDED, ended_task, view.ended)

    def _judge_composite(self, view: View, below: list[View], passed: bool, *, one_is_enough: bool = False) -> None:
        begun = [one for one in below if self._begun(one)]
        if not begun:
            view.phase = P.UNDEFINED
            return
        view.phase = self._phase_below(begun if one_is_enough else below, passed)
        times = [one.created for one in begun if one.created]
        view.created = view.started = min(times) if times else self.run.started
        ends = [one.ended for one in begun if one.ended]
        view.ended = (max(ends) if ends else self.run.ended) if view.phase in phase.NODE_ENDED else 0

    def _judge_array(self, view: View, passed: bool) -> None:
        if not view.elements:
            return
        states = [phase.node(action.status.phase) for _, action in view.elements]
        if passed:
            view.phase = P.SUCCEEDED
        elif any(state not in phase.NODE_ENDED for state in states) or not self.run.ended:
            view.phase = P.RUNNING
        else:
            view.phase = P.FAILED if any(state in _ENDED_ILL for state in states) else P.ABORTED
        times = [_created(action) for _, action in view.elements]
        view.created = view.started = min(times)
        if view.phase in phase.NODE_ENDED:
            view.ended = max(_ended(action) for _, action in view.elements) or self.run.ended

    def _phase_below(self, below: Iterable[View], passed: bool) -> int:
        """The phase of what only holds nodes together, by theirs."""
        below = list(below)
        if passed:
            return int(P.SUCCEEDED)
        active = any(one.listed and one.phase not in phase.NODE_ENDED for one in below)
        if any(one.phase in _ENDED_ILL for one in below):
            return int(P.FAILING if active and not self.run.ended else P.FAILED)
        failure = below[0].scope.compiled.template.failure_node.id if below else ""
        if all(one.phase in _ENDED_WELL or (one.spec_id == failure and not one.listed) for one in below):
            return int(P.SUCCEEDED)
        return int(P.ABORTED if self.run.ended else P.RUNNING)

    def _begun(self, view: View) -> bool:
        if view.action is not None or view.child is not None or view.elements:
            return True
        if view.kind is Kind.BRANCH:
            return any(self._begun(arm) for arm in view.arms)
        return view.inner is not None and any(self._begun(one) for one in view.inner.views.values())

    def _mark_action(self, view: View, action: Any) -> None:
        created, ended = _created(action), _ended(action)
        state = phase.node(action.status.phase)
        ran = state not in {P.QUEUED, P.UNDEFINED} and (action.status.attempts > 0 or state != P.ABORTED)
        _mark(view, state or int(P.QUEUED), created, created if ran else 0, ended)


_GAP = 64
"""Elements in a row that may be missing before an array's last is taken for found."""


def _mark(view: View, state: int, created: int, started: int, ended: int) -> None:
    view.phase, view.created, view.started, view.ended = int(state), created, started, ended


def _created(action: Any) -> int:
    return int(action.status.start_time.ToNanoseconds())


def _ended(action: Any) -> int:
    return int(action.status.end_time.ToNanoseconds()) if action.status.HasField("end_time") else 0


def arms(node: Any) -> list[Any]:
    """The nodes in a branch's arms."""
    block = node.branch_node.if_else
    inner = [arm.then_node for arm in (block.case, *block.other) if arm.HasField("then_node")]
    return [*inner, block.else_node] if block.HasField("else_node") else inner


def _sub_workflow(closure: Any, node: Any) -> Any:
    wanted = node.workflow_node.sub_workflow_ref
    for one in (*closure.sub_workflows, closure.primary):
        if one.template.id == wanted:
            return one
    raise KeyError(f"the compiled workflow lacks sub-workflow {wanted.name!r} {wanted.version!r}; register it again")


def paused(action: Any) -> bool:
    """Whether a condition waits to be answered."""
    return bool(action.status.phase == phase_pb2.ACTION_PHASE_PAUSED)
