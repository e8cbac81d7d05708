"""The nodes of an execution as Flyte 1 would show them: the compiled workflow, with the run's actions laid over it.

The driver records an action for what runs (tasks, elements of arrays, gates, ended launch plans); what only holds other
nodes together (start and end, static sub-workflows, branches, arrays) has none. Its state follows from what is below and
after it:

* it has begun when something below it has;
* it has succeeded when something after it has begun, when what encloses it has succeeded, or when all below it has;
* it has failed when something below it has, it was aborted when the execution ended otherwise;
* it is skipped when what it waits for has failed, in a workflow that goes on after failures.

A dynamic task's action ends before what it leaves has been compiled: until that is recorded, the node runs.

Flyte 1 shows a node once its engine has looked at it; here, once it has begun. Of a branch only the arm that was chosen
is shown, as flyteadmin does (the others get no event, `nodes/branch/evaluator.go`).

Sources: `flytepropeller/pkg/controller/nodes/transformers.go` (which nodes are parents), `common/utils.go` (unique ids).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from flyteidl2.workflow import run_definition_pb2

from flyte_bridge_translators.flyte1.names import END, START
from flyte_bridge_translators.flyte1.nodes import Awaited, GateNode, NodeKind
from flyte_bridge_translators.wire import identifier, phase, process
from flyte_bridge_translators.wire.node_view import NestedWorkflow, Run, View, is_map_of_plans
from flyte_bridge_translators.wire.phase import Node as P

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

    from flyteidl2.common import phase_pb2

    from flyte_bridge_translators.flyte1.closure import Closure, Workflow
    from flyte_bridge_translators.flyte1.nodes import Node
    from flyte_bridge_translators.wire.node_view import Action

_T = TypeVar("_T", "NestedWorkflow", "list[View]")

__all__ = ["NestedWorkflow", "NodeKind", "Run", "Tree", "View"]

_ENDED_WELL = {P.SUCCEEDED, P.SKIPPED, P.RECOVERED}
_ENDED_ILL = {P.FAILED, P.TIMED_OUT}


class Tree:
    """All nodes of an execution."""

    def __init__(
        self,
        run: Run,
        closure: Closure,
        actions: Mapping[str, Action],
        *,
        dynamic: Mapping[str, Closure] | None = None,
        children: Mapping[str, Action | None] | None = None,
        rejected: Collection[str] = (),
        outlives: bool = False,
    ) -> None:
        """Lays the run's actions over the compiled workflow.

        Args:
            run: The run.
            closure: The compiled workflow.
            actions: The run's actions by name, without the root; of a task that runs alone, its node's id → the root.
            dynamic: The closures of dynamic nodes, by unique id.
            children: The root actions of the runs that launch plan nodes have started, by the executions' v1 names.
            rejected: Unique ids of gates that were answered, with a no.
            outlives: An action lasts longer than those below it, and its phase counts whatever theirs are, as in runs
                that were born in Flyte 2. A dynamic node of Flyte 1 goes on when its task has ended.
        """
        self.run = run
        self._actions = actions
        self._dynamic = dynamic or {}
        self._children = children or {}
        self._rejected = rejected
        self.outlives = outlives
        self._goes_on = closure.primary.goes_on
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
            name
            for view in self.by_uid.values()
            if self.run.started and (view.kind is NodeKind.LAUNCH_PLAN or is_map_of_plans(view)) and self._may_run(view)
            for name in self._unasked(view)
        ]

    def _unasked(self, view: View) -> Iterator[str]:
        if view.kind is NodeKind.ARRAY:
            if view.action is None:
                yield from self._unasked_elements(view)
            return
        if view.action is not None and view.action.status.phase in phase.GOOD:
            return
        for name in self._child_names(view):
            if name not in self._children:
                yield name
                return
            child = self._children[name]
            if child is None or child.status.phase not in phase.TERMINAL or child.status.phase in phase.GOOD:
                return

    def _unasked_elements(self, view: View) -> Iterator[str]:
        """The next executions of a mapped launch plan: they are started in order."""
        index = len(view.elements)
        names = (self._element_child(view, one) for one in range(index, index + _AHEAD))
        for name in names:
            if name in self._children:
                return
            yield name

    def _element_child(self, view: View, index: int) -> str:
        return identifier.child_execution_name(self.run.name, identifier.element_id(view.uid, index))

    def _child_names(self, view: View) -> Iterator[str]:
        for attempt in range(view.retries + 1):
            yield identifier.child_execution_name(self.run.name, view.uid, attempt)

    def awaited_closures(self) -> list[View]:
        """Tasks that have succeeded and may be dynamic nodes, their closures recorded and not given."""
        return [
            view
            for view in self.by_uid.values()
            if view.kind is NodeKind.TASK and view.inner is None and self._closure_phase(view) in phase.GOOD
        ]

    def _closure_phase(self, view: View) -> phase_pb2.ActionPhase | None:
        """How the compilation of a dynamic node has ended; None where none is recorded."""
        record = self._actions.get(identifier.closure_id(view.uid))
        return record.status.phase if record is not None else None

    def approvals(self) -> list[tuple[str, Action]]:
        """Gates that were answered with a yes or a no, and their actions; a no is no failure to Flyte 2, but to Flyte 1 it is."""
        return [
            (view.uid, view.action)
            for view in self.by_uid.values()
            if isinstance(view.node, GateNode)
            and view.node.awaited is Awaited.APPROVAL
            and view.action is not None
            and view.action.status.phase in phase.GOOD
        ]

    def _may_run(self, view: View) -> bool:
        if view.action is not None or view.elements:
            return True
        waits = list(view.scope.before(view))
        if view.parent is not None and view.parent.kind is NodeKind.BRANCH:
            waits += view.scope.before(view.parent)
            if any(arm.listed for arm in view.parent.arms):
                return False
        owner = view.scope.owner
        return all(one.phase in _ENDED_WELL for one in waits) and (
            owner is None or owner.listed or self._may_run(owner)
        )

    # -- laying out ---------------------------------------------------------------------------------------------------

    def _scope(self, workflow: Workflow, closure: Closure, owner: View | None, attempt: int) -> NestedWorkflow:
        scope = NestedWorkflow(workflow, closure, owner, attempt)
        scope.start = self._view(scope, START, NodeKind.START, owner, attempt)
        scope.end = self._view(scope, END, NodeKind.END, owner, attempt)
        for node in workflow.nodes:
            self._place(scope, node, owner, attempt)
        if workflow.failure is not None:
            self._place(scope, workflow.failure, owner, attempt)
        return scope

    def _view(
        self,
        scope: NestedWorkflow,
        spec_id: str,
        kind: NodeKind,
        parent: View | None,
        attempt: int,
        node: Node | None = None,
    ) -> View:
        prefix = parent.uid if parent is not None else ""
        view = View(identifier.unique_id(prefix, attempt, spec_id), spec_id, kind, node, scope, parent)
        self.by_uid[view.uid] = view
        return view

    def _place(self, scope: NestedWorkflow, node: Node, parent: View | None, attempt: int) -> View:
        view = self._view(scope, node.id, node.kind, parent, attempt, node)
        scope.views[node.id] = view
        view.action = self._last_tried(view.uid)
        match view.kind:
            case NodeKind.TASK:
                closure = self._dynamic.get(view.uid)
                if closure is not None:
                    view.inner = self._expand(closure, view)
            case NodeKind.SUB_WORKFLOW:
                inner = _sub_workflow(scope.closure, node)
                view.inner = self._last_begun(view, lambda attempt: self._scope(inner, scope.closure, view, attempt))
            case NodeKind.BRANCH:
                view.arms = self._last_begun(
                    view, lambda attempt: [self._place(scope, arm, view, attempt) for arm in node.arms]
                )
            case NodeKind.ARRAY:
                view.elements = list(self._elements(view))
            case NodeKind.LAUNCH_PLAN:
                view.child_name = identifier.child_execution_name(self.run.name, view.uid)
                for name in self._child_names(view):
                    if self._children.get(name) is not None:
                        view.child_name, view.child = name, self._children[name]
        return view

    def _last_tried(self, uid: str) -> Action | None:
        """A node's action; of one that the driver itself has tried again the last."""
        action, again = self._actions.get(identifier.action_name(uid)), 1
        while action is not None and (following := self._actions.get(identifier.tried_action(uid, again))) is not None:
            action, again = following, again + 1
        return action

    def _last_begun(self, view: View, make: Callable[[int], _T]) -> _T:
        """What the last attempt of a node holds that has begun; the driver tries nodes without a task again itself."""
        for attempt in range(view.retries, 0, -1):
            known = set(self.by_uid)
            laid = make(attempt)
            if any(self._begun(view) for view in (laid.views.values() if isinstance(laid, NestedWorkflow) else laid)):
                return laid
            for uid in set(self.by_uid) - known:
                del self.by_uid[uid]
        return make(0)

    def _expand(self, closure: Closure, view: View) -> NestedWorkflow:
        """What a dynamic node runs; the attempt that left it is the last, unless an earlier one's nodes are there."""
        last = max(0, (view.action.status.attempts if view.action is not None else 1) - 1)
        for attempt in range(last, -1, -1):
            ids = (identifier.unique_id(view.uid, attempt, node.id) for node in closure.primary.nodes)
            names = map(identifier.action_name, ids)
            if any(name in self._actions for name in names):
                last = attempt
                break
        return self._scope(closure.primary, closure, view, last)

    def _elements(self, view: View) -> Iterator[tuple[int, Action]]:
        """An array's elements: they begin in order, but for those that an earlier driver has left."""
        of_plans = is_map_of_plans(view)
        missing = index = 0
        while missing < _GAP:
            action = self._last_tried(identifier.element_id(view.uid, index))
            if action is None and of_plans:
                action = self._children.get(self._element_child(view, index))
            if action is None:
                missing += 1
            else:
                missing = 0
                yield index, action
            index += 1

    # -- what follows from what is there ------------------------------------------------------------------------------

    def _settle(self, scope: NestedWorkflow, good: bool, started: int, ended: int) -> None:
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
            _mark(scope.start, P.SUCCEEDED, started, 0, started)
        if good and ended:
            _mark(scope.end, P.SUCCEEDED, ended, 0, ended)
        if self._goes_on and not good:
            self._skip(scope)

    @staticmethod
    def _skip(scope: NestedWorkflow) -> None:
        """Marks what cannot run any more (`nodes/predicate.go`): all that it waits for has ended, some of it failed or skipped."""
        failure = scope.workflow.failure
        own = [view for view in scope.views.values() if view.parent is scope.owner and view.node is not failure]
        waiting = [view for view in (*own, scope.end) if not view.listed]
        changed = True
        while changed:
            changed = False
            for view in waiting:
                lost = [one for one in scope.before(view) if one.phase in {P.FAILED, P.SKIPPED}]
                if lost and not view.listed:
                    at = max(one.ended for one in scope.before(view))
                    _mark(view, P.SKIPPED, at, 0, at)
                    changed = True

    def _judge(self, view: View, good: bool) -> None:
        passed = good or any(self._begun(one) for one in view.scope.after(view))
        if view.dynamic and view.action is not None:
            self._judge_dynamic(view, passed)
        elif view.kind is NodeKind.SUB_WORKFLOW and view.inner is not None:
            self._judge_composite(view, list(view.inner.views.values()), passed)
            self._settle(view.inner, view.phase == P.SUCCEEDED, view.created, view.ended)
            self._judge_composite(view, [one for one in view.inner.views.values() if one.parent is view], passed)
            if view.action is not None:  # it has failed itself: too late, or for want of an input
                self._mark_action(view, view.action)
            self._settle(view.inner, view.phase == P.SUCCEEDED, view.created, view.ended)
        elif view.kind is NodeKind.BRANCH:
            for arm in view.arms:
                self._judge(arm, passed and self._begun(arm))
            self._judge_composite(view, view.arms, passed, one_is_enough=True)
            if view.action is not None:
                self._mark_action(view, view.action)
                if not any(arm.listed for arm in view.arms):  # it has chosen none: nothing ran
                    view.started = 0
        elif view.action is not None and self._uncompiled(view, view.action) and not passed:
            self._mark_action(view, view.action)
            view.phase, view.ended = P.RUNNING, 0
        elif view.action is not None and (view.child is None or view.action.status.phase in phase.GOOD):
            self._mark_action(view, view.action)
        elif view.child is not None:
            self._mark_action(view, view.child)
            if view.phase == P.QUEUED:
                view.phase = P.RUNNING
            elif view.phase == P.ABORTED and view.action is not None:
                view.phase = P.FAILED  # the child alone was aborted: the driver has recorded what that means
        elif view.kind is NodeKind.ARRAY:
            self._judge_array(view, passed)

    def _uncompiled(self, view: View, action: Action) -> bool:
        """Whether a node's task has succeeded, and may have left a workflow of which nothing is recorded yet."""
        if self.run.ended or self.outlives or view.kind is not NodeKind.TASK or view.node is None:
            return False
        if action.status.phase not in phase.GOOD or self._closure_phase(view) is not None:
            return False
        task = action.metadata.action_type != run_definition_pb2.ACTION_TYPE_TRACE
        template = view.scope.closure.task_of(view.node)
        return task and template is not None and process.is_dynamic(template)

    def _judge_dynamic(self, view: View, passed: bool) -> None:
        if view.inner is None or view.action is None:
            return
        self._mark_action(view, view.action)
        if self.outlives or view.phase not in _ENDED_WELL:
            begun = any(self._begun(one) for one in view.inner.views.values())
            good = self.outlives and view.phase in _ENDED_WELL
            self._settle(view.inner, good, view.created if begun else 0, view.ended)
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

    def _phase_below(self, below: Iterable[View], passed: bool) -> P.Phase:
        """The phase of what only holds nodes together, by theirs."""
        below = list(below)
        if passed:
            return P.SUCCEEDED
        active = any(one.listed and one.phase not in phase.NODE_ENDED for one in below)
        if any(one.phase in _ENDED_ILL for one in below):
            return P.FAILING if active and not self.run.ended else P.FAILED
        failure = below[0].scope.workflow.failure if below else None
        if all(one.phase in _ENDED_WELL or (one.node is failure and not one.listed) for one in below):
            return P.SUCCEEDED
        return P.ABORTED if self.run.ended else P.RUNNING

    def _begun(self, view: View) -> bool:
        if view.action is not None or view.child is not None or view.elements:
            return True
        if view.kind is NodeKind.BRANCH:
            return any(self._begun(arm) for arm in view.arms)
        return view.inner is not None and any(self._begun(one) for one in view.inner.views.values())

    def _mark_action(self, view: View, action: Action) -> None:
        created, ended = _created(action), _ended(action)
        state = phase.node(action.status.phase)
        ran = state not in {P.QUEUED, P.UNDEFINED} and (action.status.attempts > 0 or state != P.ABORTED)
        if state == P.QUEUED and action.status.attempts > 1:
            state = P.RUNNING  # a node of Flyte 1 that is tried again does not go back
        not_compiled = view.kind is NodeKind.TASK and self._closure_phase(view) not in {None, *phase.GOOD}
        if view.uid in self._rejected or not_compiled:
            state = P.FAILED
        _mark(view, state or P.QUEUED, created, created if ran else 0, ended)


_AHEAD = 16
"""Elements of a mapped launch plan that are looked for at once beyond those that have begun."""

_GAP = 64
"""Elements in a row that may be missing before an array's last is taken for found."""


def _mark(view: View, state: P.Phase, created: int, started: int, ended: int) -> None:
    view.phase, view.created, view.started, view.ended = state, created, started, ended


def _created(action: Action) -> int:
    return int(action.status.start_time.ToNanoseconds())


def _ended(action: Action) -> int:
    return int(action.status.end_time.ToNanoseconds()) if action.status.HasField("end_time") else 0


def _sub_workflow(closure: Closure, node: Node) -> Workflow:
    workflow = closure.workflow_of(node)
    if workflow is None:
        raise KeyError(f"the compiled workflow lacks sub-workflow {node.calls}; register it again")
    return workflow
