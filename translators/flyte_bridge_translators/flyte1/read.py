"""From a `CompiledWorkflowClosure` to the model; nothing is refused here, `graph.checked` says what is wrong with one.

Sources: `flyteidl/core/{compiler,workflow,condition,literals}.proto`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from flyteidl.core import literals_pb2, types_pb2, workflow_pb2

from flyte_bridge_translators.flyte1.bindings import Binding, Constant, Entries, Members, Promise, nodes
from flyte_bridge_translators.flyte1.closure import Closure, Workflow
from flyte_bridge_translators.flyte1.conditions import SIGNS, Comparison, Conjunction, Variable
from flyte_bridge_translators.flyte1.names import SENTINELS, START
from flyte_bridge_translators.flyte1.nodes import (
    NOTHING,
    Arm,
    ArrayNode,
    Awaited,
    BranchNode,
    GateNode,
    Key,
    LaunchPlanNode,
    Node,
    Overrides,
    SubWorkflowNode,
    TaskNode,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from flyteidl.core import compiler_pb2, condition_pb2, identifier_pb2
    from flyteidl2.core import identifier_pb2 as v2_identifier_pb2

    from flyte_bridge_translators.flyte1.bindings import Source
    from flyte_bridge_translators.flyte1.conditions import Condition, Operand

    Edges: TypeAlias = Mapping[str, tuple[str, ...]]

APPROVAL = types_pb2.LiteralType(simple=types_pb2.BOOLEAN)
"""What an approval is answered with."""


def closure(message: compiler_pb2.CompiledWorkflowClosure) -> Closure:
    """Everything that a compiled workflow carries along."""
    return Closure(
        primary=workflow(message.primary),
        workflows={key(compiled.template.id): workflow(compiled) for compiled in message.sub_workflows},
        tasks={key(task.template.id): task.template for task in message.tasks},
        launch_plans={key(plan.template.id): plan.template for plan in message.launch_plans},
        message=message,
    )


def workflow(compiled: compiler_pb2.CompiledWorkflow) -> Workflow:
    """One workflow of a closure; one that nobody has compiled yet has no edges but those that its nodes name."""
    template, connections = compiled.template, compiled.connections
    upstream = {name: tuple(ids.ids) for name, ids in connections.upstream.items()}
    return Workflow(
        key=key(template.id),
        nodes=tuple(node(one, upstream) for one in template.nodes if one.id not in SENTINELS),
        outputs=bindings(template.outputs),
        interface=template.interface,
        failure=node(template.failure_node, upstream) if template.HasField("failure_node") else None,
        goes_on=template.metadata.on_failure == _GOES_ON,
        interruptible=template.metadata_defaults.interruptible,
        upstream=upstream,
        downstream={name: tuple(ids.ids) for name, ids in connections.downstream.items()},
    )


def key(
    identifier: identifier_pb2.Identifier | v2_identifier_pb2.Identifier,
) -> Key:
    """What tells one identifier from another of its kind."""
    return Key(identifier.project, identifier.domain, identifier.name, identifier.version)


def bindings(messages: Iterable[literals_pb2.Binding]) -> tuple[Binding, ...]:
    """Parameters and their sources."""
    return tuple(Binding(binding.var, _source(binding.binding)) for binding in messages)


def node(message: workflow_pb2.Node, edges: Edges | None = None) -> Node:
    """A node.

    Args:
        message: It, with its arms or its element.
        edges: What the nodes of its workflow wait for besides what they name themselves, by id.
    """
    edges = edges or {}
    inputs = bindings(message.inputs)
    bound = nodes(inputs)
    waited = dict.fromkeys((*bound, *message.upstream_node_ids, *edges.get(message.id, ())))
    common: dict[str, Any] = {
        "id": message.id,
        "title": message.metadata.name,
        "bindings": inputs,
        "bound": bound,
        "upstream": tuple(name for name in waited if name not in {"", START}),
        "overrides": _overrides(message.metadata),
    }
    match message.WhichOneof("target"):
        case "task_node":
            called = message.task_node
            return TaskNode(task=key(called.reference_id), resources=called.overrides, **common)
        case "workflow_node":
            match message.workflow_node.WhichOneof("reference"):
                case "sub_workflow_ref":
                    return SubWorkflowNode(workflow=key(message.workflow_node.sub_workflow_ref), **common)
                case "launchplan_ref":
                    return LaunchPlanNode(launch_plan=key(message.workflow_node.launchplan_ref), **common)
        case "branch_node":
            return _branch(message.branch_node.if_else, edges, common)
        case "gate_node":
            return _gate(message.gate_node, common)
        case "array_node":
            return _array(message.array_node, common)
    return Node(**common)


def _branch(block: workflow_pb2.IfElseBlock, edges: Edges, common: Mapping[str, Any]) -> BranchNode:
    cases = tuple(
        Arm(condition(case.condition), node(case.then_node, edges) if case.HasField("then_node") else None)
        for case in (block.case, *block.other)
    )
    otherwise: Node | str | None = None
    match block.WhichOneof("default"):
        case "else_node":
            otherwise = node(block.else_node, edges)
        case "error":
            otherwise = block.error.message
    return BranchNode(cases=cases, otherwise=otherwise, **common)


def _gate(gate: workflow_pb2.GateNode, common: Mapping[str, Any]) -> GateNode:
    awaited, signal, answer = Awaited.NOTHING, "", APPROVAL
    match gate.WhichOneof("condition"):
        case "approve":
            awaited, signal = Awaited.APPROVAL, gate.approve.signal_id
        case "signal":
            awaited, signal, answer = Awaited.INPUT, gate.signal.signal_id, gate.signal.type
        case "sleep":
            awaited = Awaited.TIME
    return GateNode(
        awaited=awaited,
        signal=signal,
        type=answer,
        output=gate.signal.output_variable_name,
        duration=gate.sleep.duration,
        **common,
    )


def _array(array: workflow_pb2.ArrayNode, common: Mapping[str, Any]) -> ArrayNode:
    criterion = array.WhichOneof("success_criteria")
    return ArrayNode(
        element=node(array.node),
        bound_inputs=frozenset(array.bound_inputs),
        parallelism=array.parallelism if array.WhichOneof("parallelism_option") else None,
        min_successes=array.min_successes if criterion == "min_successes" else None,
        min_success_ratio=array.min_success_ratio if criterion == "min_success_ratio" else None,
        individual_inputs=array.data_mode == workflow_pb2.ArrayNode.INDIVIDUAL_INPUT_FILES,
        original_interface=array.is_original_sub_node_interface.value,
        run_all=array.run_all_sub_nodes,
        **common,
    )


def _overrides(metadata: workflow_pb2.NodeMetadata) -> Overrides:
    if all(field.name == "name" for field, _ in metadata.ListFields()):  # most say no more, and there are many
        return NOTHING
    return Overrides(
        retries=metadata.retries.retries,
        timeout=metadata.timeout if metadata.HasField("timeout") else None,
        interruptible=metadata.interruptible if metadata.WhichOneof("interruptible_value") else None,
        cacheable=metadata.cacheable if metadata.WhichOneof("cacheable_value") else None,
        cache_version=metadata.cache_version if metadata.WhichOneof("cache_version_value") else None,
        cache_serializable=metadata.cache_serializable if metadata.WhichOneof("cache_serializable_value") else None,
    )


def _source(data: literals_pb2.BindingData) -> Source:
    match data.WhichOneof("value"):
        case "promise":
            promise = data.promise
            return Promise(promise.node_id or START, promise.var, _path(promise.attr_path) if promise.attr_path else ())
        case "scalar":
            return Constant(data.scalar)
        case "offloaded_metadata":
            return Constant(data.offloaded_metadata)
        case "collection":
            return Members(tuple(_source(member) for member in data.collection.bindings))
        case "map":
            return Entries(tuple((name, _source(value)) for name, value in data.map.bindings.items()))
    return None


def _path(steps: Iterable[types_pb2.PromiseAttribute]) -> tuple[str | int, ...]:
    return tuple(step.string_value if step.WhichOneof("value") == "string_value" else step.int_value for step in steps)


def condition(expression: condition_pb2.BooleanExpression) -> Condition:
    """What decides an arm."""
    match expression.WhichOneof("expr"):
        case "comparison":
            compared = expression.comparison
            number = int(compared.operator)
            sign = SIGNS[number] if number in range(len(SIGNS)) else f"[{number}]"
            return Comparison(sign, _operand(compared.left_value), _operand(compared.right_value))
        case "conjunction":
            joined = expression.conjunction
            left, right = condition(joined.left_expression), condition(joined.right_expression)
            return Conjunction(joined.operator == joined.OR, left, right)
    return None


def _operand(operand: condition_pb2.Operand) -> Operand:
    match operand.WhichOneof("val"):
        case "primitive":
            return literals_pb2.Scalar(primitive=operand.primitive)
        case "scalar":
            return operand.scalar
    return Variable(operand.var)


_GOES_ON = workflow_pb2.WorkflowMetadata.FAIL_AFTER_EXECUTABLE_NODES_COMPLETE
