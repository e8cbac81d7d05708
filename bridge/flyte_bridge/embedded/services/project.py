"""ProjectService: projects, with the string filters of its own that the real one has."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from flyteidl2.common import list_pb2
from flyteidl2.project import project_service_pb2 as pb
from flyteidl2.task import run_pb2

from flyte_bridge.embedded import filters
from flyte_bridge.embedded.faults import InvalidRequest
from flyte_bridge.embedded.filters import Column, ColumnKind, OrderBy
from flyte_bridge.embedded.model import ProjectRecord
from flyte_bridge.embedded.registry import DOMAINS

if TYPE_CHECKING:
    from flyte_bridge.embedded.registry import Projects

_ID = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")  # a DNS-1123 label: it becomes part of paths and host names
_MAX_ID = 63
_MAX_NAME = 64
_MAX_DESCRIPTION = 300

_COLUMNS = {
    "identifier": Column("p.id"),
    "id": Column("p.id"),
    "name": Column("p.name"),
    "description": Column("p.description"),
    "state": Column("p.state", ColumnKind.NUMBER),
    "created_at": Column("p.created_at", ColumnKind.TIME),
    "updated_at": Column("p.updated_at", ColumnKind.TIME),
}
_TIE = (OrderBy(Column("p.id")),)
_DSL = re.compile(r"(\w+)\((\w+),(.*)\)", re.DOTALL)
_FUNCTIONS = {
    "eq": list_pb2.Filter.EQUAL,
    "ne": list_pb2.Filter.NOT_EQUAL,
    "contains": list_pb2.Filter.CONTAINS,
    "value_in": list_pb2.Filter.VALUE_IN,
    "gt": list_pb2.Filter.GREATER_THAN,
    "gte": list_pb2.Filter.GREATER_THAN_OR_EQUAL,
    "lt": list_pb2.Filter.LESS_THAN,
    "lte": list_pb2.Filter.LESS_THAN_OR_EQUAL,
}
"""The first four are the real backend's; `contains(name,x)+eq(state,0)` joins by `+`."""


class ProjectService:
    """Projects; domains are static."""

    def __init__(self, projects: Projects) -> None:
        self._projects = projects

    async def create_project(self, request: pb.CreateProjectRequest, _ctx: Any) -> pb.CreateProjectResponse:
        """Adds a project; ALREADY_EXISTS if its id is taken."""
        self._projects.create(_record(request.project))
        return pb.CreateProjectResponse()

    async def update_project(self, request: pb.UpdateProjectRequest, _ctx: Any) -> pb.UpdateProjectResponse:
        """Overwrites a project; NOT_FOUND if there is none."""
        self._projects.update(_record(request.project))
        return pb.UpdateProjectResponse()

    async def get_project(self, request: pb.GetProjectRequest, _ctx: Any) -> pb.GetProjectResponse:
        """One project; NOT_FOUND if there is none."""
        return pb.GetProjectResponse(project=_message(self._projects.get(request.id)))

    async def list_projects(self, request: pb.ListProjectsRequest, _ctx: Any) -> pb.ListProjectsResponse:
        """Projects; the archived ones only when a filter on `state` asks for them; limit 0 is no limit."""
        listing = list_pb2.ListRequest(token=request.token, filters=_parse(request.filters))
        if request.HasField("sort_by") and request.sort_by.key:
            listing.sort_by.CopyFrom(request.sort_by)
        query = filters.read(listing, _COLUMNS, (OrderBy(_COLUMNS["created_at"]),), _TIE)
        if not any(one.field == "state" for one in listing.filters):
            query.where("p.state = 0")
        query.limit = request.limit or 1_000_000
        records, token = filters.page(
            query,
            self._projects.select(*query.tail()),
            lambda record: [getattr(record, order.column.sql.removeprefix("p.")) for order in query.order],
        )
        return pb.ListProjectsResponse(
            projects=pb.Projects(projects=[_message(record) for record in records], token=token)
        )


def _parse(text: str) -> list[list_pb2.Filter]:
    found = []
    for part in filter(None, (part.strip() for part in text.split("+"))):
        match = _DSL.fullmatch(part)
        if match is None or match[1] not in _FUNCTIONS:
            raise InvalidRequest(
                f"filter {part!r} is not understood; write "
                f"{', '.join(f'{name}(column,value)' for name in _FUNCTIONS)}, joined by +"
            )
        values = match[3].split(";") if match[1] == "value_in" else [match[3]]
        found.append(
            list_pb2.Filter(
                function=_FUNCTIONS[match[1]], field=match[2].strip(), values=[value.strip() for value in values]
            )
        )
    return found


def _record(project: pb.Project) -> ProjectRecord:
    if not _ID.fullmatch(project.id) or len(project.id) > _MAX_ID:
        raise InvalidRequest(
            f"project id {project.id!r} must be 1 to {_MAX_ID} lower-case letters, digits and dashes, "
            "and begin and end with a letter or digit"
        )
    if len(project.name) > _MAX_NAME:
        raise InvalidRequest(f"project name of {len(project.name)} characters is longer than {_MAX_NAME}")
    if len(project.description) > _MAX_DESCRIPTION:
        raise InvalidRequest(
            f"project description of {len(project.description)} characters is longer than {_MAX_DESCRIPTION}"
        )
    return ProjectRecord(
        project.id, project.name or project.id, project.description, dict(project.labels.values), project.state
    )


def _message(record: ProjectRecord) -> pb.Project:
    return pb.Project(
        id=record.id,
        name=record.name,
        description=record.description,
        domains=[pb.Domain(id=key, name=name) for key, name in DOMAINS],
        labels=run_pb2.Labels(values=record.labels),
        state=record.state,
    )
