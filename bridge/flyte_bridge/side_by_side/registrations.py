"""What is registered on a control plane, read with as few calls as its API allows.

Tasks and launch plans come whole in lists of a domain, 100 at a time. A workflow's closure and a name's descriptions are a
call each. Everything else is a list per domain, or one for all of them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from flyteidl.admin import (
    common_pb2,
    description_entity_pb2,
    launch_plan_pb2,
    matchable_resource_pb2,
    project_pb2,
    task_pb2,
    workflow_pb2,
)
from flyteidl.core import identifier_pb2

from ..errors import InvalidRequest, NotFound, Unimplemented, UsageError
from .control_plane import ADMIN, PAGE

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Collection
    from datetime import datetime

    from google.protobuf.message import Message

    from ..backend.caller import Caller

TASK, WORKFLOW, LAUNCH_PLAN = identifier_pb2.TASK, identifier_pb2.WORKFLOW, identifier_pb2.LAUNCH_PLAN

WORDS = {TASK: "task", WORKFLOW: "workflow", LAUNCH_PLAN: "launch plan"}
"""What an entity of each kind is called."""

RESOURCES = (
    matchable_resource_pb2.TASK_RESOURCE,
    matchable_resource_pb2.CLUSTER_RESOURCE,
    matchable_resource_pb2.EXECUTION_QUEUE,
    matchable_resource_pb2.EXECUTION_CLUSTER_LABEL,
    matchable_resource_pb2.QUALITY_OF_SERVICE_SPECIFICATION,
    matchable_resource_pb2.PLUGIN_OVERRIDE,
    matchable_resource_pb2.WORKFLOW_EXECUTION_CONFIG,
    matchable_resource_pb2.CLUSTER_ASSIGNMENT,
)
"""All kinds of matchable attributes."""

MADE_BY_FLYTE = ".flytegen"
"""How the names begin that flyteadmin makes up for executions of a single task."""

ALL_PROJECTS = "value_in(state,0;1)"
"""A filter without which archived projects are left out."""


class EntityKey(NamedTuple):
    """What tells one registered version from another."""

    kind: identifier_pb2.ResourceType
    project: str
    domain: str
    name: str
    version: str

    @classmethod
    def of(cls, identity: identifier_pb2.Identifier, kind: identifier_pb2.ResourceType | None = None) -> EntityKey:
        """Of an identifier, whose kind may be left out where it follows from the place."""
        told = identity.resource_type if kind is None else kind
        return cls(told, identity.project, identity.domain, identity.name, identity.version)

    @property
    def message(self) -> identifier_pb2.Identifier:
        """As a message."""
        kind, project, domain, name, version = self
        return identifier_pb2.Identifier(
            resource_type=kind,
            project=project,
            domain=domain,
            name=name,
            version=version,
        )

    @property
    def what(self) -> str:
        """What it is called: `task`, `workflow` or `launch plan`."""
        return WORDS[self.kind]

    def __str__(self) -> str:
        """As people write it."""
        return f"{self.what} {self.project}/{self.domain}/{self.name}:{self.version}"


Place = tuple[str, str]
"""A project and a domain."""


@dataclass
class Registrations:
    """What a list of each kind has told.

    Attributes:
        projects: By their id, archived ones too.
        places: Those that were looked at.
        created: When each version was registered.
        tasks: Whole.
        workflows: With their interface only.
        launch_plans: Whole, with their states.
    """

    projects: dict[str, project_pb2.Project] = field(default_factory=dict)
    places: list[Place] = field(default_factory=list)
    created: dict[EntityKey, datetime] = field(default_factory=dict)
    tasks: dict[EntityKey, task_pb2.Task] = field(default_factory=dict)
    workflows: dict[EntityKey, workflow_pb2.Workflow] = field(default_factory=dict)
    launch_plans: dict[EntityKey, launch_plan_pb2.LaunchPlan] = field(default_factory=dict)


class RegistrationReader:
    """Reads what is registered; every method raises a `StatusError` that tells the status of the answer."""

    def __init__(self, caller: Caller) -> None:
        """Asks nothing yet."""
        self._caller = caller

    async def read(self, projects: Collection[str] = (), domains: Collection[str] = ()) -> Registrations:
        """All that lists tell.

        Args:
            projects: Only these; all that are not archived, if there are none.
            domains: Only these; all if there are none.

        Raises:
            UsageError: There is no such project or domain; the message says which there are.
        """
        found = Registrations(projects={project.id: project for project in await self.projects()})
        _must_be_among("project", projects, found.projects)
        active = [project for project in found.projects.values() if project.state == project_pb2.Project.ACTIVE]
        chosen = [found.projects[name] for name in projects] if projects else active
        _must_be_among("domain", domains, {domain.id for project in chosen for domain in project.domains})
        for project in chosen:
            for domain in project.domains:
                if not domains or domain.id in domains:
                    found.places.append((project.id, domain.id))
        for place in found.places:
            await self.place(place, found)
        return found

    async def projects(self) -> list[project_pb2.Project]:
        """All projects, archived ones too."""
        found: list[project_pb2.Project] = []
        request = project_pb2.ProjectListRequest(limit=PAGE, filters=ALL_PROJECTS)
        async for page in self._pages("ListProjects", request, project_pb2.Projects):
            found += page.projects
        return found

    async def place(self, place: Place, found: Registrations) -> None:
        """What is registered in a domain of a project; launch plans are not asked for where there is no workflow."""
        tasks = [task async for task in self._entities("ListTasks", place, task_pb2.TaskList, "tasks")]
        found.tasks.update(_known(TASK, tasks, found.created))
        workflows = [
            one async for one in self._entities("ListWorkflows", place, workflow_pb2.WorkflowList, "workflows")
        ]
        found.workflows.update(_known(WORKFLOW, workflows, found.created))
        if workflows:
            plans = self._entities("ListLaunchPlans", place, launch_plan_pb2.LaunchPlanList, "launch_plans")
            found.launch_plans.update(_known(LAUNCH_PLAN, [plan async for plan in plans], found.created))

    async def entity(self, key: EntityKey) -> Any:
        """One version, whole.

        Raises:
            NotFound: It is not registered.
        """
        method, reply = {
            TASK: ("GetTask", task_pb2.Task),
            WORKFLOW: ("GetWorkflow", workflow_pb2.Workflow),
            LAUNCH_PLAN: ("GetLaunchPlan", launch_plan_pb2.LaunchPlan),
        }[key.kind]
        return await self._caller.unary(f"{ADMIN}{method}", common_pb2.ObjectGetRequest(id=key.message), reply)

    async def descriptions(self, key: EntityKey) -> dict[str, description_entity_pb2.DescriptionEntity]:
        """What the versions of a name are described with, by version."""
        named = common_pb2.NamedEntityIdentifier(project=key.project, domain=key.domain, name=key.name)
        kind = key.kind
        request = description_entity_pb2.DescriptionEntityListRequest(resource_type=kind, id=named, limit=PAGE)
        found = {}
        async for page in self._pages("ListDescriptionEntities", request, description_entity_pb2.DescriptionEntityList):
            found.update({one.id.version: one for one in page.descriptionEntities})
        return found

    async def named_entities(self, kind: identifier_pb2.ResourceType, place: Place) -> list[common_pb2.NamedEntity]:
        """The names of a kind, with their descriptions and states."""
        request = common_pb2.NamedEntityListRequest(resource_type=kind, project=place[0], domain=place[1], limit=PAGE)
        found: list[common_pb2.NamedEntity] = []
        async for page in self._pages("ListNamedEntities", request, common_pb2.NamedEntityList):
            found += page.entities
        return found

    async def attributes(self) -> list[matchable_resource_pb2.MatchableAttributesConfiguration]:
        """All matchable attributes of all projects."""
        found: list[matchable_resource_pb2.MatchableAttributesConfiguration] = []
        for resource in RESOURCES:
            request = matchable_resource_pb2.ListMatchableAttributesRequest(resource_type=resource)
            try:
                answer = await self._caller.unary(
                    f"{ADMIN}ListMatchableAttributes",
                    request,
                    matchable_resource_pb2.ListMatchableAttributesResponse,
                )
            except (NotFound, InvalidRequest, Unimplemented):  # a resource that this control plane does not know
                continue
            found += answer.configurations
        return found

    async def _entities(self, method: str, place: Place, reply: type[Any], items: str) -> AsyncIterator[Any]:
        named = common_pb2.NamedEntityIdentifier(project=place[0], domain=place[1])
        oldest_first = common_pb2.Sort(key="created_at", direction=common_pb2.Sort.ASCENDING)
        request = common_pb2.ResourceListRequest(id=named, limit=PAGE, sort_by=oldest_first)
        async for page in self._pages(method, request, reply):
            for entity in getattr(page, items):
                yield entity

    async def _pages(self, method: str, request: Any, reply: type[Any]) -> AsyncIterator[Any]:
        while True:
            page: Message = await self._caller.unary(f"{ADMIN}{method}", request, reply)
            yield page
            token = page.token  # type: ignore[attr-defined]  # every list has one
            if not token:
                return
            request.token = token


def _known(
    kind: identifier_pb2.ResourceType, entities: list[Any], created: dict[EntityKey, datetime]
) -> dict[EntityKey, Any]:
    from datetime import timezone

    found = {}
    for entity in entities:
        key = EntityKey.of(entity.id, kind)
        found[key] = entity
        created[key] = entity.closure.created_at.ToDatetime(tzinfo=timezone.utc)
    return found


def _must_be_among(what: str, asked: Collection[str], there: Collection[str]) -> None:
    for name in asked:
        if name not in there:
            raise UsageError(f"Flyte 1 has no {what} {name!r}; there are {', '.join(sorted(there)) or 'none'}")
