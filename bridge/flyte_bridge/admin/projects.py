"""Projects, domains and the version (`flyteadmin/pkg/manager/impl/{project,version}_manager.go`, v1.16.8).

Projects are Flyte 2's own. Its list knows fewer filters than Flyte 1's, and there are few projects: all are read, the
rest is done here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flyteidl.admin import project_pb2, version_pb2
from flyteidl2.common import list_pb2
from flyteidl2.project import project_service_pb2
from google.protobuf.message import Message

from flyte_bridge import __version__
from flyte_bridge.admin import validation
from flyte_bridge.admin.validation import conditions, given, missing, offset, order
from flyte_bridge.errors import AlreadyExists, InvalidRequest, NotFound
from flyte_bridge.registry.listing import filtering
from flyte_bridge.registry.specs import convert
from flyte_bridge_translators.wire import filter as filters

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from flyte_bridge.admin.context import CallContext
    from flyte_bridge.admin.core import Core

VERSION = "v1.16.8"
"""The flyteadmin whose semantics are served; clients compare it with what they need."""

_MOST_NAME, _MOST_DESCRIPTION = 64, 300
_ALL = "ne(state,99)"
"""A filter that holds for all: without one, archived projects are left out."""
_COLUMNS: dict[str, Callable[[project_pb2.Project], Any]] = {
    "identifier": lambda project: project.id,
    "name": lambda project: project.name,
    "description": lambda project: project.description,
    "state": lambda project: project.state,
    "deleted_at": lambda _: None,
}
_TIMES = {"created_at": "created_at", "updated_at": "updated_at", "id": "created_at"}
"""What Flyte 2 sorts by itself, because it tells no project's times; flyteadmin counts its `id` up as projects are made."""


class ProjectsPart:
    """Projects and domains."""

    def __init__(self, core: Core) -> None:
        """Takes what the façade's parts share."""
        self._backend = core.backend

    async def register_project(
        self, request: project_pb2.ProjectRegisterRequest, _: CallContext
    ) -> project_pb2.ProjectRegisterResponse:
        """Makes a project."""
        if not request.HasField("project"):
            raise missing("project")
        given(request.project.name, "project_name")
        _check(request.project)
        try:
            await self._backend.create_project(project=_to_flyte2(request.project))
        except AlreadyExists:
            raise AlreadyExists(
                'value with matching already exists (duplicate key value violates unique constraint "projects_pkey")'
            ) from None
        return project_pb2.ProjectRegisterResponse()

    async def update_project(self, request: project_pb2.Project, _: CallContext) -> project_pb2.ProjectUpdateResponse:
        """Replaces what is known of a project; what is left empty stays, as in flyteadmin's database."""
        _check(request)
        existing = await self._get(request.id)
        project = _to_flyte2(request)
        project.name = request.name or existing.name
        project.description = request.description or existing.description
        if not request.HasField("labels"):
            project.labels.CopyFrom(existing.labels)
        await self._backend.update_project(project=project)
        return project_pb2.ProjectUpdateResponse()

    async def get_project(self, request: project_pb2.ProjectGetRequest, _: CallContext) -> project_pb2.Project:
        """One project with its domains."""
        given(request.id, "project_id")
        return _to_flyte1(await self._get(request.id))

    async def list_projects(self, request: project_pb2.ProjectListRequest, _: CallContext) -> project_pb2.Projects:
        """Projects by their id; archived ones only when a filter asks for anything; limit 0 lists all."""
        asked = conditions(request.filters, filters.PROJECT)
        by = order(request, filters.PROJECT) or filters.SortOrder("identifier", descending=False)
        start = offset(request.token, "ListProjects")
        timed = [condition for condition in asked if condition.field in ("created_at", "updated_at")]
        told = [condition for condition in asked if condition not in timed]
        for field in [condition.field for condition in told] + [by.field] * (by.field not in _TIMES):
            if field not in _COLUMNS:
                raise InvalidRequest(f"'p.{field}': Flyte 2 keeps no such column; filter and sort by another")
        everything = await self._all(timed, by)
        with filtering():
            found = [
                project
                for project in everything
                if all(condition.matches(_COLUMNS[condition.field](project)) for condition in told)
                and (asked or project.state != project_pb2.Project.ARCHIVED)
            ]
        if by.field not in _TIMES:
            found = filters.sort(found, by, lambda project, field: _COLUMNS[field](project))
        found = found[start:]
        listed = found[: request.limit] if request.limit else found
        return project_pb2.Projects(projects=listed, token=filters.next_token(start, len(listed), request.limit))

    async def get_domains(
        self, _request: project_pb2.GetDomainRequest, _: CallContext
    ) -> project_pb2.GetDomainsResponse:
        """The domains, which all projects have."""
        for project in await self._all():
            if project.domains:
                return project_pb2.GetDomainsResponse(domains=project.domains)
        return project_pb2.GetDomainsResponse()

    async def get_version(
        self, _request: version_pb2.GetVersionRequest, _: CallContext
    ) -> version_pb2.GetVersionResponse:
        """Which flyteadmin this is as good as, and which bridge."""
        told = version_pb2.Version(Version=VERSION, Build=f"flyte-bridge {__version__}")
        return version_pb2.GetVersionResponse(control_plane_version=told)

    async def _get(self, id_: str) -> project_service_pb2.Project:
        try:
            return await self._backend.get_project(project_id=id_)
        except (NotFound, InvalidRequest):
            raise NotFound(f"project [{id_}] not found") from None

    async def _all(
        self, timed: Sequence[filters.Filter] = (), by: filters.SortOrder | None = None
    ) -> list[project_pb2.Project]:
        """All projects, archived ones too.

        Args:
            timed: Conditions on times, which Flyte 2 alone knows.
            by: The order, if it is by time.
        """
        for condition in timed:  # in the words of the list that refuses them, whatever the backend says of them
            for value in condition.values:
                with filtering():
                    filters.time_of(value)
        wanted = "+".join([_ALL, *(f"{one.function}({one.field},{';'.join(one.values)})" for one in timed)])
        sort = None
        if by is not None and by.field in _TIMES:
            direction = list_pb2.Sort.DESCENDING if by.descending else list_pb2.Sort.ASCENDING
            sort = list_pb2.Sort(key=_TIMES[by.field], direction=direction)
        found: list[project_pb2.Project] = []
        token = ""
        while True:
            page = await self._backend.list_projects(filters=wanted, sort=sort, token=token)
            found += [_to_flyte1(project) for project in page.projects]
            token = page.token
            if not token:
                return found


def _to_flyte1(project: project_service_pb2.Project) -> project_pb2.Project:
    made: project_pb2.Project = convert(project, project_pb2.Project)
    made.org = ""
    if not made.labels.values:
        made.ClearField("labels")
    return made


def _to_flyte2(project: Message) -> project_service_pb2.Project:
    made = convert(project, project_service_pb2.Project)
    made.org = ""  # there is one; flyteadmin ignores it, too
    return made


def _check(project: project_pb2.Project) -> None:
    given(project.id, "project_id")
    validation.labels(project.labels.values)
    if wrong := validation.dns_label(project.id):
        raise InvalidRequest(f"invalid project id [{project.id}]: [{' '.join(wrong)}]")
    for value, field, most in (
        (project.name, "project_name", _MOST_NAME),
        (project.description, "project_description", _MOST_DESCRIPTION),
    ):
        if len(value.encode()) > most:
            raise InvalidRequest(f"{field} cannot exceed {most} characters")
    if project.domains:
        raise InvalidRequest(
            "Domains are currently only set system wide. Please retry without domains included in your request."
        )
