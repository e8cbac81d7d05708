"""Tasks, workflows and launch plans of Flyte 1, registered in Flyte 2: oldest first, each after what it refers to.

Workflows are registered as they were before they were compiled. What is there already is no error. What is refused is told
with the reason, and so is what needs it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from flyteidl.admin import launch_plan_pb2, project_pb2, task_pb2, workflow_pb2

from flyte_bridge_translators.wire import workflow
from flyte_bridge_translators.wire.compiler import uncompiled
from flyte_bridge_translators.wire.compiler.problems import CompileError

from ..errors import StatusError
from . import import_files
from .control_plane import told
from .import_state import Arrival, Imported
from .import_writer import OUT_OF_REACH
from .registrations import LAUNCH_PLAN, MADE_BY_FLYTE, TASK, WORKFLOW, EntityKey, RegistrationReader

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from flyteidl.admin import description_entity_pb2
    from flyteidl.core import identifier_pb2
    from google.protobuf.message import Message

    from .control_plane import ControlPlane
    from .import_writer import ImportWriter
    from .registrations import Registrations

ORDER = {TASK: 0, WORKFLOW: 1, LAUNCH_PLAN: 2}
"""What is registered in one instant was registered in this order."""

_Request = tuple[str, "Message", type[Any]]


@dataclass
class EntityImport:
    """What an import of versions has done in this call.

    Attributes:
        source: Flyte 1.
        writer: Writes to Flyte 2.
        registered: What Flyte 1's lists have told.
        stores: Where code bundles and files of inputs are copied from and to; they are left where they are if `None`.
        sent: What has arrived and was not read back yet, as Flyte 1 has it.
        names: Kind, project, domain and name of all that is there, whoever has put it there.
        left_out: How many entities flyteadmin has made up for executions of single tasks; they are not copied.
        cached: How many versions of tasks that have arrived keep their results.
    """

    source: ControlPlane
    writer: ImportWriter
    registered: Registrations
    stores: import_files.Stores | None = None
    sent: dict[EntityKey, Any] = field(default_factory=dict)
    names: set[tuple[identifier_pb2.ResourceType, str, str, str]] = field(default_factory=set)
    left_out: int = 0
    cached: int = 0
    _seen: set[EntityKey] = field(default_factory=set)
    _files: set[str] = field(default_factory=set)
    _descriptions: dict[Any, dict[str, description_entity_pb2.DescriptionEntity]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Reads with the source's own caller."""
        self._reader = RegistrationReader(self.source.caller)

    @property
    def looked_at(self) -> int:
        """How many entities were to be copied so far."""
        return len(self._seen)

    async def run(self, since: datetime | None = None) -> None:
        """Copies them.

        Args:
            since: Only what was registered since then, active launch plans, and what these need; all if `None`.

        Raises:
            StatusError: A side is out of reach.
        """
        for key in wanted(self.registered, since):
            if key.name.startswith(MADE_BY_FLYTE):
                self.left_out += 1
            else:
                await self._bring(key)

    async def _bring(self, key: EntityKey) -> None:
        """Copies an entity, after what it refers to; once."""
        if key in self._seen:
            return
        self._seen.add(key)
        before = self.writer.state.done.get((key.what, str(key)))
        if before is None or before.arrival not in (Arrival.SAME, Arrival.DIFFERENT):  # which were read back
            try:
                entity = await self._entity(key)
            except OUT_OF_REACH:
                raise
            except StatusError as error:
                self.writer.note(Imported(key.what, str(key), Arrival.REFUSED, f"Flyte 1: {told(error)}"))
                return
            if not await self._bring_needed(key, entity):
                return
            await self.bring_project(key.project)
            if self.writer.state.is_there(key.what, str(key)):
                self.sent[key] = entity
            else:
                await self._send(key, entity)
        if self.writer.state.is_there(key.what, str(key)):
            self.names.add(key[:4])

    async def _entity(self, key: EntityKey) -> Any:
        """As Flyte 1 has it, whole; lists have all but workflows."""
        listed: Any = self.registered.tasks.get(key) or self.registered.launch_plans.get(key)
        return listed if listed is not None else await self._reader.entity(key)

    async def _bring_needed(self, key: EntityKey, entity: Any) -> bool:
        """Copies what an entity refers to; whether all of that is there."""
        for needed in needs(entity):
            await self._bring(needed)
            if not self.writer.state.is_there(needed.what, str(needed)):
                self.writer.note(Imported(key.what, str(key), Arrival.FOLLOWS, str(needed)))
                return False
        return True

    async def _send(self, key: EntityKey, entity: Any) -> None:
        await self._copy_files(entity)
        description = await self._description(key) if key.kind in (TASK, WORKFLOW) else None
        if await self.writer.write(key.what, str(key), *_creation(key, entity, description)):
            self.sent[key] = entity
            if key.kind == TASK and entity.closure.compiled_task.template.metadata.discoverable:
                self.cached += 1

    async def _description(self, key: EntityKey) -> description_entity_pb2.DescriptionEntity | None:
        named = key[:4]
        if named not in self._descriptions:
            self._descriptions[named] = await self._reader.descriptions(key)
        return self._descriptions[named].get(key.version)

    async def bring_project(self, name: str) -> None:
        """Makes a project, before the first thing that goes into it; once."""
        project = self.registered.projects.get(name)
        if project is None or ("project", name) in self.writer.state.done:
            return
        copy = project_pb2.Project(id=project.id, name=project.name, description=project.description)
        copy.labels.CopyFrom(project.labels)
        request = project_pb2.ProjectRegisterRequest(project=copy)
        await self.writer.write("project", name, "RegisterProject", request, project_pb2.ProjectRegisterResponse)

    async def _copy_files(self, entity: Any) -> None:
        if self.stores is None:
            return
        files: list[tuple[str, bool]] = []
        if isinstance(entity, task_pb2.Task):
            files = [(uri, False) for uri in import_files.bundles(entity.closure.compiled_task.template)]
        elif isinstance(entity, launch_plan_pb2.LaunchPlan):
            files = list(import_files.inputs(entity))
        for uri, directory in files:
            if uri not in self._files and not self.writer.state.is_there(import_files.FILE, uri):
                self._files.add(uri)
                for imported in await import_files.copy(uri, self.stores, directory=directory):
                    self.writer.note(imported)


def wanted(registered: Registrations, since: datetime | None) -> list[EntityKey]:
    """What is to be copied, in order of its creation: tasks, then workflows and launch plans, which name each other."""
    active = {
        key for key, plan in registered.launch_plans.items() if plan.closure.state == launch_plan_pb2.ACTIVE
    }  # whatever their age
    chosen = [key for key, created in registered.created.items() if since is None or created >= since or key in active]
    return sorted(chosen, key=lambda key: (key.kind != TASK, registered.created[key], ORDER[key.kind], key))


def needs(entity: Any) -> Iterator[EntityKey]:
    """What must be registered before an entity can be."""
    if isinstance(entity, launch_plan_pb2.LaunchPlan):
        yield EntityKey.of(entity.spec.workflow_id, WORKFLOW)
    elif isinstance(entity, workflow_pb2.Workflow):
        spec = uncompiled.spec(entity.closure.compiled_workflow)
        try:
            required = workflow.requirements(spec.template, spec.sub_workflows)
        except CompileError:  # told when it is registered
            return
        for identity in required.tasks:
            yield EntityKey.of(identity, TASK)
        for identity in required.launch_plans:
            yield EntityKey.of(identity, LAUNCH_PLAN)


def _creation(key: EntityKey, entity: Any, description: description_entity_pb2.DescriptionEntity | None) -> _Request:
    """The method, the request and the kind of reply that register an entity."""
    if isinstance(entity, launch_plan_pb2.LaunchPlan):
        plan = launch_plan_pb2.LaunchPlanCreateRequest(id=key.message, spec=entity.spec)
        return "CreateLaunchPlan", plan, launch_plan_pb2.LaunchPlanCreateResponse
    if isinstance(entity, workflow_pb2.Workflow):
        spec = uncompiled.spec(entity.closure.compiled_workflow)
        if description is not None:
            spec.description.CopyFrom(description)
        created = workflow_pb2.WorkflowCreateRequest(id=key.message, spec=spec)
        return "CreateWorkflow", created, workflow_pb2.WorkflowCreateResponse
    task = task_pb2.TaskSpec(template=entity.closure.compiled_task.template)
    if description is not None:
        task.description.CopyFrom(description)
    return "CreateTask", task_pb2.TaskCreateRequest(id=key.message, spec=task), task_pb2.TaskCreateResponse
