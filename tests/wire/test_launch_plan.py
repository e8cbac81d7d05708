"""What launch plans expect, as flyteadmin computes it."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING

import pytest
from flyteidl.admin import launch_plan_pb2
from flyteidl.core import interface_pb2, literals_pb2, types_pb2

from flyte_bridge_translators.wire import launch_plan
from flyte_bridge_translators.wire.launch_plan import BadLaunchPlan

pytest.importorskip("flytekit", reason="flytekit stops at Python 3.12")

from flytekit import CronSchedule, LaunchPlan, task, workflow

from wire.serialized import serialize

if TYPE_CHECKING:
    from collections.abc import Callable


@task
def show(a: int, b: str, at: datetime.datetime) -> str:
    return f"{a} {b} {at}"


@workflow
def shown(a: int, at: datetime.datetime, b: str = "x") -> str:
    return show(a=a, b=b, at=at)


nightly = LaunchPlan.create(
    "nightly",
    shown,
    fixed_inputs={"a": 3},
    schedule=CronSchedule(schedule="@daily", kickoff_time_input_arg="at"),
)
by_hand = LaunchPlan.create("shown_by_hand", shown, default_inputs={"a": 4})


def _text(value: str) -> literals_pb2.Literal:
    return literals_pb2.Literal(scalar=literals_pb2.Scalar(primitive=literals_pb2.Primitive(string_value=value)))


def _integer(value: int) -> literals_pb2.Literal:
    return literals_pb2.Literal(scalar=literals_pb2.Scalar(primitive=literals_pb2.Primitive(integer=value)))


def _plan(plan: LaunchPlan) -> launch_plan_pb2.LaunchPlan:
    return serialize(plan).launch_plans[plan.name]


def _interface() -> interface_pb2.TypedInterface:
    return serialize(shown).workflows[shown.name].template.interface


def test_what_is_neither_fixed_nor_has_a_default_is_required() -> None:
    """The completed defaults are in the spec and in the closure, with the workflow's outputs."""
    plan = _plan(nightly)
    assert {name: parameter.required for name, parameter in plan.closure.expected_inputs.parameters.items()} == {
        "at": True,
        "b": False,
    }
    assert plan.spec.default_inputs == plan.closure.expected_inputs
    assert plan.closure.expected_outputs == _interface().outputs
    assert plan.closure.state == launch_plan_pb2.INACTIVE
    assert dict(plan.spec.fixed_inputs.literals) == {"a": _integer(3)}


def test_inputs_of_an_execution() -> None:
    """Given, default, fixed; the launch plan's default wins over the workflow's."""
    at = literals_pb2.Literal()
    at.scalar.primitive.datetime.seconds = 60
    plan = _plan(by_hand)
    given = literals_pb2.LiteralMap(literals={"at": at, "b": _text("y")})
    made = launch_plan.execution_inputs(given, plan, plan.closure.expected_inputs)
    assert dict(made.literals) == {"a": _integer(4), "at": at, "b": _text("y")}
    plan = _plan(nightly)
    made = launch_plan.execution_inputs(given, plan, plan.closure.expected_inputs)
    assert made.literals["a"] == _integer(3)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"z": _integer(1)}, "invalid input z"),
        ({}, "expected_inputs at missing"),
        (
            {"a": _integer(1), "at": _text("now")},
            "invalid at input wrong type. Expected simple:DATETIME, but got simple:STRING",
        ),
        ({"at": literals_pb2.Literal()}, r"Failed to validate literal type for \[at\]"),
    ],
)
def test_wrong_inputs_of_an_execution(given: dict[str, literals_pb2.Literal], says: str) -> None:
    """In flyteadmin's words."""
    plan = _plan(by_hand)
    with pytest.raises(BadLaunchPlan, match=says):
        launch_plan.execution_inputs(literals_pb2.LiteralMap(literals=given), plan, plan.closure.expected_inputs)


def test_a_fixed_input_cannot_be_given() -> None:
    """It is not expected; and where it is, the launch plan's own wins no argument."""
    plan = _plan(nightly)
    given = literals_pb2.LiteralMap(literals={"a": _integer(1)})
    with pytest.raises(BadLaunchPlan, match="invalid input a"):
        launch_plan.execution_inputs(given, plan, plan.closure.expected_inputs)
    expected = interface_pb2.ParameterMap()
    expected.parameters["a"].var.type.simple = types_pb2.INTEGER
    with pytest.raises(BadLaunchPlan, match="fixed_inputs a cannot be overridden"):
        launch_plan.execution_inputs(given, plan, expected)


def _unknown_default(spec: launch_plan_pb2.LaunchPlanSpec) -> None:
    spec.default_inputs.parameters["z"].CopyFrom(spec.default_inputs.parameters["b"])


def _wrong_default(spec: launch_plan_pb2.LaunchPlanSpec) -> None:
    spec.default_inputs.parameters["b"].var.type.simple = types_pb2.INTEGER


def _other_type(spec: launch_plan_pb2.LaunchPlanSpec) -> None:
    spec.default_inputs.parameters["b"].var.type.simple = types_pb2.INTEGER
    spec.default_inputs.parameters["b"].default.CopyFrom(_integer(1))


def _neither(spec: launch_plan_pb2.LaunchPlanSpec) -> None:
    spec.default_inputs.parameters["b"].ClearField("default")


def _artifact(spec: launch_plan_pb2.LaunchPlanSpec) -> None:
    spec.default_inputs.parameters["b"].artifact_query.uri = "flyte://x"


def _no_type(spec: launch_plan_pb2.LaunchPlanSpec) -> None:
    spec.default_inputs.parameters["b"].var.ClearField("type")


def _kickoff(name: str) -> Callable[[launch_plan_pb2.LaunchPlanSpec], None]:
    def change(spec: launch_plan_pb2.LaunchPlanSpec) -> None:
        spec.entity_metadata.schedule.kickoff_time_input_arg = name
        del spec.fixed_inputs.literals["a"]
        spec.fixed_inputs.literals["at"].scalar.primitive.datetime.seconds = 1
        spec.default_inputs.parameters["a"].var.type.simple = types_pb2.INTEGER
        spec.default_inputs.parameters["a"].default.CopyFrom(_integer(1))

    return change


def _far_away(spec: launch_plan_pb2.LaunchPlanSpec) -> None:
    spec.fixed_inputs.literals["at"].scalar.primitive.datetime.seconds = 10**13


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (_unknown_default, "unexpected default_input z"),
        (_wrong_default, "Type mismatch for Parameter b in default_inputs"),
        (_other_type, "invalid default_input wrong type b, expected simple:STRING, got simple:INTEGER instead"),
        (_neither, "Invalid variable b in default_inputs"),
        (_artifact, "artifact mode not enabled but query found default_inputs b"),
        (_no_type, "Parameter b in default_inputs either is missing"),
        (lambda spec: spec.fixed_inputs.literals["z"].CopyFrom(_integer(1)), "unexpected fixed_input z"),
        (lambda spec: spec.fixed_inputs.literals["a"].CopyFrom(_text("1")), "invalid fixed_input wrong type a"),
        (lambda spec: spec.fixed_inputs.literals["a"].Clear(), "missing valid literal in fixed_inputs a"),
        (lambda spec: spec.fixed_inputs.literals[""].CopyFrom(_integer(1)), "missing key in fixed_inputs"),
        (_far_away, "after 9999-12-31"),
        (lambda spec: spec.fixed_inputs.literals.pop("a"), r"unbound required input. \[a\] is required"),
        (_kickoff("z"), r"\[z\] is not free or does not exist"),
        (_kickoff("b"), r"must reference a datetime input. \[b\] is a \[simple:STRING\]"),
        (
            lambda spec: spec.entity_metadata.schedule.cron_schedule.MergeFrom(
                type(spec.entity_metadata.schedule.cron_schedule)(schedule="x")
            ),
            "Invalid cron expression",
        ),
        (lambda spec: spec.entity_metadata.launch_conditions.SetInParent(), "Launch condition must be empty"),
    ],
)
def test_what_cannot_be_registered(change: Callable[[launch_plan_pb2.LaunchPlanSpec], None], says: str) -> None:
    """In flyteadmin's words; the spec that was given stays as it is."""
    plan = _plan(nightly)
    spec = launch_plan_pb2.LaunchPlanSpec()
    spec.CopyFrom(plan.spec)
    del spec.default_inputs.parameters["at"]
    change(spec)
    before = spec.SerializeToString(deterministic=True)
    with pytest.raises(BadLaunchPlan, match=says):
        launch_plan.registered(plan.id, spec, _interface())
    assert spec.SerializeToString(deterministic=True) == before


def test_a_workflow_without_inputs_takes_none() -> None:
    """Neither defaults nor fixed ones."""
    none = interface_pb2.VariableMap()
    fixed = literals_pb2.LiteralMap(literals={"a": _integer(1)})
    defaults = _plan(by_hand).spec.default_inputs
    with pytest.raises(BadLaunchPlan, match="fixed inputs, expected none but found 1"):
        launch_plan.expected_inputs(none, fixed, interface_pb2.ParameterMap())
    with pytest.raises(BadLaunchPlan, match="default inputs, expected none but found 3"):
        launch_plan.expected_inputs(none, literals_pb2.LiteralMap(), defaults)
    assert not launch_plan.expected_inputs(none, literals_pb2.LiteralMap(), interface_pb2.ParameterMap()).parameters
