"""Tasks and workflows: registered, fetched, listed, described (`flyteadmin/pkg/manager/impl/{task,workflow}_manager.go`)."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from flyteidl.admin import common_pb2, description_entity_pb2, matchable_resource_pb2, task_pb2, workflow_pb2
from flyteidl.core import identifier_pb2

from flyte_bridge.admin import task_checks
from flyte_bridge.admin.validation import (
    KINDS,
    LAUNCH_PLAN,
    TASK,
    WORKFLOW,
    conditions,
    entity_kind,
    given,
    order,
    page,
    parts,
    project_and_domain,
    query,
    text,
)
from flyte_bridge.admin.validation import identifier as checked
from flyte_bridge.admin.validation import missing as no_field
from flyte_bridge.errors import InvalidRequest, NotFound, Unimplemented
from flyte_bridge.registry import specs
from flyte_bridge.registry.attributes import AttributeScope
from flyte_bridge.registry.listing import Listed, ListQuery, time_of
from flyte_bridge_translators.wire import filter as filters
from flyte_bridge_translators.wire import identifier, plugin, workflow
from flyte_bridge_translators.wire import task as wire_task

if TYPE_CHECKING:
    from flyte_bridge.admin.context import CallContext
    from flyte_bridge.admin.core import Core

TASKS = Listed[task_pb2.Task](
    entity=filters.TASK,
    environment=identifier.TASK,
    read=specs.to_task,
    columns={
        "type": lambda task: task.closure.compiled_task.template.type,
        "short_description": lambda task: task.short_description,
        "updated_at": lambda task: time_of(task.closure.created_at),
        "deleted_at": lambda _: None,
    },
    joined={},
)
WORKFLOWS = Listed[workflow_pb2.Workflow](
    entity=filters.WORKFLOW,
    environment=identifier.WORKFLOW,
    read=specs.to_listed_workflow,
    columns={
        "short_description": lambda one: one.short_description,
        "updated_at": lambda one: time_of(one.closure.created_at),
        "deleted_at": lambda _: None,
    },
    joined={},
)
"""What each list can filter and sort by beside the name, the version and the time."""


class Entities:
    """Tasks and workflows."""

    def __init__(self, core: Core) -> None:
        """Takes what the façade's parts share."""
        self._backend = core.backend
        self._registry = core.registry
        self._settings = core.settings
        self._connectors = core.settings.connectors

    # -- tasks --------------------------------------------------------------------------------------------------------

    async def create_task(self, request: task_pb2.TaskCreateRequest, _: CallContext) -> task_pb2.TaskCreateResponse:
        """Registers a task."""
        id_ = checked(request, "id", TASK)
        _project, limits = await asyncio.gather(
            project_and_domain(self._backend, id_.project, id_.domain), self._limits(id_)
        )
        task_checks.check(request, limits)
        template = request.spec.template
        template.id.CopyFrom(id_)
        try:
            wire_task.compile(template)
            plugin.check(template)
        except (workflow.CompileError, plugin.BadCustom) as error:
            raise InvalidRequest(f"task failed compilation with {error}") from None
        if refused := plugin.refusal(template, self._connectors):
            raise Unimplemented(refused)
        if self._settings.embedded and "registration" not in self._settings.task_allow:
            task_checks.check_embedded(template, self._settings.task_allow)
        await self._registry.put_task(request)
        return task_pb2.TaskCreateResponse()

    async def _limits(self, id_: identifier_pb2.Identifier) -> matchable_resource_pb2.TaskResourceSpec | None:
        """What tasks may ask for at most."""
        scope = AttributeScope(id_.project, id_.domain) if id_.domain else AttributeScope(id_.project)
        try:
            found = await self._registry.attributes.find(matchable_resource_pb2.TASK_RESOURCE, scope)
        except NotFound:  # the project; which is told better by its own check
            return None
        return found[1].task_resource_attributes.limits if found else None

    async def get_task(self, request: common_pb2.ObjectGetRequest, _: CallContext) -> task_pb2.Task:
        """One task; an identifier that cannot be is not found, as on flyteadmin."""
        return await self._registry.get_task(request.id)

    async def list_tasks(self, request: common_pb2.ResourceListRequest, _: CallContext) -> task_pb2.TaskList:
        """Tasks, whole."""
        asked = resource_list(request, filters.TASK, "ListTasks")
        tasks = await self._registry.listing.page(TASKS, asked)
        return task_pb2.TaskList(tasks=tasks, token=filters.next_token(asked.start, len(tasks), asked.limit))

    async def list_task_ids(
        self, request: common_pb2.NamedEntityIdentifierListRequest, _: CallContext
    ) -> common_pb2.NamedEntityIdentifierList:
        """The names of tasks."""
        return await list_ids(self._registry, request, filters.TASK, identifier.TASK, "ListUniqueTaskIdentifiers")

    # -- workflows ----------------------------------------------------------------------------------------------------

    async def create_workflow(
        self, request: workflow_pb2.WorkflowCreateRequest, _: CallContext
    ) -> workflow_pb2.WorkflowCreateResponse:
        """Registers a workflow; what it refers to is registered already."""
        id_ = checked(request, "id", WORKFLOW)
        await project_and_domain(self._backend, id_.project, id_.domain)
        if not request.HasField("spec") or not request.spec.HasField("template"):
            raise no_field("spec")
        spec = request.spec
        if spec.template.metadata.quality_of_service.ByteSize():
            raise Unimplemented(
                "WorkflowMetadata.quality_of_service: Flyte 2 has no queueing budget for an execution; leave it out, or use a "
                "queue of Flyte 2"
            )
        spec.template.id.CopyFrom(id_)
        made = workflow_pb2.Workflow(id=id_)
        try:
            needs = workflow.requirements(spec.template, spec.sub_workflows)
            tasks = [task.closure.compiled_task.template for task in await self._registry.tasks(needs.tasks)]
            plans = await self._registry.launch_plans(needs.launch_plans)
            compiled = workflow.compile(spec.template, spec.sub_workflows, tasks, plans)
        except (workflow.CompileError, NotFound) as error:
            raise InvalidRequest(f"failed to compile workflow for [{text(id_)}] with err: {error}") from None
        made.closure.compiled_workflow.CopyFrom(compiled)
        await self._registry.put_workflow(made, spec.description if spec.HasField("description") else None)
        return workflow_pb2.WorkflowCreateResponse()

    async def get_workflow(self, request: common_pb2.ObjectGetRequest, _: CallContext) -> workflow_pb2.Workflow:
        """One workflow with its closure."""
        return await self._registry.get_workflow(checked(typed(request, WORKFLOW), "id", WORKFLOW))

    async def list_workflows(
        self, request: common_pb2.ResourceListRequest, _: CallContext
    ) -> workflow_pb2.WorkflowList:
        """Workflows, with their interface but without their nodes."""
        asked = resource_list(request, filters.WORKFLOW, "ListWorkflows")
        found = await self._registry.listing.page(WORKFLOWS, asked)
        token = filters.next_token(asked.start, len(found), asked.limit)
        return workflow_pb2.WorkflowList(workflows=found, token=token)

    async def list_workflow_ids(
        self, request: common_pb2.NamedEntityIdentifierListRequest, _: CallContext
    ) -> common_pb2.NamedEntityIdentifierList:
        """The names of workflows."""
        call = "ListWorkflowIdentifiers"
        return await list_ids(self._registry, request, filters.WORKFLOW, identifier.WORKFLOW, call)

    # -- descriptions -------------------------------------------------------------------------------------------------

    async def get_description_entity(
        self, request: common_pb2.ObjectGetRequest, _: CallContext
    ) -> description_entity_pb2.DescriptionEntity:
        """What an entity is described with."""
        entity_kind(request.id.resource_type)
        parts(request.id)
        found = await self._description(request.id)
        if found is None:
            raise NotFound("entry not found")
        return found

    async def list_description_entities(
        self, request: description_entity_pb2.DescriptionEntityListRequest, _: CallContext
    ) -> description_entity_pb2.DescriptionEntityList:
        """What the versions of a name are described with; those without are left out."""
        if not request.HasField("id"):
            raise no_field("id")
        parts(request.id, ("project", "domain", "name"))
        start = page(request, "ListWorkflows")  # flyteadmin's slip
        entities = {TASK: filters.TASK, WORKFLOW: filters.WORKFLOW, LAUNCH_PLAN: filters.LAUNCH_PLAN}
        if request.resource_type not in entities:
            raise InvalidRequest("invalid value for resource_type")
        sort = order(request, filters.DESCRIPTION)
        if sort is not None and sort.field not in ("created_at", "updated_at", "version", "name", "project", "domain"):
            raise InvalidRequest(f"descriptions are not sorted by '{sort.field}': sort by created_at or version")
        kind: Listed[Any] = TASKS if request.resource_type == TASK else WORKFLOWS
        if request.resource_type == LAUNCH_PLAN:  # flyteadmin stores none
            return description_entity_pb2.DescriptionEntityList()
        asked = ListQuery(
            request.id.project,
            request.id.domain,
            request.id.name,
            conditions(request.filters, entities[request.resource_type]),
            sort,
            0,
            start + request.limit,
        )
        found: list[description_entity_pb2.DescriptionEntity] = []
        while True:  # versions without a description do not count
            listed = await self._registry.listing.page(kind, asked)
            for entity in listed:
                one = await self._description(entity.id)
                found += [one] if one is not None else []
            if len(listed) < asked.limit or len(found) >= start + request.limit:
                break
            asked = ListQuery(
                asked.project, asked.domain, asked.name, asked.conditions, sort, asked.start + asked.limit, asked.limit
            )
        found = found[start : start + request.limit]
        token = filters.next_token(start, len(found), request.limit)
        return description_entity_pb2.DescriptionEntityList(descriptionEntities=found, token=token)

    async def _description(self, id_: identifier_pb2.Identifier) -> description_entity_pb2.DescriptionEntity | None:
        if id_.resource_type not in KINDS:
            return None
        try:
            return await self._registry.get_description(id_)
        except NotFound:
            return None


# -- what launch plans need, too --------------------------------------------------------------------------------------


def typed(request: Any, kind: identifier_pb2.ResourceType) -> Any:
    """A request whose identifier's kind follows from the call, where the client has left it out."""
    if request.HasField("id") and request.id.resource_type == identifier_pb2.UNSPECIFIED:
        request.id.resource_type = kind
    return request


def resource_list(request: common_pb2.ResourceListRequest, entity: str, call: str) -> ListQuery:
    """What a list of entities asks for."""
    if not request.HasField("id"):
        raise no_field("id")
    parts(request.id, ("project", "domain"))
    found, sort, start = query(request, entity, call)
    return ListQuery(request.id.project, request.id.domain, request.id.name, found, sort, start, request.limit)


async def list_ids(
    registry: Any, request: common_pb2.NamedEntityIdentifierListRequest, entity: str, environment: str, call: str
) -> common_pb2.NamedEntityIdentifierList:
    """Distinct names."""
    given(request.project, "project")
    given(request.domain, "domain")
    start = page(request, call)
    sort = order(request, entity)
    if request.filters:
        raise InvalidRequest("filters: flyteadmin ignores them when it lists identifiers; use ListNamedEntities")
    names = await registry.listing.names(environment, request.project, request.domain, sort, start, request.limit)
    return common_pb2.NamedEntityIdentifierList(
        entities=[
            common_pb2.NamedEntityIdentifier(project=request.project, domain=request.domain, name=name)
            for name in names
        ],
        token=filters.next_token(start, len(names), request.limit),
    )
