"""Launch plans: what they expect of whoever launches them, checked and completed as flyteadmin does it.

After `flyteadmin/pkg/manager/impl/validation/launch_plan_validator.go`, `validation.go` and `execution_validator.go`
(v1.16.8). The messages are flyteadmin's; each of them is an INVALID_ARGUMENT.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flyteidl.admin import launch_plan_pb2
from flyteidl.core import interface_pb2, literals_pb2, types_pb2

from flyte_bridge_translators.wire import schedule
from flyte_bridge_translators.wire.castable import castable
from flyte_bridge_translators.wire.compiler.problems import text
from flyte_bridge_translators.wire.literal import type_of

if TYPE_CHECKING:
    from flyteidl.admin import schedule_pb2
    from flyteidl.core import identifier_pb2

LATEST_SECOND = 253402300799
"""Of a protobuf timestamp: the last of the year 9999. The first is the first of the year 1."""
EARLIEST_SECOND = -62135596800


class BadLaunchPlan(ValueError):
    """Raised when a launch plan, or the inputs for one, cannot be right; the message is flyteadmin's."""


def registered(
    identifier: identifier_pb2.Identifier,
    spec: launch_plan_pb2.LaunchPlanSpec,
    workflow: interface_pb2.TypedInterface,
) -> launch_plan_pb2.LaunchPlan:
    """A launch plan as flyteadmin keeps it: its defaults are completed with every input that is bound nowhere.

    Args:
        identifier: Its own.
        spec: As it was sent; it stays as it is.
        workflow: Interface of the workflow it launches.

    Returns:
        The launch plan, inactive, without times.

    Raises:
        BadLaunchPlan: Its inputs, its schedule or its conditions cannot be right.
    """
    check_literals(spec.fixed_inputs, "fixed_inputs")
    check_parameters(spec.default_inputs, "default_inputs")
    expected = expected_inputs(workflow.inputs, spec.fixed_inputs, spec.default_inputs)
    check_schedule(spec.entity_metadata.schedule, expected)
    if spec.entity_metadata.HasField("launch_conditions"):
        raise BadLaunchPlan(f"Launch condition must be empty, found {text(spec.entity_metadata.launch_conditions)}")
    plan = launch_plan_pb2.LaunchPlan(id=identifier, spec=spec)
    plan.spec.default_inputs.CopyFrom(expected)
    plan.closure.expected_inputs.CopyFrom(expected)
    plan.closure.expected_outputs.CopyFrom(workflow.outputs)
    return plan


def expected_inputs(
    workflow: interface_pb2.VariableMap, fixed: literals_pb2.LiteralMap, defaults: interface_pb2.ParameterMap
) -> interface_pb2.ParameterMap:
    """What a launch plan takes: its defaults, and as required what is neither fixed nor has one.

    Args:
        workflow: The workflow's inputs.
        fixed: The launch plan's.
        defaults: The launch plan's.

    Raises:
        BadLaunchPlan: One of them is no input of the workflow, or of another type.
    """
    variables = workflow.variables
    if not variables:
        for field, given in (("default", defaults.parameters), ("fixed", fixed.literals)):
            if given:
                raise BadLaunchPlan(f"invalid launch plan {field} inputs, expected none but found {len(given)}")
    for name, parameter in sorted(defaults.parameters.items()):
        if name not in variables:
            raise BadLaunchPlan(f"unexpected default_input {name}")
        _check_type("default_input", name, parameter.var.type, variables[name].type)
    for name, literal in sorted(fixed.literals.items()):
        if name not in variables:
            raise BadLaunchPlan(f"unexpected fixed_input {name}")
        _check_type("fixed_input", name, _type(name, literal), variables[name].type)
    expected = interface_pb2.ParameterMap()
    for name, variable in variables.items():
        if name in defaults.parameters:
            expected.parameters[name].CopyFrom(defaults.parameters[name])
        elif name not in fixed.literals:
            expected.parameters[name].var.type.CopyFrom(variable.type)
            expected.parameters[name].var.description = variable.description
            expected.parameters[name].required = True
    return expected


def execution_inputs(
    given: literals_pb2.LiteralMap, plan: launch_plan_pb2.LaunchPlan | None, expected: interface_pb2.ParameterMap
) -> literals_pb2.LiteralMap:
    """What an execution runs with: what was given, the defaults, and what the launch plan fixes.

    Args:
        given: By whoever launches it.
        plan: Which fixes inputs; None for a single task.
        expected: The launch plan's, or the task's inputs as required ones.

    Raises:
        BadLaunchPlan: An input is missing, unknown, fixed, or of another type.
    """
    result = literals_pb2.LiteralMap()
    for name in sorted(given.literals):
        if name not in expected.parameters:
            raise BadLaunchPlan(f"invalid input {name}")
        result.literals[name].CopyFrom(given.literals[name])
    for name, parameter in sorted(expected.parameters.items()):
        if name not in result.literals:
            if parameter.required:
                raise BadLaunchPlan(f"expected_inputs {name} missing")
            result.literals[name].CopyFrom(parameter.default)
            continue
        type_ = _type(name, result.literals[name])
        if not castable(type_, parameter.var.type):
            raise BadLaunchPlan(
                f"invalid {name} input wrong type. Expected {text(parameter.var.type)}, but got {text(type_)}"
            )
    for name, literal in sorted(plan.spec.fixed_inputs.literals.items()) if plan is not None else ():
        if name in result.literals:
            raise BadLaunchPlan(f"fixed_inputs {name} cannot be overridden")
        result.literals[name].CopyFrom(literal)
    return result


def check_schedule(given: schedule_pb2.Schedule, expected: interface_pb2.ParameterMap) -> None:
    """Check that a schedule can launch, with nobody there to give inputs.

    Raises:
        BadLaunchPlan: An input is missing, the kick-off time has no place, or the schedule cannot be followed.
    """
    try:
        automation = schedule.to_automation(given)
    except schedule.BadSchedule as error:
        raise BadLaunchPlan(str(error)) from error
    if automation is None:
        return
    kickoff = given.kickoff_time_input_arg
    for name, parameter in sorted(expected.parameters.items()):
        if parameter.required and name != kickoff:
            raise BadLaunchPlan(
                f"Cannot create a launch plan with a schedule if there is an unbound required input. [{name}] is required"
            )
    if not kickoff:
        return
    if kickoff not in expected.parameters:
        raise BadLaunchPlan(
            "Cannot create a schedule with a KickoffTimeInputArg that does not point to a free input. "
            f"[{kickoff}] is not free or does not exist."
        )
    type_ = expected.parameters[kickoff].var.type
    if type_.simple != types_pb2.DATETIME:
        raise BadLaunchPlan(f"KickoffTimeInputArg must reference a datetime input. [{kickoff}] is a [{text(type_)}]")


def check_literals(literals: literals_pb2.LiteralMap, field: str) -> None:
    """Check that every literal has a name and a value.

    Args:
        literals: Any inputs.
        field: What they are called in messages.

    Raises:
        BadLaunchPlan: One has none, or a date and time that does not exist.
    """
    for name, literal in sorted(literals.literals.items()):
        if not name:
            raise BadLaunchPlan(f"missing key in {field}")
        if literal.WhichOneof("value") is None:
            raise BadLaunchPlan(f"missing valid literal in {field} {name}")
        _check_datetime(literal)


def check_parameters(parameters: interface_pb2.ParameterMap, field: str) -> None:
    """Check that every parameter has a name, a type, and a default of that type unless it is required.

    Args:
        parameters: Any parameters.
        field: What they are called in messages.

    Raises:
        BadLaunchPlan: One has not.
    """
    for name, parameter in sorted(parameters.parameters.items()):
        if parameter.WhichOneof("behavior") in {"artifact_query", "artifact_id"}:
            raise BadLaunchPlan(f"artifact mode not enabled but query found {field} {name}")
        if not name:
            raise BadLaunchPlan(f"missing key in {field}")
        if not parameter.var.HasField("type"):
            raise BadLaunchPlan(
                f"The Variable component of the Parameter {name} in {field} either is missing, or has a missing Type"
            )
        if not parameter.HasField("default"):
            if not parameter.required:
                raise BadLaunchPlan(
                    f"Invalid variable {name} in {field} - variable has neither default, nor is required. "
                    "One must be specified"
                )
            continue
        type_ = _type(name, parameter.default)
        if not castable(type_, parameter.var.type):
            raise BadLaunchPlan(
                f"Type mismatch for Parameter {name} in {field} has type {text(parameter.var.type)}, expected {text(type_)}"
            )
        _check_datetime(parameter.default)


def _type(name: str, literal: literals_pb2.Literal) -> types_pb2.LiteralType:
    type_ = type_of(literal)
    if type_ is None:
        raise BadLaunchPlan(
            f"Failed to validate literal type for [{name}] with err: got unknown literal type: [<nil>].\n"
            "Suggested solution: Please update all your Flyte deployment images to the latest version and try again"
        )
    return type_


def _check_type(field: str, name: str, given: types_pb2.LiteralType, expected: types_pb2.LiteralType) -> None:
    if not castable(given, expected):
        raise BadLaunchPlan(f"invalid {field} wrong type {name}, expected {text(expected)}, got {text(given)} instead")


def _check_datetime(literal: literals_pb2.Literal) -> None:
    primitive = literal.scalar.primitive
    if primitive.WhichOneof("value") != "datetime":
        return
    seconds, nanos = primitive.datetime.seconds, primitive.datetime.nanos
    if not EARLIEST_SECOND <= seconds <= LATEST_SECOND:
        side = "before 0001-01-01" if seconds < EARLIEST_SECOND else "after 9999-12-31"
        raise BadLaunchPlan(f"timestamp ({text(primitive.datetime)}) {side}")
    if not 0 <= nanos < 1_000_000_000:
        raise BadLaunchPlan(f"timestamp ({text(primitive.datetime)}) has out-of-range nanos")
