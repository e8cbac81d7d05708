"""Tasks, workflows and launch plans by their identifiers."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, TypeVar
from weakref import WeakValueDictionary

from flyteidl.admin import launch_plan_pb2, task_pb2, workflow_pb2
from flyteidl.core import identifier_pb2, interface_pb2
from google.protobuf.message import Message

from flyte_bridge.config import PREFIX
from flyte_bridge.errors import AlreadyExists, FailedPrecondition, InternalError, InvalidRequest, NotFound
from flyte_bridge.registry import difference, specs
from flyte_bridge.registry.attributes import Attributes
from flyte_bridge.registry.cache import BodyCache
from flyte_bridge.registry.deployed import ORG, Deployed
from flyte_bridge.registry.documents import Documents, unpacked
from flyte_bridge.registry.listing import EntityLists
from flyte_bridge.registry.plans import Plans
from flyte_bridge_translators.wire import document, envelope, identifier
from flyte_bridge_translators.wire.compiler.problems import text

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

    from flyteidl.admin import description_entity_pb2
    from flyteidl2.task import task_definition_pb2

    from flyte_bridge.backend.client import BackendClient
    from flyte_bridge.config import Settings

M = TypeVar("M", bound=Message)


class Registry:
    """What is registered.

    A registration reads before it writes, which is one step for all callers of this process. Two processes that register
    *different* entities under one identifier in the same instant both succeed, and the later one stays: Flyte 2 has no
    conditional write.

    Attributes:
        backend: The Flyte 2 it is kept in.
        settings: What the bridge was told from outside.
        deployed: The deployed tasks.
        documents: Texts by name.
        listing: Lists of entities.
        plans: Which version of a launch plan is active.
        attributes: Settings of projects, domains and workflows.
    """

    def __init__(self, backend: BackendClient, settings: Settings) -> None:
        """Nothing is read yet."""
        self.backend = backend
        self.settings = settings
        self.deployed = Deployed(backend)
        self.documents = Documents(self.deployed)
        self.listing = EntityLists(self.deployed)
        self.plans = Plans(self.documents)
        self.attributes = Attributes(backend, self.documents)
        self._bodies = BodyCache()
        self._locks: WeakValueDictionary[bytes, asyncio.Lock] = WeakValueDictionary()

    # -- tasks --------------------------------------------------------------------------------------------------------

    async def put_task(self, request: task_pb2.TaskCreateRequest) -> None:
        """Register a task.

        Args:
            request: As flyteadmin gets it; the template's id becomes the request's.

        Raises:
            AlreadyExists: It is registered.
            InvalidRequest: Another one is registered under the identifier, or Flyte 2 cannot name it.
            FailedPrecondition: This Flyte 2 could not run what is registered.
        """
        request.spec.template.id.CopyFrom(request.id)
        spec = specs.of_task(request)
        async with self._registering(request.id) as task_id:
            try:
                existing = await self.get_task(request.id)
            except NotFound:
                await self.deployed.put(task_id, spec)
                return
            compiled = specs.compiled(request.spec.template)
            _refuse("task", request.id, existing.closure.compiled_task, compiled)

    async def get_task(self, v1_id: identifier_pb2.Identifier) -> task_pb2.Task:
        """A task.

        Raises:
            NotFound: It is not registered.
        """
        return specs.to_task(await self._details(v1_id, identifier_pb2.TASK))

    # -- workflows ----------------------------------------------------------------------------------------------------

    async def put_workflow(
        self,
        workflow: workflow_pb2.Workflow,
        description: description_entity_pb2.DescriptionEntity | None = None,
    ) -> None:
        """Register a workflow.

        Args:
            workflow: Its id and compiled closure.
            description: What it is described with.

        Raises:
            AlreadyExists: It is registered.
            InvalidRequest: Another one is registered under the identifier, or Flyte 2 cannot name it.
            FailedPrecondition: This Flyte 2 could not run what is registered.
        """
        async with self._registering(workflow.id) as task_id:
            try:
                existing = await self.get_workflow(workflow.id)
            except NotFound:
                spec, documents = specs.of_workflow(workflow, description, specs.DriverPod.of(self.settings))
                await self._deploy(task_id, spec, documents)
                return
            _refuse("workflow", workflow.id, existing.closure.compiled_workflow, workflow.closure.compiled_workflow)

    async def driven(self, workflow: workflow_pb2.Workflow) -> task_definition_pb2.TaskSpec:
        """The task that drives a workflow which nobody has registered.

        Args:
            workflow: Its id and compiled closure.

        Raises:
            FailedPrecondition: This Flyte 2 could not run it.
        """
        self._hold_driver(workflow.id)
        spec, documents = specs.of_workflow(workflow, None, specs.DriverPod.of(self.settings))
        if documents:
            await self.documents.put_all(workflow.id.project, workflow.id.domain, documents)
        return spec

    async def get_workflow(self, v1_id: identifier_pb2.Identifier) -> workflow_pb2.Workflow:
        """A workflow with its closure.

        Raises:
            NotFound: It is not registered.
        """
        details = await self._details(v1_id, identifier_pb2.WORKFLOW)
        workflow = (await self.unpack(details)).workflow
        workflow.closure.created_at.CopyFrom(details.metadata.deployed_at)
        workflow.short_description = specs.short_description(details)
        return workflow

    async def get_workflow_interface(self, v1_id: identifier_pb2.Identifier) -> interface_pb2.TypedInterface:
        """A workflow's interface, without reading all of a large one.

        Raises:
            NotFound: It is not registered.
        """
        details = await self._details(v1_id, identifier_pb2.WORKFLOW)
        return specs.convert(details.spec.task_template.interface, interface_pb2.TypedInterface)

    async def unpack(self, details: task_definition_pb2.TaskDetails) -> envelope.Envelope:
        """What a deployed workflow or launch plan holds.

        Raises:
            InternalError: It cannot be read.
        """
        custom, where = details.spec.task_template.custom, details.task_id
        try:
            names = envelope.documents(custom)
            texts = await self.documents.get_all(where.project, where.domain, names) if names else {}
            return await unpacked(custom, texts)
        except envelope.BadEnvelope as error:
            raise InternalError(f"{where.name} {where.version} of {where.project}/{where.domain}: {error}") from error

    # -- launch plans -------------------------------------------------------------------------------------------------

    async def put_launch_plan(self, plan: launch_plan_pb2.LaunchPlan) -> None:
        """Register a launch plan; it is inactive.

        Args:
            plan: Its id, its spec, whose `default_inputs` are the expected inputs, and its closure's expectations.

        Raises:
            AlreadyExists: It is registered.
            InvalidRequest: Another one is registered under the identifier, or Flyte 2 cannot name it.
            NotFound: Its workflow is not registered.
            FailedPrecondition: This Flyte 2 could not run what is registered.
        """
        async with self._registering(plan.id) as task_id:
            try:
                existing = await self.get_registered_launch_plan(plan.id)
            except NotFound:
                workflow = await self.get_workflow(plan.spec.workflow_id)
                spec, documents = specs.of_launch_plan(plan, workflow, specs.DriverPod.of(self.settings))
                await self._deploy(task_id, spec, documents)
                return
            _refuse("launch plan", plan.id, existing.spec, plan.spec)

    async def get_launch_plan(self, v1_id: identifier_pb2.Identifier) -> launch_plan_pb2.LaunchPlan:
        """A launch plan with its state.

        Raises:
            NotFound: It is not registered.
        """
        asked = self._asked(v1_id, identifier_pb2.LAUNCH_PLAN)
        state_name = self.plans.document_name(v1_id.name)
        wanted = {asked.name: asked.version, state_name: document.VERSION}
        try:
            rows = await self.deployed.rows(asked.project, asked.domain, wanted)
        except NotFound:  # the project
            raise missing(_of_kind(v1_id, identifier_pb2.LAUNCH_PLAN)) from None
        row = rows.get(asked.name)
        if row is None:
            raise missing(_of_kind(v1_id, identifier_pb2.LAUNCH_PLAN))
        if row.version != asked.version:  # a newer one has the document's
            plan = await self.get_registered_launch_plan(v1_id)
        else:
            held: launch_plan_pb2.LaunchPlan | None = self._bodies.get(row)
            if held is None:
                held = await self.get_registered_launch_plan(v1_id)
                self._bodies.put(row, held)
            plan = launch_plan_pb2.LaunchPlan()
            plan.CopyFrom(held)
        return (await self.plans.told(v1_id.name, rows.get(state_name))).applied(plan)

    async def get_registered_launch_plan(self, v1_id: identifier_pb2.Identifier) -> launch_plan_pb2.LaunchPlan:
        """A launch plan as if it were inactive.

        Raises:
            NotFound: It is not registered.
        """
        return specs.to_launch_plan(await self._details(v1_id, identifier_pb2.LAUNCH_PLAN))

    async def get_description(
        self, v1_id: identifier_pb2.Identifier
    ) -> description_entity_pb2.DescriptionEntity | None:
        """What a task or workflow was described with at registration; `None` for nothing.

        Raises:
            NotFound: It is not registered.
        """
        return specs.to_description(await self._details(v1_id, v1_id.resource_type), v1_id)

    # -- what all have in common --------------------------------------------------------------------------------------

    async def _details(
        self, v1_id: identifier_pb2.Identifier, kind: identifier_pb2.ResourceType
    ) -> task_definition_pb2.TaskDetails:
        where = self._asked(v1_id, kind)
        try:
            return await self.deployed.get(where)
        except NotFound:
            raise missing(_of_kind(v1_id, kind)) from None

    @staticmethod
    def _asked(
        v1_id: identifier_pb2.Identifier, kind: identifier_pb2.ResourceType
    ) -> task_definition_pb2.TaskIdentifier:
        """Where an entity would be.

        Raises:
            NotFound: It cannot be anywhere.
        """
        asked = _of_kind(v1_id, kind)
        if not (asked.version and asked.name):  # the embedded backend would give the latest version
            raise missing(asked)
        try:
            return identifier.deployed(asked, org=ORG)
        except identifier.Unnameable:
            raise missing(asked) from None

    @asynccontextmanager
    async def _registering(self, v1_id: identifier_pb2.Identifier) -> AsyncIterator[task_definition_pb2.TaskIdentifier]:
        """Where the entity goes, which nobody else of this process registers meanwhile."""
        self._hold_driver(v1_id)
        if "\0" in v1_id.name + v1_id.version:
            raise InvalidRequest(f"name {v1_id.name!r}, version {v1_id.version!r}: neither can hold a NUL character")
        try:
            task_id = identifier.deployed(v1_id, org=ORG)
        except identifier.Unnameable as error:
            raise InvalidRequest(str(error)) from None
        async with self.alone(task_id):
            yield task_id

    def _hold_driver(self, v1_id: identifier_pb2.Identifier) -> None:
        if not self.settings.embedded and not self.settings.driver_image:
            raise FailedPrecondition(
                f"{v1_id.name!r} is refused: workflows of Flyte 1 run in the driver's image, and none is named; build it "
                f"(docs/driver.md) and set {PREFIX}DRIVER_IMAGE"
            )

    def alone(self, where: Message) -> asyncio.Lock:
        """A lock that nobody else of this process holds for the same thing.

        Args:
            where: What identifies it.
        """
        return self._locks.setdefault(where.SerializeToString(deterministic=True), asyncio.Lock())

    async def _deploy(
        self,
        task_id: task_definition_pb2.TaskIdentifier,
        spec: task_definition_pb2.TaskSpec,
        documents: Mapping[str, str],
    ) -> None:
        """The documents go first: nobody may find the task without them."""
        if documents:
            await self.documents.put_all(task_id.project, task_id.domain, documents)
        await self.deployed.put(task_id, spec)

    async def tasks(self, ids: Sequence[identifier_pb2.Identifier]) -> list[task_pb2.Task]:
        """Several tasks, in order.

        Raises:
            NotFound: One is not registered.
        """
        return list(await asyncio.gather(*(self.get_task(one) for one in ids)))

    async def launch_plans(self, ids: Sequence[identifier_pb2.Identifier]) -> list[launch_plan_pb2.LaunchPlan]:
        """Several launch plans, in order.

        Raises:
            NotFound: One is not registered.
        """
        return list(await asyncio.gather(*(self.get_launch_plan(one) for one in ids)))


def _of_kind(v1_id: identifier_pb2.Identifier, kind: identifier_pb2.ResourceType) -> identifier_pb2.Identifier:
    return identifier_pb2.Identifier(
        resource_type=kind, project=v1_id.project, domain=v1_id.domain, name=v1_id.name, version=v1_id.version
    )


def missing(v1_id: identifier_pb2.Identifier) -> NotFound:
    """The refusal of an entity that is not registered, in flyteadmin's words."""
    kind = identifier_pb2.ResourceType.Name(v1_id.resource_type)
    bare = identifier_pb2.Identifier(project=v1_id.project, domain=v1_id.domain, name=v1_id.name, version=v1_id.version)
    return NotFound(f"missing entity of type {kind} with identifier {text(bare)}")


def _refuse(what: str, v1_id: identifier_pb2.Identifier, old: M, new: M) -> None:
    """Refuse to register an entity again.

    Raises:
        AlreadyExists: It is the same.
        InvalidRequest: It is another.
    """
    same = specs.same(old, new)
    details: tuple[Message, ...] = ()
    if what == "workflow":
        reason = workflow_pb2.CreateWorkflowFailureReason()
        (reason.exists_identical_structure if same else reason.exists_different_structure).id.CopyFrom(v1_id)
        details = (reason,)
    if same:
        raise AlreadyExists(f"{what} with identical structure already exists", *details)
    raise InvalidRequest(
        difference.cut(
            f"{v1_id.name} {what} with different structure already exists. "
            f"(Please register a new version of the {what}):\n{difference.tell(old, new)}"
        ),
        *details,
    )
