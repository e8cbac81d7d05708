"""The nodes that Flyte 1 would show, from a compiled workflow and the run's actions."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from flyteidl.core import compiler_pb2
from flyteidl2.common import phase_pb2
from flyteidl2.workflow import run_definition_pb2

pytest.importorskip("flytekit", reason="flytekit stops at Python 3.12")

from flytekit import LaunchPlan, WorkflowFailurePolicy, approve, conditional, map_task, sleep, task
from flytekit import workflow as wf

from flyte_bridge_translators.flyte1 import read
from flyte_bridge_translators.wire import identifier
from flyte_bridge_translators.wire.node_tree import NodeKind, Run, Tree
from flyte_bridge_translators.wire.phase import Node as P
from wire.serialized import serialize

S = 1_000_000_000
RUNNING, SUCCEEDED = phase_pb2.ACTION_PHASE_RUNNING, phase_pb2.ACTION_PHASE_SUCCEEDED
FAILED, ABORTED = phase_pb2.ACTION_PHASE_FAILED, phase_pb2.ACTION_PHASE_ABORTED


@task
def plus(a: int, b: int = 1) -> int:
    return a + b


@task
def twice(a: int) -> int:
    return 2 * a


@task
def clean(a: int) -> None: ...


@wf
def inner(a: int) -> int:
    return plus(a=plus(a=a))


@wf
def child(a: int) -> int:
    return plus(a=a)


PLAN = LaunchPlan.get_or_create(child, name="tree.plan")


@wf(on_failure=clean)
def outer(a: int) -> int:
    x = inner(a=a)
    y = conditional("size").if_(x > 3).then(plus(a=x)).else_().then(inner(a=x))
    z = map_task(twice)(a=[x, y])
    c = PLAN(a=y)
    g = approve(c, "go", timeout=datetime.timedelta(hours=1))
    sleep(datetime.timedelta(seconds=1))
    return plus(a=g, b=z[0])


@pytest.fixture(scope="module")
def closure() -> Any:
    return read.closure(serialize(outer).compiled(outer.name))


def _tree(closure: Any, run: int, facts: dict[str, tuple[int, int, int]], **more: Any) -> Tree:
    actions = {}
    for uid, (phase, begun, ended) in facts.items():
        action = run_definition_pb2.Action()
        action.status.phase = phase  # type: ignore[assignment]
        action.status.attempts = 1
        action.status.start_time.FromNanoseconds(begun * S)
        if ended:
            action.status.end_time.FromNanoseconds(ended * S)
        actions[identifier.action_name(uid)] = action
    over = run != phase_pb2.ACTION_PHASE_RUNNING
    return Tree(Run("exec", run, 1 * S, 100 * S if over else 0), closure, actions, **more)


def _shown(tree: Tree, parent: str = "") -> dict[str, int]:
    return {view.uid: view.phase for view in tree.listed(parent)}


def test_nothing_is_shown_before_the_run_has_begun(closure: Any) -> None:
    """flyteadmin lists no nodes of an execution that its engine has not looked at."""
    tree = Tree(Run("exec", phase_pb2.ACTION_PHASE_QUEUED, 0, 0), closure, {})
    assert _shown(tree) == {}


def test_a_static_sub_workflow_follows_from_its_nodes(closure: Any) -> None:
    """Running while one of its nodes runs; its own start node is there from the beginning."""
    tree = _tree(closure, RUNNING, {"n0-0-n0": (SUCCEEDED, 2, 3), "n0-0-n1": (RUNNING, 4, 0)})
    assert _shown(tree) == {"start-node": P.SUCCEEDED, "n0": P.RUNNING}
    assert _shown(tree, "n0") == {
        "n0-0-start-node": P.SUCCEEDED,
        "n0-0-n0": P.SUCCEEDED,
        "n0-0-n1": P.RUNNING,
    }
    view = tree["n0"]
    assert (view.is_parent, view.created, view.ended) == (True, 2 * S, 0)


def test_a_sub_workflow_has_succeeded_when_its_nodes_have(closure: Any) -> None:
    """Even before anything after it begins; then its end node is there."""
    tree = _tree(closure, RUNNING, {"n0-0-n0": (SUCCEEDED, 2, 3), "n0-0-n1": (SUCCEEDED, 4, 5)})
    assert tree["n0"].phase == P.SUCCEEDED
    assert tree["n0"].ended == 5 * S
    assert tree["n0-0-end-node"].phase == P.SUCCEEDED


_INNER = {"n0-0-n0": (SUCCEEDED, 2, 3), "n0-0-n1": (SUCCEEDED, 4, 5)}


def test_a_branch_shows_the_arm_that_was_chosen(closure: Any) -> None:
    """Under the branch, with the compiler's own id; the other arm is no execution."""
    tree = _tree(closure, RUNNING, {**_INNER, "n1-0-n1-n0": (RUNNING, 6, 0)})
    assert _shown(tree, "n1") == {"n1-0-n1-n0": P.RUNNING}
    assert tree["n1"].phase == P.RUNNING
    assert tree["n1"].is_parent
    assert tree["n1-0-n1-n0"].spec_id == "n1-n0"
    with pytest.raises(KeyError):
        tree["n1-0-n1-n1"]


def test_an_arm_may_be_a_sub_workflow(closure: Any) -> None:
    """Its nodes hang under the arm's."""
    tree = _tree(closure, RUNNING, {**_INNER, "n1-0-n1-n1-0-n0": (SUCCEEDED, 6, 7)})
    assert _shown(tree, "n1") == {"n1-0-n1-n1": P.RUNNING}
    start = identifier.unique_id("n1-0-n1-n1", 0, "start-node")
    assert set(_shown(tree, "n1-0-n1-n1")) == {start, "n1-0-n1-n1-0-n0"}
    assert tree["n1-0-n1-n1"].is_parent


_CHOSEN = {**_INNER, "n1-0-n1-n0": (SUCCEEDED, 6, 7)}


def test_an_array_has_ended_when_something_after_it_has_begun(closure: Any) -> None:
    """How many elements there will be only the values tell; until then it runs."""
    elements = {identifier.element_id("n2", i): (SUCCEEDED, 8, 9 + i) for i in range(2)}
    tree = _tree(closure, RUNNING, {**_CHOSEN, **elements})
    view = tree["n2"]
    assert view.kind is NodeKind.ARRAY
    assert view.phase == P.RUNNING
    assert [index for index, _ in view.elements] == [0, 1]
    tree = _tree(closure, RUNNING, {**_CHOSEN, **elements, "n6": (RUNNING, 20, 0)})
    assert tree["n2"].phase == P.SUCCEEDED
    assert tree["n2"].ended == 10 * S


def test_a_launch_plan_node_is_looked_for_among_runs(closure: Any) -> None:
    """Its action is recorded when the child has ended; until then the child's own run tells."""
    tree = _tree(closure, RUNNING, _CHOSEN)
    name = identifier.child_execution_name("exec", "n3")
    assert tree.awaited_children() == [name]
    root = run_definition_pb2.Action()
    root.status.phase = RUNNING
    root.status.attempts = 1
    root.status.start_time.FromSeconds(9)
    tree = _tree(closure, RUNNING, _CHOSEN, children={name: root})
    assert tree["n3"].phase == P.RUNNING
    assert tree["n3"].child_name == name
    assert tree.awaited_children() == []


@wf
def planned(values: list[int]) -> list[int]:
    return map_task(PLAN)(a=values)


def test_the_elements_of_a_mapped_launch_plan_are_looked_for_in_order() -> None:
    """Those that run have no action yet; beyond the last one a few are asked for."""
    compiled = read.closure(serialize(planned).compiled(planned.name))
    tree = _tree(compiled, RUNNING, {})
    asked = tree.awaited_children()
    assert asked[0] == identifier.child_execution_name("exec", identifier.element_id("n0", 0))
    root = run_definition_pb2.Action()
    root.status.phase = RUNNING
    root.status.start_time.FromSeconds(9)
    there = dict.fromkeys(asked[:2], root)
    tree = _tree(compiled, RUNNING, {}, children=there)
    assert tree["n0"].phase == P.RUNNING
    assert [index for index, _ in tree["n0"].elements] == [0, 1]
    assert tree.awaited_children()[: len(asked) - 2] == asked[2:]
    absent = {**there, **dict.fromkeys(asked[2:], None)}
    assert _tree(compiled, RUNNING, {}, children=absent).awaited_children() == []


def test_what_is_tried_again_shows_its_last_attempt(closure: Any) -> None:
    """The driver tries nodes without a task of their own again itself: sub-workflows, branches, child executions."""
    message = compiler_pb2.CompiledWorkflowClosure()
    message.CopyFrom(closure.message)
    for node in message.primary.template.nodes:
        if node.id in {"n0", "n3"}:
            node.metadata.retries.retries = 2
    retried = read.closure(message)
    tree = _tree(retried, RUNNING, {"n0-0-n0": (FAILED, 2, 3), "n0-1-n0": (RUNNING, 4, 0)})
    assert tree["n0"].phase == P.RUNNING
    assert set(_shown(tree, "n0")) == {"n0-1-start-node", "n0-1-n0"}
    names = [identifier.child_execution_name("exec", "n3", attempt) for attempt in range(3)]
    tree = _tree(retried, RUNNING, _CHOSEN)
    assert tree.awaited_children() == names[:1]
    lost = run_definition_pb2.Action()
    lost.status.phase = FAILED
    lost.status.attempts = 1
    lost.status.start_time.FromSeconds(9)
    tree = _tree(retried, RUNNING, _CHOSEN, children={names[0]: lost})
    assert tree.awaited_children() == names[1:2]
    on = run_definition_pb2.Action()
    on.CopyFrom(lost)
    on.status.phase = RUNNING
    tree = _tree(retried, RUNNING, _CHOSEN, children={names[0]: lost, names[1]: on})
    assert tree["n3"].phase == P.RUNNING
    assert tree["n3"].child_name == names[1]


def test_a_failure_goes_up(closure: Any) -> None:
    """What holds the failed node has failed; what ran beside it was aborted; there is no end node."""
    facts = {"n0-0-n0": (SUCCEEDED, 2, 3), "n0-0-n1": (FAILED, 4, 5), "fn0": (SUCCEEDED, 6, 7)}
    tree = _tree(closure, FAILED, facts)
    shown = _shown(tree)
    assert shown["n0"] == P.FAILED
    assert "end-node" not in shown
    assert "n0-0-end-node" not in _shown(tree, "n0")
    failure = closure.primary.failure.id
    assert failure
    tree = _tree(closure, FAILED, {**facts, failure: (SUCCEEDED, 6, 7)})
    assert _shown(tree)[failure] == P.SUCCEEDED


def test_an_abort_ends_what_was_under_way(closure: Any) -> None:
    """Also what has no action of its own."""
    tree = _tree(closure, ABORTED, {"n0-0-n0": (ABORTED, 2, 3)})
    assert tree["n0"].phase == P.ABORTED
    assert tree["n0-0-n0"].phase == P.ABORTED


def test_all_have_succeeded_with_the_run(closure: Any) -> None:
    """Each node once, as flyteadmin counts them: start, end, and those of the workflow."""
    elements = {identifier.element_id("n2", i): (SUCCEEDED, 8, 9 + i) for i in range(2)}
    facts = {**_CHOSEN, **elements, "n3": (SUCCEEDED, 9, 10), "n4": (SUCCEEDED, 11, 12), "n5": (SUCCEEDED, 2, 3)}
    tree = _tree(closure, SUCCEEDED, {**facts, "n6": (SUCCEEDED, 13, 14)})
    shown = _shown(tree)
    assert set(shown) == {"start-node", "end-node", "n0", "n1", "n2", "n3", "n4", "n5", "n6"}
    assert set(shown.values()) == {P.SUCCEEDED}


def test_a_node_that_is_tried_again_does_not_go_back(closure: Any) -> None:
    """Its second attempt is queued; the node runs, as propeller says."""
    tree = _tree(closure, RUNNING, {"n0-0-n0": (phase_pb2.ACTION_PHASE_QUEUED, 2, 0)})
    assert tree["n0-0-n0"].phase == P.QUEUED
    actions = {"n0-0-n0": tree["n0-0-n0"].action}
    actions["n0-0-n0"].status.attempts = 2
    again = Tree(Run("exec", RUNNING, 1 * S, 0), closure, actions)
    assert again["n0-0-n0"].phase == P.RUNNING


@task
def spreads(a: int) -> int:
    return a


@wf
def spreading(a: int) -> int:
    return plus(a=spreads(a=a))


def test_a_dynamic_task_that_has_ended_runs_on_until_it_is_compiled() -> None:
    """Its action has succeeded, and of what it leaves nothing is recorded: the node has not, until something follows it."""
    compiled = serialize(spreading).compiled(spreading.name)
    for one in compiled.tasks:
        if one.template.id.name.endswith("spreads"):
            one.template.container.env.add(key="_F_SS_C", value="x")  # what flytekit gives dynamic tasks
    closure = read.closure(compiled)
    facts = {"n0": (SUCCEEDED, 2, 4)}
    assert _shown(_tree(closure, RUNNING, facts))["n0"] == P.RUNNING
    assert _tree(closure, RUNNING, facts)["n0"].ended == 0
    assert _shown(_tree(closure, RUNNING, {**facts, "n1": (RUNNING, 5, 0)}))["n0"] == P.SUCCEEDED
    assert _shown(_tree(closure, FAILED, facts))["n0"] == P.SUCCEEDED


@wf(failure_policy=WorkflowFailurePolicy.FAIL_AFTER_EXECUTABLE_NODES_COMPLETE)
def goes_on(a: int) -> int:
    x = plus(a=a)
    y = twice(a=a)
    return plus(a=twice(a=x), b=y)


def test_what_cannot_run_any_more_is_skipped() -> None:
    """In a workflow that goes on after a failure: what waits for what failed, and the end; what can still run is not."""
    closure = read.closure(serialize(goes_on).compiled(goes_on.name))
    shown = _shown(_tree(closure, RUNNING, {"n0": (FAILED, 2, 4), "n1": (RUNNING, 2, 0)}))
    assert shown["n0"] == P.FAILED
    assert {uid for uid, phase in shown.items() if phase == P.SKIPPED} == {"n2", "n3", "end-node"}


def test_ten_thousand_nodes_are_laid_out_quickly() -> None:
    """The tree is built for each look at a running execution."""
    closure = compiler_pb2.CompiledWorkflowClosure()
    template = closure.primary.template
    for number in range(10_000):
        template.nodes.add(id=f"n{number}").task_node.reference_id.name = "t"
        closure.primary.connections.downstream[f"n{number}"].ids.append(f"n{number + 1}")
    tree = Tree(Run("exec", RUNNING, S, 0), read.closure(closure), {})
    assert len(tree.by_uid) == 10_002
