"""What is wrong with a workflow, in Flyte 1's codes: a workflow as flytekit makes it, with one thing changed."""

from __future__ import annotations

import datetime
from enum import Enum
from typing import TYPE_CHECKING

import pytest
from flyteidl.core import condition_pb2, identifier_pb2, tasks_pb2, types_pb2, workflow_pb2

from flyte_bridge_translators.wire import workflow
from flyte_bridge_translators.wire.compiler import problems

pytest.importorskip("flytekit", reason="flytekit stops at Python 3.12")

from flytekit import LaunchPlan, approve, conditional, map_task, sleep, task, wait_for_input
from flytekit import workflow as wf
from flytekit.core.array_node import array_node

from wire.serialized import Serialized, serialize

if TYPE_CHECKING:
    from collections.abc import Callable


class Colour(Enum):
    RED = "red"


@task
def plus(a: int, b: int = 1) -> int:
    return a + b


@task
def total(xs: list[int], by: dict[str, int], either: int | list[int], colour: Colour) -> int:
    return sum(xs) + len(by)


@wf
def inner(a: int) -> int:
    return plus(a=a)


@wf
def middle(a: int) -> int:
    return conditional("c").if_(a > 1).then(plus(a=a)).else_().then(inner(a=a))


@task
def clean(a: int) -> None:
    print(a)


planned = LaunchPlan.create("errors_planned", inner)


@wf(on_failure=clean)
def outer(a: int) -> int:
    n0 = plus(a=a)
    n1 = (
        conditional("size").if_((n0 > 3) & (n0 < 9)).then(plus(a=n0)).elif_(n0 == 2).then(inner(a=n0)).else_().fail("x")
    )
    n2 = map_task(plus)(a=[n1, n0], b=[n0, n0])
    n3 = total(xs=[n0, n1], by={"k": n0}, either=n0, colour=Colour.RED)
    n4 = planned(a=n3)
    middle(a=n4)
    n6 = wait_for_input("given", timeout=datetime.timedelta(hours=1), expected_type=int)
    n7 = approve(n6, "sure", timeout=datetime.timedelta(hours=1))
    n8 = sleep(datetime.timedelta(seconds=1))
    n9 = array_node(planned)(a=[n0, n1])
    n8 >> n7
    return total(xs=n2, by={}, either=n9, colour=Colour.RED)


@pytest.fixture(scope="module")
def serialized() -> Serialized:
    return serialize(outer)


class Parts:
    """Everything the workflow is compiled from, to be changed."""

    def __init__(self, serialized: Serialized) -> None:
        spec = serialized.workflows[outer.name]
        self.template = workflow_pb2.WorkflowTemplate()
        self.template.CopyFrom(spec.template)
        self.subs = [workflow_pb2.WorkflowTemplate.FromString(sub.SerializeToString()) for sub in spec.sub_workflows]
        self.tasks = {
            name: tasks_pb2.TaskTemplate.FromString(one.template.SerializeToString())
            for name, one in serialized.tasks.items()
        }
        self.plans = list(serialized.launch_plans.values())

    def node(self, number: int) -> workflow_pb2.Node:
        return self.template.nodes[number]

    def promise(self, number: int, at: int = 0) -> types_pb2.OutputReference:
        return self.node(number).inputs[at].binding.promise

    def compile(self) -> None:
        workflow.compile(self.template, self.subs, self.tasks.values(), self.plans)


FOLLOWING = {"ParameterNotBound", "VariableNameNotFound", "ValueRequired", "UnreachableNodes", "NodeReferenceNotFound"}
"""What a node without an interface, or under another id, leads to in those that are bound to it."""


def _unknown_node(parts: Parts) -> None:
    parts.promise(4).node_id = "n99"


def _unknown_upstream(parts: Parts) -> None:
    parts.node(0).upstream_node_ids.append("n99")


def _unknown_output(parts: Parts) -> None:
    parts.promise(4).var = "o9"


def _odd_variable(parts: Parts) -> None:
    parts.promise(4).var = "o-0"


def _unknown_input(parts: Parts) -> None:
    parts.node(0).inputs.add(var="z").CopyFrom(parts.node(0).inputs[0])
    parts.node(0).inputs[-1].var = "z"


def _bound_twice(parts: Parts) -> None:
    parts.node(0).inputs.add().CopyFrom(parts.node(0).inputs[0])


def _not_bound(parts: Parts) -> None:
    del parts.node(0).inputs[:]


def _no_binding(parts: Parts) -> None:
    parts.node(0).inputs[0].ClearField("binding")


def _empty_binding(parts: Parts) -> None:
    parts.node(0).inputs[0].binding.Clear()
    parts.node(0).inputs[0].binding.SetInParent()


def _wrong_type(parts: Parts) -> None:
    parts.node(0).inputs[0].binding.scalar.primitive.string_value = "x"


def _wrong_promise(parts: Parts) -> None:
    parts.promise(4).node_id = "n2"


def _wrong_list(parts: Parts) -> None:
    parts.node(0).inputs[0].binding.collection.bindings.add().scalar.primitive.integer = 1


def _wrong_map(parts: Parts) -> None:
    binding = next(one for one in parts.node(3).inputs if one.var == "xs")
    binding.binding.map.bindings["k"].scalar.primitive.integer = 1


def _wrong_element(parts: Parts) -> None:
    binding = next(one for one in parts.node(3).inputs if one.var == "xs")
    binding.binding.collection.bindings[0].scalar.primitive.string_value = "x"


def _no_variant(parts: Parts) -> None:
    binding = next(one for one in parts.node(3).inputs if one.var == "either")
    binding.binding.map.bindings["k"].scalar.primitive.integer = 1


def _two_variants(parts: Parts) -> None:
    binding = next(one for one in parts.node(3).inputs if one.var == "either")
    binding.binding.collection.SetInParent()
    variants = parts.tasks[total.name].interface.inputs.variables["either"].type.union_type.variants
    variants.add().collection_type.simple = types_pb2.STRING


def _no_colour(parts: Parts) -> None:
    binding = next(one for one in parts.node(3).inputs if one.var == "colour")
    binding.binding.scalar.primitive.string_value = "green"


def _odd_scalar(parts: Parts) -> None:
    parts.node(0).inputs[0].binding.scalar.blob.uri = "s3://x"


def _no_element(parts: Parts) -> None:
    parts.promise(4).var = "[0].o0"


def _no_field(parts: Parts) -> None:
    parts.tasks[total.name].interface.outputs.variables["o0"].type.structure.dataclass_type[
        "f"
    ].simple = types_pb2.INTEGER
    parts.promise(4).attr_path.add(string_value="g")


def _two_nodes_of_one_id(parts: Parts) -> None:
    parts.node(8).id = "n7"


def _no_id(parts: Parts) -> None:
    parts.node(8).id = ""


def _cycle(parts: Parts) -> None:
    parts.node(0).upstream_node_ids.append("n2")


def _island(parts: Parts) -> None:
    parts.node(6).upstream_node_ids.append("n8")
    parts.node(8).upstream_node_ids.append("n6")


def _no_nodes(parts: Parts) -> None:
    del parts.template.nodes[:]


def _no_target(parts: Parts) -> None:
    parts.node(8).ClearField("gate_node")


def _no_gate(parts: Parts) -> None:
    parts.node(8).gate_node.Clear()
    parts.node(8).gate_node.SetInParent()


def _no_signal_type(parts: Parts) -> None:
    parts.node(6).gate_node.signal.ClearField("type")


def _no_signal_name(parts: Parts) -> None:
    parts.node(6).gate_node.signal.output_variable_name = ""


def _no_reference(parts: Parts) -> None:
    parts.node(0).task_node.ClearField("reference_id")


def _no_task(parts: Parts) -> None:
    del parts.tasks[total.name]


def _no_plan(parts: Parts) -> None:
    parts.plans = []


def _no_sub_workflow(parts: Parts) -> None:
    parts.subs = []


def _no_workflow(parts: Parts) -> None:
    parts.node(5).workflow_node.ClearField("reference")


def _itself(parts: Parts) -> None:
    sub = next(sub for sub in parts.subs if sub.id.name == inner.name)
    sub.nodes[0].workflow_node.sub_workflow_ref.CopyFrom(sub.id)


def _twice_the_sub_workflow(parts: Parts) -> None:
    parts.subs.append(parts.subs[0])


def _no_sub_workflow_id(parts: Parts) -> None:
    parts.subs[0].ClearField("id")


def _no_task_id(parts: Parts) -> None:
    parts.tasks["x"] = tasks_pb2.TaskTemplate()


def _no_variable_type(parts: Parts) -> None:
    parts.template.interface.inputs.variables["z"].description = "what"


def _no_variable_name(parts: Parts) -> None:
    parts.template.interface.inputs.variables[""].type.simple = types_pb2.INTEGER


def _branch(parts: Parts) -> workflow_pb2.IfElseBlock:
    return parts.node(1).branch_node.if_else


def _no_then(parts: Parts) -> None:
    _branch(parts).other[0].ClearField("then_node")


def _no_first_then(parts: Parts) -> None:
    _branch(parts).case.ClearField("then_node")


def _no_case(parts: Parts) -> None:
    _branch(parts).ClearField("case")


def _no_if(parts: Parts) -> None:
    parts.node(1).branch_node.ClearField("if_else")


def _no_default(parts: Parts) -> None:
    _branch(parts).ClearField("error")


def _no_condition(parts: Parts) -> None:
    _branch(parts).other[0].ClearField("condition")


def _no_side(parts: Parts) -> None:
    _branch(parts).case.condition.conjunction.ClearField("left_expression")


def _no_expression(parts: Parts) -> None:
    _branch(parts).case.condition.Clear()
    _branch(parts).case.condition.SetInParent()


def _comparison(parts: Parts) -> condition_pb2.ComparisonExpression:
    return _branch(parts).other[0].condition.comparison


def _no_operand(parts: Parts) -> None:
    _comparison(parts).ClearField("left_value")


def _empty_operand(parts: Parts) -> None:
    _comparison(parts).left_value.Clear()
    _comparison(parts).left_value.SetInParent()


def _unknown_operand(parts: Parts) -> None:
    _comparison(parts).left_value.var = "zz"


def _wrong_operand(parts: Parts) -> None:
    _comparison(parts).right_value.primitive.string_value = "x"


def _arms_differ(parts: Parts) -> None:
    sub = next(sub for sub in parts.subs if sub.id.name == inner.name)
    sub.interface.outputs.variables["o0"].type.simple = types_pb2.STRING


def _alias(parts: Parts, *pairs: tuple[str, str]) -> None:
    for variable, alias in pairs:
        parts.node(0).output_aliases.add(var=variable, alias=alias)


def _failure_node_without_task(parts: Parts) -> None:
    parts.template.failure_node.task_node.reference_id.name = "gone"


def _failure_node_not_bound(parts: Parts) -> None:
    del parts.template.failure_node.inputs[:]


@pytest.mark.parametrize(
    ("change", "codes", "says"),
    [
        (_unknown_node, {"NodeReferenceNotFound", "ParameterNotBound"}, "Node Id: n99, Description: Referenced node [n99]"),
        (_unknown_upstream, {"NodeReferenceNotFound"}, "Node Id: n0, Description: Referenced node [n99] not found."),
        (_unknown_output, {"VariableNameNotFound", "ParameterNotBound"}, "Variable [o9] not found on node [n3]."),
        (_odd_variable, {"SyntaxError"}, "Failed to parse element [o-0]."),
        (_unknown_input, {"VariableNameNotFound"}, "Variable [z] not found on node [n0]."),
        (_bound_twice, {"ParameterBoundMoreThanOnce"}, "is bound more than once."),
        (_not_bound, {"ParameterNotBound"}, "Node Id: n0, Description: Parameter not bound [a]."),
        (_no_binding, {"ValueRequired", "ParameterNotBound"}, "Value required [Binding]."),
        (_empty_binding, {"MismatchingBindings"}, "expects bindings of type [simple:INTEGER].  Received []"),
        (_wrong_type, {"MismatchingTypes"}, "Variable [a] (type [simple:STRING]) doesn't match expected type [simple:INTEGER]."),
        (_wrong_promise, {"MismatchingTypes"}, "has type [collection_type:{simple:INTEGER}], but it's assigned to the input"),
        (_wrong_list, {"MismatchingBindings"}, "Input [a] on node [n0] expects bindings of type [simple:INTEGER]."),
        (_wrong_map, {"MismatchingBindings"}, "expects bindings of type [collection_type:{simple:INTEGER}]"),
        (_wrong_element, {"MismatchingTypes"}, "Node Id: n3"),
        (_no_variant, {"IncompatibleBindingUnionValue"}, "which does not match any of the variants."),
        (_two_variants, {"AmbiguousBindingUnionValue"}, "which is ambiguous as both variants [collection_type:{simple:INTEGER}"),
        (_no_colour, {"IllegalEnumValue"}, "expects value to be one of [[red]].  Received [green]"),
        (_odd_scalar, {"UnrecognizedValue"}, "Node Id: n0"),
        (_no_element, {"MismatchingTypes"}, "[0].o0"),
        (_no_field, {"FieldNotFound"}, "doesn't have field [g]."),
        (_two_nodes_of_one_id, {"DuplicateId"}, "Node Id: n7"),
        (_no_id, {"ValueRequired", "NodeReferenceNotFound"}, "Node Id: <node>, Description: Value required [Id]."),
        (_cycle, {"CycleDetected"}, "[start-node>n0>"),
        (_island, {"UnreachableNodes"}, "The Workflow contain unreachable nodes [n6,n7,n8]."),
        (_no_nodes, {"NoNodesFound"}, "Can't find any nodes in workflow [resource_type:WORKFLOW"),
        (_no_target, {"ValueRequired"}, "Node Id: n8, Description: Value required [Target]."),
        (_no_gate, {"NoConditionFound"}, "Can't find any condition in gate node [n8]."),
        (_no_signal_type, {"ValueRequired", "VariableNameNotFound", "ParameterNotBound"}, "[GateNode.Signal.Type]"),
        (_no_signal_name, {"ValueRequired", "VariableNameNotFound", "ParameterNotBound"}, "[GateNode.Signal.OutputVariableName]"),
        (_no_reference, {"ValueRequired", "VariableNameNotFound", "ParameterNotBound"}, "Value required [TaskNode.ReferenceId]."),
        (_no_task, {"TaskReferenceNotFound"}, "Node Id: start-node, Description: Referenced Task [resource_type:TASK project:"),
        (_no_plan, {"WorkflowReferenceNotFound"}, "Referenced Workflow [resource_type:LAUNCH_PLAN project:"),
        (_no_sub_workflow, {"WorkflowReferenceNotFound"}, "Node Id: n1, "),
        (_no_workflow, {"WorkflowReferenceNotFound"}, "Node Id: n5, Description: Referenced Workflow [<nil>/<nil>] not found."),
        (_itself, {"CycleDetected"}, f"[{inner.name}>{inner.name}]"),
        (_twice_the_sub_workflow, {"DuplicateId"}, "Trying to insert two nodes with the same id."),
        (_no_sub_workflow_id, {"ValueRequired"}, "Value required [SubWorkflow.Id]."),
        (_no_task_id, {"ValueRequired"}, "Value required [Template.Id]."),
        (_no_variable_type, {"ValueRequired"}, "Node Id: start-node, Description: Value required [param.Type]."),
        (_no_variable_name, {"ValueRequired"}, "Node Id: start-node, Description: Value required [paramName]."),
        (_no_then, {"ValueRequired", "BranchNodeIdNotFound"}, "Value required [IfElse.Case.ThenNode]."),
        (_no_first_then, {"ValueRequired", "BranchNodeIdNotFound"}, "Value required [Branch.IfElse.Case.ThenNode]."),
        (_no_case, {"ValueRequired", "BranchNodeHasNoCondition"}, "Value required [Branch.IfElse.Case]."),
        (_no_if, {"ValueRequired", "BranchNodeHasNoCondition", "BranchNodeHasNoDefault"}, "Value required [Branch.IfElse]."),
        (_no_default, {"BranchNodeHasNoDefault"}, "Branch Node must have either the else case set or a default error."),
        (_no_condition, {"BranchNodeHasNoCondition"}, "One of the branches on the node doesn't have a condition."),
        (_no_side, {"BranchNodeHasNoCondition"}, "Node Id: n1, "),
        (_no_expression, {"ValueRequired"}, "Value required [Expr]."),
        (_no_operand, {"ValueRequired"}, "Value required [LeftValue]."),
        (_empty_operand, {"ValueRequired"}, "Value required [LeftValue.Val]."),
        (_unknown_operand, {"VariableNameNotFound"}, "Variable [zz] not found on node [n1]."),
        (_wrong_operand, {"MismatchingTypes"}, "Variable [RightValue] (type [simple:STRING]) doesn't match"),
        (_arms_differ, {"MismatchingTypes"}, "Node Id: n1-n1, Description: Variable [o0] (type [simple:INTEGER])"),
        (lambda parts: _alias(parts, ("o0", "x"), ("o0", "y")), {"DuplicateAlias"}, "Duplicate alias [y] found."),
        (lambda parts: _alias(parts, ("gone", "x")), {"ParameterNotBound"}, "Node Id: n0, Description: Parameter not bound [x]."),
        (lambda parts: _alias(parts, ("o0", "x")), {"VariableNameNotFound"}, "Variable [o0] not found on node [n0]."),
        (_failure_node_without_task, {"TaskReferenceNotFound"}, "gone"),
        (_failure_node_not_bound, {"ParameterNotBound"}, "Node Id: fn0, Description: Parameter not bound [a]."),
    ],
)  # fmt: skip
def test_one_thing_is_wrong(
    serialized: Serialized, change: Callable[[Parts], object], codes: set[str], says: str
) -> None:
    """It compiles before; then the problems are these, and what follows from them; one of the texts says what it is."""
    parts = Parts(serialized)
    parts.compile()
    change(parts)
    with pytest.raises(workflow.CompileError) as error:
        parts.compile()
    assert codes <= error.value.codes
    assert says in str(error.value)
    assert error.value.codes <= codes | FOLLOWING


def test_every_code_is_met() -> None:
    """The table above has each of Flyte 1's codes that a workflow can have; InvalidValue is for pods."""
    marks = test_one_thing_is_wrong.pytestmark  # type: ignore[attr-defined]
    met = {code for parameters in marks[0].args[1] for code in parameters[1]}
    assert {code.value for code in problems.CompileErrorCode} - met == {"InvalidValue"}


def test_problems_are_listed_once_and_sorted(serialized: Serialized) -> None:
    """By code, then by text; numbered, as flyteadmin shows them."""
    parts = Parts(serialized)
    _wrong_type(parts)
    _no_default(parts)
    _unknown_upstream(parts)
    with pytest.raises(workflow.CompileError) as error:
        parts.compile()
    assert [problem.code for problem in error.value.problems] == [
        "BranchNodeHasNoDefault",
        "MismatchingTypes",
        "NodeReferenceNotFound",
    ]
    assert str(error.value).splitlines()[:2] == [
        "Collected Errors: 3",
        "\tError 0: Code: BranchNodeHasNoDefault, Node Id: n1, Description: Branch Node must have either the else case "
        "set or a default error.",
    ]


def test_what_is_given_stays_as_it_is(serialized: Serialized) -> None:
    """Whether it compiles or not."""
    for change in (lambda _: None, _wrong_type):
        parts = Parts(serialized)
        change(parts)
        given = [parts.template, *parts.subs, *parts.tasks.values(), *parts.plans]
        before = [message.SerializeToString(deterministic=True) for message in given]
        try:
            parts.compile()
        except workflow.CompileError:
            assert change is _wrong_type
        assert [message.SerializeToString(deterministic=True) for message in given] == before


@pytest.mark.parametrize(
    ("message", "says"),
    [
        (types_pb2.LiteralType(simple=types_pb2.INTEGER), "simple:INTEGER"),
        (types_pb2.LiteralType(map_value_type=types_pb2.LiteralType()), "map_value_type:{}"),
        (identifier_pb2.Identifier(name='a: { "b" }', project="p"), r'project:"p" name:"a: { \"b\" }"'),
        (None, "<nil>"),
    ],
)
def test_messages_in_texts(message: types_pb2.LiteralType | None, says: str) -> None:
    """As Go writes them."""
    assert problems.text(message) == says
