"""What is imported beside versions: which launch plans are active, what names are described with, and attributes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flyteidl.admin import (
    common_pb2,
    launch_plan_pb2,
    project_attributes_pb2,
    project_domain_attributes_pb2,
    workflow_attributes_pb2,
)
from flyteidl.core import identifier_pb2

from ..errors import NotFound
from .import_state import Arrival, Imported
from .registrations import LAUNCH_PLAN, MADE_BY_FLYTE, TASK, WORDS, WORKFLOW, EntityKey, RegistrationReader

if TYPE_CHECKING:
    from collections.abc import Collection

    from flyteidl.admin import matchable_resource_pb2

    from .import_writer import ImportWriter
    from .registrations import Place, Registrations


async def activations(registered: Registrations, writer: ImportWriter) -> list[EntityKey]:
    """Activates what is active in Flyte 1 and has no schedule, where no version of the name is active yet.

    Returns:
        Active launch plans with a schedule: they stay inactive, or both sides would fire.
    """
    scheduled = []
    for key, plan in registered.launch_plans.items():
        if plan.closure.state != launch_plan_pb2.ACTIVE or key.name.startswith(MADE_BY_FLYTE):
            continue
        if plan.spec.entity_metadata.schedule.WhichOneof("ScheduleExpression"):
            scheduled.append(key)
        elif writer.state.is_there(key.what, str(key)) and not writer.state.is_there("activation", str(key)):
            await _activate(key, writer)
    return scheduled


async def _activate(key: EntityKey, writer: ImportWriter) -> None:
    named = common_pb2.NamedEntityIdentifier(project=key.project, domain=key.domain, name=key.name)
    try:
        active = await writer.target.active_launch_plan(named)
    except NotFound:
        request = launch_plan_pb2.LaunchPlanUpdateRequest(id=key.message, state=launch_plan_pb2.ACTIVE)
        reply = launch_plan_pb2.LaunchPlanUpdateResponse
        await writer.write("activation", str(key), "UpdateLaunchPlan", request, reply)
        return
    told = f"version {active.id.version} is active there"
    writer.note(Imported("activation", str(key), Arrival.THERE, told))


async def names(
    registered: Registrations,
    reader: RegistrationReader,
    there: Collection[tuple[identifier_pb2.ResourceType, str, str, str]],
    writer: ImportWriter,
) -> None:
    """Copies what names are described with, and which are archived.

    Args:
        registered: What Flyte 1's lists have told.
        reader: Reads Flyte 1.
        there: Kind, project, domain and name of what has arrived.
        writer: Writes to Flyte 2.
    """
    kinds: dict[identifier_pb2.ResourceType, Any] = {
        TASK: registered.tasks,
        WORKFLOW: registered.workflows,
        LAUNCH_PLAN: registered.launch_plans,
    }
    for kind, entities in kinds.items():
        for place in dict.fromkeys((key.project, key.domain) for key in entities):
            for entity in await reader.named_entities(kind, place):
                at = entity.id
                if (kind, at.project, at.domain, at.name) in there:
                    await _name(kind, entity, writer)


async def _name(kind: identifier_pb2.ResourceType, entity: common_pb2.NamedEntity, writer: ImportWriter) -> None:
    name = f"{WORDS[kind]} {entity.id.project}/{entity.id.domain}/{entity.id.name}"
    says_something = entity.metadata.description or entity.metadata.state != common_pb2.NAMED_ENTITY_ACTIVE
    if says_something and not writer.state.is_there("name", name):
        request = common_pb2.NamedEntityUpdateRequest(resource_type=kind, id=entity.id, metadata=entity.metadata)
        await writer.write("name", name, "UpdateNamedEntity", request, common_pb2.NamedEntityUpdateResponse)


async def attributes(places: Collection[Place], reader: RegistrationReader, writer: ImportWriter) -> None:
    """Copies the attributes of projects, of their domains and of workflows; those of whole domains can be set nowhere."""
    projects = {project for project, _ in places}
    for told in await reader.attributes():
        if told.project and (
            told.project not in projects or (told.domain and (told.project, told.domain) not in places)
        ):
            continue
        target = told.attributes.WhichOneof("target")
        name = "/".join(filter(None, (told.project or "*", told.domain, told.workflow, target)))
        if writer.state.is_there("attributes", name):
            continue
        await writer.write("attributes", name, *_update(told))


def _update(told: matchable_resource_pb2.MatchableAttributesConfiguration) -> tuple[str, Any, type[Any]]:
    """The method, the request and the kind of reply that set attributes."""
    if told.workflow:
        of_workflow = workflow_attributes_pb2.WorkflowAttributes(
            project=told.project, domain=told.domain, workflow=told.workflow, matching_attributes=told.attributes
        )
        request = workflow_attributes_pb2.WorkflowAttributesUpdateRequest(attributes=of_workflow)
        return "UpdateWorkflowAttributes", request, workflow_attributes_pb2.WorkflowAttributesUpdateResponse
    if told.domain:
        of_domain = project_domain_attributes_pb2.ProjectDomainAttributes(
            project=told.project, domain=told.domain, matching_attributes=told.attributes
        )
        at_domain = project_domain_attributes_pb2.ProjectDomainAttributesUpdateRequest(attributes=of_domain)
        reply = project_domain_attributes_pb2.ProjectDomainAttributesUpdateResponse
        return "UpdateProjectDomainAttributes", at_domain, reply
    of_project = project_attributes_pb2.ProjectAttributes(project=told.project, matching_attributes=told.attributes)
    at_project = project_attributes_pb2.ProjectAttributesUpdateRequest(attributes=of_project)
    return "UpdateProjectAttributes", at_project, project_attributes_pb2.ProjectAttributesUpdateResponse
