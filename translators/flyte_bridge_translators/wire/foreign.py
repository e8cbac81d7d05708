"""Runs that were born in Flyte 2, as executions of a workflow of Flyte 1 that nobody has registered.

The workflow is called `.flyte2.` and the run's name; its one node is the run's root action. An action that has others
below it is shown as a dynamic node: its closure has a node for each of them, without bindings, since plain Python connects
them. A trace is a task of type `flyte2-trace`, a condition is a gate.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from flyteidl.admin import launch_plan_pb2, workflow_pb2
from flyteidl.core import compiler_pb2, identifier_pb2, tasks_pb2, types_pb2

from flyte_bridge_translators.flyte1.names import END, START
from flyte_bridge_translators.wire import envelope, identifier
from flyte_bridge_translators.wire.execution_settings import same

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from flyteidl2.common import identifier_pb2 as v2_identifier_pb2
    from flyteidl2.workflow import run_definition_pb2

    from flyte_bridge_translators.wire.execution_settings import ExecutionSettings

PREFIX = ".flyte2."
VERSION = "1"
TRACE = "flyte2-trace"
NODE = identifier.ROOT
"""Id of the node that is the run's root."""

RESERVED = "flyte1."
"""How the names of tasks begin that the bridge has deployed."""


def is_foreign(root: run_definition_pb2.ActionDetails, settings: ExecutionSettings) -> bool:
    """Whether a run has nothing to do with Flyte 1.

    Args:
        root: Its root action.
        settings: What it was asked to be.
    """
    if root.task.task_template.type == envelope.TASK_TYPE or root.metadata.task.id.name.startswith(RESERVED):
        return False
    return not settings.from_facade or settings.launch_plan.name.startswith(PREFIX)


def run_of(entity: identifier_pb2.Identifier) -> str | None:
    """The run that a `.flyte2.` workflow or launch plan stands for; None for any other entity."""
    return entity.name.removeprefix(PREFIX) if entity.name.startswith(PREFIX) else None


def workflow_id(
    run: v2_identifier_pb2.RunIdentifier, kind: identifier_pb2.ResourceType = identifier_pb2.WORKFLOW
) -> identifier_pb2.Identifier:
    """The workflow, or launch plan, that stands for a run."""
    return identifier_pb2.Identifier(
        resource_type=kind,
        project=run.project,
        domain=run.domain,
        name=f"{PREFIX}{run.name}",
        version=VERSION,
    )


def workflow(root: run_definition_pb2.ActionDetails) -> workflow_pb2.Workflow:
    """The workflow that stands for a run: its root action, from the run's inputs to its outputs."""
    result = workflow_pb2.Workflow(id=workflow_id(root.id.run))
    closure = result.closure.compiled_workflow
    _build(closure, result.id, [(NODE, root)])
    template = closure.primary.template
    own = closure.tasks[0].template
    template.interface.CopyFrom(own.interface)
    (node,) = (one for one in template.nodes if one.id == NODE)
    for name in sorted(own.interface.inputs.variables):
        promise = node.inputs.add(var=name).binding.promise
        promise.node_id, promise.var = START, name
    for name in sorted(own.interface.outputs.variables):
        promise = template.outputs.add(var=name).binding.promise
        promise.node_id, promise.var = NODE, name
    result.closure.created_at.CopyFrom(root.status.start_time)
    return result


def launch_plan(root: run_definition_pb2.ActionDetails) -> launch_plan_pb2.LaunchPlan:
    """The launch plan that stands for a run."""
    plan = launch_plan_pb2.LaunchPlan(id=workflow_id(root.id.run, identifier_pb2.LAUNCH_PLAN))
    plan.spec.workflow_id.CopyFrom(workflow_id(root.id.run))
    interface = workflow(root).closure.compiled_workflow.primary.template.interface
    for parameters in (plan.spec.default_inputs.parameters, plan.closure.expected_inputs.parameters):
        for name, variable in interface.inputs.variables.items():
            parameters[name].var.CopyFrom(variable)
            parameters[name].required = True
    plan.closure.expected_outputs.CopyFrom(interface.outputs)
    plan.closure.created_at.CopyFrom(root.status.start_time)
    return plan


@dataclass
class ActionTree:
    """A run's actions as `node_tree.Tree` wants them.

    Attributes:
        actions: By the names that actions of Flyte 1's nodes would have.
        closures: Of the actions that have others below them, by unique id.
    """

    actions: dict[str, Any] = field(default_factory=dict)
    closures: dict[str, compiler_pb2.CompiledWorkflowClosure] = field(default_factory=dict)


def layout(
    run: v2_identifier_pb2.RunIdentifier,
    actions: Mapping[str, Any],
    details: Mapping[str, run_definition_pb2.ActionDetails],
) -> ActionTree:
    """Lays a run's actions out as nodes.

    Args:
        run: Whose they are.
        actions: All, by name.
        details: Of all but the root, by name.
    """
    below: dict[str, list[str]] = {}
    for name, action in actions.items():
        if name != NODE:
            below.setdefault(action.metadata.parent or NODE, []).append(name)
    result = ActionTree()
    _lay(result, run, NODE, NODE, actions, details, below)
    return result


def _lay(
    result: ActionTree,
    run: v2_identifier_pb2.RunIdentifier,
    name: str,
    uid: str,
    actions: Mapping[str, Any],
    details: Mapping[str, run_definition_pb2.ActionDetails],
    below: Mapping[str, list[str]],
) -> None:
    result.actions[identifier.action_name(uid)] = actions[name]
    children = below.get(name, [])
    if not children:
        return
    closure = compiler_pb2.CompiledWorkflowClosure()
    own = workflow_id(run)
    own.name = f"{own.name}.{name}"
    _build(closure, own, [(child, details[child]) for child in children])
    result.closures[uid] = closure
    for child in children:
        _lay(result, run, child, identifier.unique_id(uid, 0, child), actions, details, below)


def _build(
    closure: compiler_pb2.CompiledWorkflowClosure,
    own: identifier_pb2.Identifier,
    nodes: Iterable[tuple[str, run_definition_pb2.ActionDetails]],
) -> None:
    """A compiled workflow of nodes that do not wait for each other."""
    template = closure.primary.template
    template.id.CopyFrom(own)
    template.nodes.add(id=START)
    template.nodes.add(id=END)
    known: set[bytes] = set()
    for node_id, action in nodes:
        node = template.nodes.add(id=node_id)
        if action.WhichOneof("spec") == "condition":
            node.metadata.name = action.condition.name
            node.gate_node.signal.signal_id = action.condition.name
            node.gate_node.signal.type.CopyFrom(same(action.condition.type, types_pb2.LiteralType))
            node.gate_node.signal.output_variable_name = "o0"
        else:
            task = _task(action)
            node.metadata.name = identifier.short_name(task.id.name)
            node.task_node.reference_id.CopyFrom(task.id)
            key = task.id.SerializeToString(deterministic=True)
            if key not in known:
                known.add(key)
                closure.tasks.add().template.CopyFrom(task)
        for one, other in ((START, node_id), (node_id, END)):
            closure.primary.connections.downstream[one].ids.append(other)
            closure.primary.connections.upstream[other].ids.append(one)


def _task(action: run_definition_pb2.ActionDetails) -> tasks_pb2.TaskTemplate:
    run = action.id.run
    if action.WhichOneof("spec") == "trace":
        task = tasks_pb2.TaskTemplate(type=TRACE)
        task.interface.MergeFromString(action.trace.interface.SerializeToString())
        task.id.name = action.metadata.trace.name or action.id.name
        task.id.version = run.name
    else:
        task = same(action.task.task_template, tasks_pb2.TaskTemplate)
    task.id.resource_type = identifier_pb2.TASK
    task.id.project = task.id.project or run.project
    task.id.domain = task.id.domain or run.domain
    task.id.name = task.id.name or action.id.name
    task.id.version = task.id.version or run.name
    return task
