"""A task that runs alone: the workflow and the launch plan that flyteadmin makes around it.

Their names begin with `.flytegen.`, the one node is called as the task, reduced to what a node's id may hold. Nothing is
registered: both follow from the task, and are made when somebody asks.

Most such tasks are run by Flyte 2 as they are. One that leaves a workflow to be run, maps over its inputs, or has nothing to
start needs the driver; a mapped task is then an array node, which flyteadmin does not make of it (there its one process looks for
its place in the lists and fails).

Source: `flyteadmin/pkg/manager/impl/util/single_task_execution.go` (v1.16.8).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flyteidl.admin import launch_plan_pb2, workflow_pb2
from flyteidl.core import identifier_pb2, tasks_pb2
from flyteidl.core import workflow_pb2 as core_workflow_pb2

from flyte_bridge_translators.wire import plugin, process, workflow
from flyte_bridge_translators.wire.execution_settings import same

PREFIX = ".flytegen."
_MAX_NODE_ID = 63
_RETRIES = 3


@dataclass(frozen=True)
class SingleTask:
    """What is made around a task.

    Attributes:
        workflow: As `GetWorkflow` would answer.
        launch_plan: As `GetLaunchPlan` would answer.
        node: The id of its one node.
    """

    workflow: workflow_pb2.Workflow
    launch_plan: launch_plan_pb2.LaunchPlan
    node: str


def node_id(task: str) -> str:
    """The id of the node that runs a task alone: the last 63 characters of its name, letters, digits and `-` of them."""
    return "".join(one for one in task[-_MAX_NODE_ID:] if one == "-" or one.isalpha() or one.isnumeric())


def name(task: str) -> str:
    """The name of the workflow and launch plan around a task."""
    return f"{PREFIX}{task}"


def task_of(entity: identifier_pb2.Identifier) -> identifier_pb2.Identifier | None:
    """The task that a `.flytegen.` workflow or launch plan was made around; None for any other entity."""
    if not entity.name.startswith(PREFIX):
        return None
    return identifier_pb2.Identifier(
        resource_type=identifier_pb2.TASK,
        project=entity.project,
        domain=entity.domain,
        name=entity.name.removeprefix(PREFIX),
        version=entity.version,
    )


def needs_driver(task: Any) -> bool:
    """Whether Flyte 2 does not do by itself what Flyte 1 does when a task runs alone.

    Args:
        task: Its template, of either Flyte.
    """
    return bool(task.type == plugin.ECHO or process.is_dynamic(task) or process.is_mapped(task))


def of_template(task: Any) -> SingleTask:
    """The workflow and launch plan around a task.

    Args:
        task: Its template, of either Flyte.
    """
    template = task if isinstance(task, tasks_pb2.TaskTemplate) else same(task, tasks_pb2.TaskTemplate)
    own = identifier_pb2.Identifier()
    own.CopyFrom(template.id)
    own.resource_type = identifier_pb2.TASK
    around = identifier_pb2.Identifier()
    around.CopyFrom(own)
    around.name, around.resource_type = name(own.name), identifier_pb2.WORKFLOW
    node = node_id(own.name)
    skeleton = core_workflow_pb2.WorkflowTemplate(id=around, interface=template.interface)
    step = skeleton.nodes.add(id=node)
    step.metadata.name = node
    step.metadata.retries.retries = (
        template.metadata.retries.retries if template.metadata.HasField("retries") else _RETRIES
    )
    if process.is_mapped(template):
        step.array_node.node.task_node.reference_id.CopyFrom(own)
        step.array_node.node.id = node
        step.array_node.bound_inputs.extend(_whole(process.arguments(template)))
    else:
        step.task_node.reference_id.CopyFrom(own)
    for variable in sorted(template.interface.inputs.variables):
        step.inputs.add(var=variable).binding.promise.var = variable
    for variable in sorted(template.interface.outputs.variables):
        promise = skeleton.outputs.add(var=variable).binding.promise
        promise.node_id, promise.var = node, variable
    result = workflow_pb2.Workflow(id=around)
    result.closure.compiled_workflow.CopyFrom(workflow.compile(skeleton, (), [template]))
    return SingleTask(result, _plan(around, template), node)


def _whole(arguments: list[str]) -> list[str]:
    """The inputs that all elements share, as flytekit's `ArrayNodeMapTaskResolver` is told (`vars a,b`)."""
    loading = arguments[arguments.index("--") + 1 :] if "--" in arguments else []
    named = dict(zip(loading[::2], loading[1::2], strict=False)).get("vars", "")
    return [one for one in named.split(",") if one]


def _plan(around: identifier_pb2.Identifier, template: tasks_pb2.TaskTemplate) -> launch_plan_pb2.LaunchPlan:
    plan = launch_plan_pb2.LaunchPlan(id=around)
    plan.id.resource_type = identifier_pb2.LAUNCH_PLAN
    plan.spec.workflow_id.CopyFrom(around)
    for spec in (plan.spec.default_inputs.parameters, plan.closure.expected_inputs.parameters):
        for variable, declared in template.interface.inputs.variables.items():
            spec[variable].var.CopyFrom(declared)
            spec[variable].required = True
    for empty in (plan.spec.fixed_inputs, plan.spec.entity_metadata, plan.spec.labels, plan.spec.annotations):
        empty.SetInParent()
    plan.closure.expected_outputs.CopyFrom(template.interface.outputs)
    return plan
