"""Sub-workflows, launch plans, conditionals, paths into promises."""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING

import conditions
import nested
import pytest

from driver.bed import run_identifier
from flyte_bridge_translators.wire import identifier
from flyte_bridge_translators.wire.execution import closure_facts, settings

if TYPE_CHECKING:
    from driver.bed import Bed


def test_sub_workflows_run_beneath_their_node(bed: Bed) -> None:
    """A nested sub-workflow's nodes have propeller's unique ids, and its results are flytekit's."""
    done = bed.run(nested.nested, x=3)
    assert tuple(done.outputs.values()) == tuple(nested.nested(x=3)) == (8, 5, 64)
    assert set(done.phases()) == {
        "n0-0-n0-0-n0", "n0-0-n0-0-n1", "n0-0-n1-0-n0", "n0-0-n1-0-n1", "n1",
    }  # fmt: skip


def test_paths_lead_into_promises(bed: Bed) -> None:
    """Indices and attributes of lists, maps and dataclasses, an enum, none: as in flytekit."""
    done = bed.run(nested.paths, x=2)
    assert tuple(done.outputs.values()) == tuple(nested.paths(x=2))


def test_launch_plans_are_runs_of_their_own(bed: Bed) -> None:
    """A launch plan node starts a child run with its fixed inputs, which is recorded under the node's name."""
    name = "launching-parent"
    done = bed.run(nested.launches, name=name, x=4)
    assert done.phase == "SUCCEEDED", done.error
    assert tuple(done.outputs.values()) == (17, 224, 26)
    assert done.phases() == {"n0": "SUCCEEDED", "n1": "SUCCEEDED"}
    child = identifier.run_name(identifier.child_execution_name(name, "n1"))
    assert bed.done(nested.fixed, child).outputs["o0"] == 224
    run = bed.do(lambda backend: backend.get_run(run_id=run_identifier(child)))
    asked = settings(run.run_spec, run.action.id.run)
    of_parent = {"execution-id": name, "project": asked.id.project, "domain": asked.id.domain}
    own = {"team": "launched"}  # the launch plan's, since the parent has none
    assert asked.labels == {**own, **of_parent, "workflow-name": "nested-launches"}
    assert asked.overwrite_cache
    assert asked.max_parallelism == 25  # the parent's
    assert asked.nesting == 1
    assert asked.parent_node_execution.node_id == "n1"
    assert closure_facts(run.run_spec).workflow.name == "nested.middle"


@pytest.mark.parametrize(
    ("x", "limit", "path"),
    [
        (1, 2.5, ["n2", "n2-n1", "n2-n1-n0"]),
        (2, 2.5, ["n2", "n2-n1", "n2-n1-n1"]),
        (2, 5.0, ["n2", "n2-n0", "n0", "n1"]),
    ],
)
def test_conditionals_run_one_arm(bed: Bed, x: int, limit: float, path: list[str]) -> None:
    """Nested conditions choose as flytekit does, and run only that; an arm's inputs may come from nodes that its branch
    does not wait for."""
    done = bed.run(nested.decides, x=x, limit=limit)
    assert done.value == nested.decides(x=x, limit=limit)
    last = reduce(lambda parent, node: identifier.unique_id(parent, 0, node), path, "")
    assert identifier.action_name(last) in done.phases()
    assert len(done.phases()) == (3 if limit == 2.5 else 4)


def test_an_arm_may_fail(bed: Bed) -> None:
    """`fail` fails the workflow with the user's message and Flyte 1's code."""
    done = bed.run(nested.decides, x=1, limit=20.0)
    assert done.phase == "FAILED"
    assert done.error[0] == "UserProvidedError"
    assert "no such limit" in done.error[1]


def test_conditions_that_flyteadmin_does_not_compile(bed: Bed) -> None:
    """On a part of a value, an element, an enum, an optional value and none. flytekit's local run has no parts to compare."""
    done = bed.run(conditions.conditions, count=5)
    assert done.phase == "SUCCEEDED", done.error
    assert tuple(done.outputs.values()) == (6, 11, 3, 31, 41)
