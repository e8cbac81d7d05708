"""Flyte 1's messages as flytekit makes them, and a registry that is just large enough to compile them."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from flyteidl.admin import launch_plan_pb2, task_pb2, workflow_pb2
from flytekit.configuration import Image, ImageConfig, SerializationSettings
from flytekit.models import launch_plan as launch_plan_models
from flytekit.models import task as task_models
from flytekit.models.admin import workflow as workflow_models
from flytekit.tools.translator import get_serializable

from flyte_bridge_translators.wire import launch_plan, workflow

if TYPE_CHECKING:
    from flyteidl.core import compiler_pb2

SETTINGS = SerializationSettings(
    image_config=ImageConfig(Image("default", "registry.example/app", "1")),
    project="flytesnacks",
    domain="development",
    version="v1",
    env={"FLYTE_TEST": "1"},
)


@dataclass
class Serialized:
    """What flytekit would register for one entity, in the order it would."""

    tasks: dict[str, task_pb2.TaskSpec] = field(default_factory=dict)
    workflows: dict[str, workflow_pb2.WorkflowSpec] = field(default_factory=dict)
    launch_plans: dict[str, launch_plan_pb2.LaunchPlan] = field(default_factory=dict)

    def compiled(self, name: str) -> compiler_pb2.CompiledWorkflowClosure:
        """A workflow's closure."""
        spec = self.workflows[name]
        needs = workflow.requirements(spec.template, spec.sub_workflows)
        tasks = [self.tasks[task.name].template for task in needs.tasks]
        plans = [self.launch_plans[plan.name] for plan in needs.launch_plans]
        return workflow.compile(spec.template, spec.sub_workflows, tasks, plans)


def serialize(entity: Any) -> Serialized:
    """Serialize a flytekit workflow or launch plan with everything it needs."""
    found: OrderedDict[Any, Any] = OrderedDict()
    get_serializable(found, SETTINGS, entity)
    result = Serialized()
    for model in found.values():
        if isinstance(model, task_models.TaskSpec):
            result.tasks[model.template.id.name] = model.to_flyte_idl()
        elif isinstance(model, workflow_models.WorkflowSpec):
            result.workflows[model.template.id.name] = model.to_flyte_idl()
        elif isinstance(model, launch_plan_models.LaunchPlan):
            result.launch_plans[model.id.name] = _registered(model, result)
    return result


def _registered(model: launch_plan_models.LaunchPlan, result: Serialized) -> launch_plan_pb2.LaunchPlan:
    spec = model.spec.to_flyte_idl()
    interface = result.workflows[spec.workflow_id.name].template.interface
    return launch_plan.registered(model.id.to_flyte_idl(), spec, interface)
