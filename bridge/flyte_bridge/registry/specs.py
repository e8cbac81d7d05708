"""Flyte 1's entities as the specs that are deployed to Flyte 2, and back.

| Flyte 1 | deployed as |
|---|---|
| task | its own template, re-parsed from its bytes |
| workflow | a task that runs the driver; `custom` holds the compiled closure (`wire.envelope`) |
| launch plan | the same with the launch plan in the envelope; its interface is the workflow's less the fixed inputs |

What has no field of its own travels in `TaskTemplate.config`, which no backend reads, under the keys below.
"""

from __future__ import annotations

import base64
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from flyteidl.admin import description_entity_pb2, launch_plan_pb2, task_pb2, workflow_pb2
from flyteidl.core import compiler_pb2, identifier_pb2
from flyteidl.core import interface_pb2 as interface_v1_pb2
from flyteidl.core import tasks_pb2 as tasks_v1_pb2
from flyteidl2.core import interface_pb2, tasks_pb2
from flyteidl2.task import common_pb2, task_definition_pb2
from google.protobuf.message import DecodeError, Message

from flyte_bridge.errors import InternalError
from flyte_bridge_translators.wire import envelope, identifier
from flyte_bridge_translators.wire import interface as wire_interface
from flyte_bridge_translators.wire import task as wire_task
from flyte_bridge_translators.wire.inflate import inflate
from flyte_bridge_translators.wire.quantity import quantity

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flyte_bridge.config import Settings

M = TypeVar("M", bound=Message)

DESCRIPTION = "flyte1.bridge/description"
"""The `DescriptionEntity` that an entity was registered with."""
LAUNCH_PLAN = "flyte1.bridge/launch-plan"
"""The launch plan once more, for those who do not want the workflow."""

_MOST_SHORT, _MOST_LONG = 255, 2048
"""Bytes of a description that Flyte 2 keeps. It cuts longer ones itself, but within a character, and then fails on what it
has cut (`runs/service/utils.go`)."""

DRIVER = (
    "flyte-bridge-driver",
    "--inputs",
    "{{.input}}",
    "--outputs-path",
    "{{.outputPrefix}}",
    "--raw-data-path",
    "{{.rawOutputDataPrefix}}",
    "--run-name",
    "{{.runName}}",
    "--name",
    "{{.actionName}}",
)
"""The driver's command."""

DRIVER_IMAGE = "flyte-bridge-driver"
"""The image's name where none is configured: on the embedded backend, which needs none."""

DRIVER_LIMITS = {tasks_pb2.Resources.CPU: "1", tasks_pb2.Resources.MEMORY: "512Mi"}
"""The most the driver gets, unless it requests more. Without limits flyteplugins makes the requests the limits
(`AdjustOrDefaultResource`), and with a tenth of a core it would take seconds to start."""

SDK_VERSION = "2.3.6"
"""The version of Flyte 2's SDK whose runs ours are taken for. From this one on Flyte 2's scheduler tells its runs when they
were due (`runs/service/run_service.go`, `run_start_time`), which is `scheduled_at` in Flyte 1."""

DRIVER_RETRIES = 3
"""How often a driver that died is started again; it goes on where it was."""


@dataclass(frozen=True)
class DriverPod:
    """What the driver runs in.

    Attributes:
        image: Its image; None on the embedded backend, which needs none.
        cpu: What it requests, as Kubernetes spells it.
        memory: Likewise.
    """

    image: str | None
    cpu: str
    memory: str

    @staticmethod
    def of(settings: Settings) -> DriverPod:
        """What the settings say of it."""
        return DriverPod(settings.driver_image, settings.driver_cpu, settings.driver_memory)

    def container(self) -> tasks_pb2.Container:
        """The container, without environment: installations give each pod what all need."""
        container = tasks_pb2.Container(image=self.image or DRIVER_IMAGE, args=DRIVER)
        requests = {tasks_pb2.Resources.CPU: self.cpu, tasks_pb2.Resources.MEMORY: self.memory}
        for name, request in requests.items():
            container.resources.requests.add(name=name, value=request)
            container.resources.limits.add(name=name, value=max(request, DRIVER_LIMITS[name], key=quantity))
        return container


# -- to Flyte 2 -------------------------------------------------------------------------------------------------------


def of_task(request: task_pb2.TaskCreateRequest) -> task_definition_pb2.TaskSpec:
    """A task as it is deployed.

    Args:
        request: Its registration; `spec.template.id` is `id` already.
    """
    spec = _spec(identifier.TASK, request.id, wire_task.to_v2(request.spec.template))
    _describe(spec, request.spec.description if request.spec.HasField("description") else None)
    return spec


def of_workflow(
    workflow: workflow_pb2.Workflow,
    description: description_entity_pb2.DescriptionEntity | None,
    driver: DriverPod,
) -> tuple[task_definition_pb2.TaskSpec, Mapping[str, str]]:
    """A workflow as it is deployed, and the documents it is split over.

    Args:
        workflow: With its id and compiled closure.
        description: What it was registered with.
        driver: What it is driven in.
    """
    custom, documents = envelope.pack(envelope.Envelope(workflow))
    interface = workflow.closure.compiled_workflow.primary.template.interface
    template = _driven(workflow.id, wire_interface.to_v2(interface), driver)
    template.custom.CopyFrom(custom)
    spec = _spec(identifier.WORKFLOW, workflow.id, template)
    _describe(spec, description)
    return spec, documents


def of_launch_plan(
    plan: launch_plan_pb2.LaunchPlan, workflow: workflow_pb2.Workflow, driver: DriverPod
) -> tuple[task_definition_pb2.TaskSpec, Mapping[str, str]]:
    """A launch plan as it is deployed, and the documents it is split over.

    Args:
        plan: With its spec, whose `default_inputs` are the expected inputs.
        workflow: Which it launches.
        driver: What it is driven in.
    """
    custom, documents = envelope.pack(envelope.Envelope(workflow, plan))
    interface = interface_v1_pb2.TypedInterface()
    interface.CopyFrom(workflow.closure.compiled_workflow.primary.template.interface)
    for name in plan.spec.fixed_inputs.literals:
        interface.inputs.variables.pop(name, None)
    template = _driven(plan.id, wire_interface.to_v2(interface), driver)
    template.custom.CopyFrom(custom)
    template.config[LAUNCH_PLAN] = _pack(plan)
    spec = _spec(identifier.LAUNCH_PLAN, plan.id, template)
    for name, parameter in sorted(plan.spec.default_inputs.parameters.items()):
        if parameter.HasField("default"):
            named = common_pb2.NamedParameter(name=name)
            named.parameter.MergeFromString(parameter.SerializeToString())
            spec.default_inputs.append(named)
    return spec, documents


def _driven(
    v1_id: identifier_pb2.Identifier, interface: interface_pb2.TypedInterface, driver: DriverPod
) -> tasks_pb2.TaskTemplate:
    template = tasks_pb2.TaskTemplate(
        type=envelope.TASK_TYPE,
        interface=interface,
        metadata=tasks_pb2.TaskMetadata(
            runtime=tasks_pb2.RuntimeMetadata(
                type=tasks_pb2.RuntimeMetadata.FLYTE_SDK, version=SDK_VERSION, flavor="python"
            )
        ),
        container=driver.container(),
    )
    template.metadata.retries.retries = DRIVER_RETRIES
    template.id.MergeFromString(v1_id.SerializeToString())
    return template


def _spec(
    environment: str, v1_id: identifier_pb2.Identifier, template: tasks_pb2.TaskTemplate
) -> task_definition_pb2.TaskSpec:
    spec = task_definition_pb2.TaskSpec(task_template=template, short_name=identifier.short_name(v1_id.name))
    spec.environment.name = environment
    return spec


def _describe(spec: task_definition_pb2.TaskSpec, description: description_entity_pb2.DescriptionEntity | None) -> None:
    if description is None:
        return
    spec.task_template.config[DESCRIPTION] = _pack(description)
    spec.documentation.short_description = _cut(description.short_description, _MOST_SHORT)
    spec.documentation.long_description = _cut(description.long_description.value, _MOST_LONG)
    spec.documentation.source_code.link = description.source_code.link


def _cut(text: str, most: int) -> str:
    return text.replace("\0", "").encode()[:most].decode(errors="ignore")  # PostgreSQL has no text with NUL in it


# -- back to Flyte 1 --------------------------------------------------------------------------------------------------


def to_task(details: task_definition_pb2.TaskDetails) -> task_pb2.Task:
    """A deployed task as flyteadmin answers `GetTask`."""
    template = details.spec.task_template
    registered = convert(template, tasks_v1_pb2.TaskTemplate)
    registered.config.pop(DESCRIPTION, None)
    task = task_pb2.Task(id=registered.id, short_description=short_description(details))
    task.id.resource_type = identifier_pb2.TASK
    task.closure.compiled_task.template.CopyFrom(registered)
    task.closure.created_at.CopyFrom(details.metadata.deployed_at)
    return task


def to_listed_workflow(details: task_definition_pb2.TaskDetails) -> workflow_pb2.Workflow:
    """A deployed workflow as `ListWorkflows` tells of it: without its nodes."""
    template = details.spec.task_template
    workflow = workflow_pb2.Workflow(short_description=short_description(details))
    workflow.id.MergeFromString(template.id.SerializeToString())
    workflow.closure.created_at.CopyFrom(details.metadata.deployed_at)
    primary = workflow.closure.compiled_workflow.primary
    primary.template.interface.SetInParent()
    primary.template.interface.MergeFromString(template.interface.SerializeToString())
    return workflow


def to_launch_plan(details: task_definition_pb2.TaskDetails) -> launch_plan_pb2.LaunchPlan:
    """A deployed launch plan as flyteadmin answers `GetLaunchPlan`; its state is kept elsewhere."""
    packed = details.spec.task_template.config.get(LAUNCH_PLAN)
    if not packed:
        raise InternalError(f"{details.task_id.name}: the deployed task holds no launch plan; register it again")
    plan = _unpack(packed, launch_plan_pb2.LaunchPlan)
    plan.closure.created_at.CopyFrom(details.metadata.deployed_at)
    plan.closure.updated_at.CopyFrom(details.metadata.deployed_at)
    return plan


def to_description(
    details: task_definition_pb2.TaskDetails, v1_id: identifier_pb2.Identifier
) -> description_entity_pb2.DescriptionEntity | None:
    """What a deployed entity was described with; None for nothing."""
    packed = details.spec.task_template.config.get(DESCRIPTION)
    if not packed:
        return None
    description = _unpack(packed, description_entity_pb2.DescriptionEntity)
    description.id.CopyFrom(v1_id)
    return description


def short_description(details: task_definition_pb2.TaskDetails) -> str:
    """The short description, uncut."""
    packed = details.spec.task_template.config.get(DESCRIPTION)
    return _unpack(packed, description_entity_pb2.DescriptionEntity).short_description if packed else ""


def v1_id(details: task_definition_pb2.TaskDetails) -> identifier_pb2.Identifier:
    """The identifier that an entity was registered under."""
    return convert(details.spec.task_template.id, identifier_pb2.Identifier)


# -- bytes ------------------------------------------------------------------------------------------------------------


def convert(message: Message, kind: type[M]) -> M:
    """A message of one Flyte as the other's, which is wire compatible: map entries are in a fixed order."""
    converted: M = kind.FromString(message.SerializeToString(deterministic=True))
    return converted


def same(one: Message, other: Message) -> bool:
    """Whether two messages of one kind say the same."""
    return bool(one.SerializeToString(deterministic=True) == other.SerializeToString(deterministic=True))


def compiled(template: tasks_v1_pb2.TaskTemplate) -> compiler_pb2.CompiledTask:
    """A task template as flyteadmin compiles it: as it is."""
    return compiler_pb2.CompiledTask(template=template)


def _pack(message: Message) -> str:
    return base64.b64encode(zlib.compress(message.SerializeToString(deterministic=True), 6)).decode()


def _unpack(text: str, kind: type[M]) -> M:
    try:
        message: M = kind.FromString(inflate(base64.b64decode(text, validate=True)))
    except (ValueError, DecodeError) as error:
        raise InternalError(
            f"the {kind.DESCRIPTOR.name} that was stored with a deployed task cannot be read ({error}); register it again"
        ) from error
    return message
