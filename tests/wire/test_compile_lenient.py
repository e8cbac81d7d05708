"""Where flytekit writes what flyteadmin's compiler refuses, and we compile it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import pytest
from flyteidl.core import types_pb2

from flyte_bridge_translators.wire import workflow

pytest.importorskip("flytekit", reason="flytekit stops at Python 3.12")

from flytekit import LaunchPlan, conditional, task
from flytekit import workflow as wf
from flytekit.core.array_node import array_node

from wire.serialized import serialize


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


@dataclass
class Row:
    count: int
    name: str


@task
def row() -> Row:
    return Row(1, "x")


@task
def rows() -> dict[str, list[int]]:
    return {"a": [1]}


@task
def colour() -> Colour:
    return Colour.RED


@task
def maybe() -> int | None:
    return None


@task
def plus(a: int, b: int = 1) -> int:
    return a + b


@wf
def on_an_attribute() -> int:
    found = row()
    return conditional("c").if_(found.count > 0).then(plus(a=found.count)).else_().then(plus(a=2))


@wf
def on_an_element() -> int:
    found = rows()
    return conditional("c").if_(found["a"][0] == 1).then(plus(a=found["a"][0])).else_().then(plus(a=2))


@wf
def on_an_enum() -> int:
    found = colour()
    return conditional("c").if_(found == Colour.RED).then(plus(a=1)).else_().then(plus(a=2))


@wf
def on_an_optional() -> int:
    found = maybe()
    return conditional("c").if_(found == 1).then(plus(a=1)).else_().then(plus(a=2))


@wf
def on_none() -> int:
    found = maybe()
    return conditional("c").if_(found.is_none()).then(plus(a=1)).else_().then(plus(a=2))


planned = LaunchPlan.create("lenient_planned", on_an_enum)


@wf
def inner(a: int) -> int:
    return plus(a=a)


by_one = LaunchPlan.create("lenient_by_one", inner, default_inputs={"a": 3})


@wf
def over_launch_plans(xs: list[int]) -> list[int]:
    return array_node(by_one, min_success_ratio=0.5)(a=xs)


@pytest.mark.parametrize(
    "entity", [on_an_attribute, on_an_element, on_an_enum, on_an_optional, on_none], ids=lambda one: one.__name__
)
def test_conditions(entity: object) -> None:
    """On a part of a value, an enum, an optional value, and on None itself."""
    serialized = serialize(entity)
    closure = serialized.compiled(entity.name)  # type: ignore[attr-defined]
    (branch,) = (node for node in closure.primary.template.nodes if node.HasField("branch_node"))
    assert (
        branch.branch_node.if_else.case.then_node.id
        == f"{branch.id}-{branch.branch_node.if_else.case.then_node.id.split('-')[-1]}"
    )


def test_numbers_of_two_kinds_are_refused_as_in_flyte_1() -> None:
    """An integer and a float do not compare in propeller, so a workflow that would try is told here."""
    serialized = serialize(on_an_optional)
    spec = serialized.workflows[on_an_optional.name]
    node = next(node for node in spec.template.nodes if node.HasField("branch_node"))
    node.branch_node.if_else.case.condition.comparison.right_value.primitive.float_value = 1.0
    with pytest.raises(workflow.CompileError, match=r"RightValue.*simple:FLOAT"):
        workflow.compile(spec.template, tasks=[one.template for one in serialized.tasks.values()])


def test_array_nodes_over_launch_plans() -> None:
    """They take and give lists of what the launch plan takes and gives; of nothing else."""
    serialized = serialize(over_launch_plans)
    closure = serialized.compiled(over_launch_plans.name)
    assert closure.primary.template.nodes[2].HasField("array_node")
    spec = serialized.workflows[over_launch_plans.name]
    spec.template.interface.inputs.variables["xs"].type.simple = types_pb2.INTEGER
    with pytest.raises(workflow.CompileError, match="MismatchingTypes, Node Id: n0"):
        serialized.compiled(over_launch_plans.name)
    spec.template.nodes[0].array_node.bound_inputs.append("a")
    assert serialized.compiled(over_launch_plans.name)
