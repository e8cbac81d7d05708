"""What a node takes and gives, by its kind.

After `flytepropeller/pkg/compiler/validators/interface.go` and `branch.go` (v1.16.8).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flyteidl.core import interface_pb2, types_pb2

from flyte_bridge_translators.wire.compiler.bindings import bind, type_text
from flyte_bridge_translators.wire.compiler.model import Direction, Interface, NodeState, Variables, WorkflowDraft, key
from flyte_bridge_translators.wire.compiler.problems import CompileErrorCode, Problems, text

if TYPE_CHECKING:
    from collections.abc import Callable

    from flyteidl.core import identifier_pb2, workflow_pb2


def complete(interface: interface_pb2.TypedInterface) -> Interface:
    """An interface as we use it; the message gets what it lacks, as flyteadmin writes it."""
    interface.inputs.SetInParent()
    interface.outputs.SetInParent()
    return Interface(dict(interface.inputs.variables), dict(interface.outputs.variables))


def check(node: str, interface: Interface, problems: Problems) -> None:
    """Every variable needs a name and a type."""
    for variables in (interface.inputs, interface.outputs):
        for name, variable in variables.items():
            if not name:
                problems.collect(CompileErrorCode.VALUE_REQUIRED, node, "Value required [paramName].")
            if not variable.HasField("type"):
                problems.collect(CompileErrorCode.VALUE_REQUIRED, node, "Value required [param.Type].")


def find(workflow: WorkflowDraft, node: NodeState, problems: Problems) -> Interface | None:
    """What a node takes and gives; found once, kept in its state."""
    if node.interface is not None:
        return node.interface
    finder = _BY_KIND.get(node.kind or "")
    if finder is None:
        problems.collect(CompileErrorCode.VALUE_REQUIRED, node.id, "Value required [Target].")
        return None
    interface = finder(workflow, node, problems)
    if interface is not None:
        check(node.id, interface, problems)
    if not problems.ok:
        return None
    node.interface, node.effective = interface, None
    return interface


def _task(workflow: WorkflowDraft, node: NodeState, problems: Problems) -> Interface | None:
    target = node.core.task_node
    if not target.HasField("reference_id"):
        problems.collect(CompileErrorCode.VALUE_REQUIRED, node.id, "Value required [TaskNode.ReferenceId].")
        return None
    interface = workflow.library.interfaces.get(key(target.reference_id))
    if interface is None:
        missing = f"Referenced Task [{text(target.reference_id)}] not found."
        problems.collect(CompileErrorCode.TASK_REFERENCE_NOT_FOUND, node.id, missing)
    return interface


def _workflow(workflow: WorkflowDraft, node: NodeState, problems: Problems) -> Interface | None:
    target = node.core.workflow_node
    kind = target.WhichOneof("reference")
    if kind == "launchplan_ref":
        return _launch_plan(workflow, node, target.launchplan_ref, problems)
    if kind == "sub_workflow_ref":
        found = workflow.library.sub_workflows.get(key(target.sub_workflow_ref))
        if found is not None:
            interface = found.template.interface
            return Interface(dict(interface.inputs.variables), dict(interface.outputs.variables))
        _not_found(problems, node.id, text(target.sub_workflow_ref))
        return None
    _not_found(problems, node.id, "<nil>/<nil>")
    return None


def _launch_plan(
    workflow: WorkflowDraft, node: NodeState, reference: identifier_pb2.Identifier, problems: Problems
) -> Interface | None:
    """Its required inputs, and those of the others that the node binds."""
    plan = workflow.library.launch_plans.get(key(reference))
    if plan is None:
        _not_found(problems, node.id, text(reference))
        return None
    bound = {binding.var for binding in node.core.inputs}
    inputs = {
        name: parameter.var
        for name, parameter in plan.closure.expected_inputs.parameters.items()
        if parameter.required or name in bound
    }
    return Interface(inputs, dict(plan.closure.expected_outputs.variables))


def _gate(workflow: WorkflowDraft, node: NodeState, problems: Problems) -> Interface | None:
    gate = node.core.gate_node
    condition = gate.WhichOneof("condition")
    if condition == "approve":  # passes its inputs on
        bound = bind(workflow, node, node.core.inputs, {}, problems.scope(), direction=Direction.UPSTREAM, typed=False)
        return Interface(bound, bound)
    if condition == "signal":
        name = gate.signal.output_variable_name
        if not gate.signal.HasField("type"):
            problems.collect(CompileErrorCode.VALUE_REQUIRED, node.id, "Value required [GateNode.Signal.Type].")
        elif not name:
            problems.collect(
                CompileErrorCode.VALUE_REQUIRED, node.id, "Value required [GateNode.Signal.OutputVariableName]."
            )
        else:
            return Interface({}, {name: interface_pb2.Variable(type=gate.signal.type)})
        return None
    if condition == "sleep":
        return Interface()
    problems.collect(
        CompileErrorCode.NO_CONDITION_FOUND, node.id, f"Can't find any condition in gate node [{node.id}]."
    )
    return None


def _array(workflow: WorkflowDraft, node: NodeState, problems: Problems) -> Interface | None:
    """The sub-node's, which flytekit has made one of lists; where it says that it has not, we do."""
    array = node.core.array_node
    interface = find(workflow, workflow.state(array.node), problems.scope())
    if interface is None or not array.is_original_sub_node_interface.value:
        return interface
    whole = set(array.bound_inputs)
    inputs = {name: variable if name in whole else _list(variable) for name, variable in interface.inputs.items()}
    return Interface(inputs, {name: _list(variable) for name, variable in interface.outputs.items()})


def _list(variable: interface_pb2.Variable) -> interface_pb2.Variable:
    type_ = types_pb2.LiteralType(collection_type=variable.type)
    return interface_pb2.Variable(type=type_, description=variable.description)


def arms(node: NodeState) -> list[workflow_pb2.Node]:
    """The nodes inside a branch, in order; the one of a case that has none is left out."""
    branch = node.core.branch_node.if_else
    blocks = ([branch.case] if branch.HasField("case") else []) + list(branch.other)
    nodes = [block.then_node for block in blocks if block.HasField("then_node")]
    return [*nodes, branch.else_node] if branch.WhichOneof("default") == "else_node" else nodes


def _branch(workflow: WorkflowDraft, node: NodeState, problems: Problems) -> Interface | None:
    """Takes what its conditions compare, gives what all arms give. The arms' nodes get the branch's id before theirs."""
    branch = node.core.branch_node
    required = (
        ("Branch.IfElse", branch.HasField("if_else")),
        ("Branch.IfElse.Case", branch.if_else.HasField("case")),
        ("Branch.IfElse.Case.ThenNode", branch.if_else.case.HasField("then_node")),
    )
    for name, there in required:
        if not there:
            problems.collect(CompileErrorCode.VALUE_REQUIRED, node.id, f"Value required [{name}].")
            return None
    for block in branch.if_else.other:
        if not block.HasField("then_node"):
            problems.collect(CompileErrorCode.VALUE_REQUIRED, node.id, "Value required [IfElse.Case.ThenNode].")
    outputs: Variables | None = None
    for arm in arms(node):
        state = workflow.state(arm)
        state.rename(f"{node.id}-{state.id}")
        interface = find(workflow, state, problems.scope())
        if interface is None:
            continue
        if outputs is None:
            outputs = dict(interface.outputs)
            continue
        outputs = {name: variable for name, variable in outputs.items() if name in interface.outputs}
        for name, variable in outputs.items():
            _equal(state.id, name, variable.type, interface.outputs[name].type, problems.scope())
    inputs = bind(workflow, node, node.core.inputs, {}, problems.scope(), direction=Direction.UPSTREAM, typed=False)
    return Interface(inputs, outputs) if problems.ok and outputs is not None else None


def _equal(
    node: str, name: str, first: types_pb2.LiteralType, second: types_pb2.LiteralType, problems: Problems
) -> None:
    if first != second:
        differ = f"Variable [{name}] (type [{type_text(first)}]) doesn't match expected type [{type_text(second)}]."
        problems.collect(CompileErrorCode.MISMATCHING_TYPES, node, differ)


def _not_found(problems: Problems, node: str, reference: str) -> None:
    problems.collect(
        CompileErrorCode.WORKFLOW_REFERENCE_NOT_FOUND, node, f"Referenced Workflow [{reference}] not found."
    )


_BY_KIND: dict[str, Callable[[WorkflowDraft, NodeState, Problems], Interface | None]] = {
    "task_node": _task,
    "workflow_node": _workflow,
    "branch_node": _branch,
    "gate_node": _gate,
    "array_node": _array,
}
