"""Projects, domains and the version."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

pytest.importorskip("flytekit", reason="flytekit stops at Python 3.12")

from flyteidl.admin import common_pb2, project_pb2, version_pb2
from flytekit.exceptions.user import FlyteEntityAlreadyExistsException
from flytekit.models.filters import Equal
from flytekit.models.project import Project

from registry.entities import square_request

if TYPE_CHECKING:
    from collections.abc import Callable

    from flyte_bridge.remote.flyte_remote import FlyteRemote

ARCHIVED = project_pb2.Project.ARCHIVED


def get(admin: Any, id_: str) -> project_pb2.Project:
    return admin.GetProject(project_pb2.ProjectGetRequest(id=id_))


def listed(admin: Any, **more: Any) -> list[str]:
    return [project.id for project in admin.ListProjects(project_pb2.ProjectListRequest(**more)).projects]


def test_a_project_is_registered_once(admin: Any, remote: FlyteRemote, fresh: str, refused: Callable[..., str]) -> None:
    """By flytekit's client; with its domains; a second time it is ALREADY_EXISTS."""
    remote.client.register_project(Project(id=fresh, name="Some name", description="What it is for"))
    found = get(admin, fresh)
    assert (found.name, found.description, found.state) == ("Some name", "What it is for", project_pb2.Project.ACTIVE)
    assert [domain.id for domain in found.domains] == ["development", "staging", "production"]
    with pytest.raises(FlyteEntityAlreadyExistsException):
        remote.client.register_project(Project(id=fresh, name="Another", description=""))
    again = project_pb2.ProjectRegisterRequest(project=project_pb2.Project(id=fresh, name="x"))
    assert "value with matching already exists" in refused("ALREADY_EXISTS", admin.RegisterProject, again)


BAD = [
    (project_pb2.Project(), "missing project_name"),
    (project_pb2.Project(name="x"), "missing project_id"),
    (project_pb2.Project(id="Caps", name="x"), "invalid project id [Caps]: [a lowercase RFC 1123 label"),
    (project_pb2.Project(id="x" * 64, name="x"), "must be no more than 63 characters"),
    (project_pb2.Project(id="../x", name="x"), "invalid project id [../x]"),
    (project_pb2.Project(id="p", name="x" * 65), "project_name cannot exceed 64 characters"),
    (project_pb2.Project(id="p", name="x", description="d" * 301), "project_description cannot exceed 300 characters"),
    (
        project_pb2.Project(id="p", name="x", labels={"values": {f"k{n}": "" for n in range(17)}}),
        "labels map cannot exceed 16 entries",
    ),
    (project_pb2.Project(id="p", name="x", labels={"values": {"k": "a b"}}), "invalid label value [a b]"),
    (project_pb2.Project(id="p", name="x", labels={"values": {"": "a"}}), "name part must be non-empty"),
    (
        project_pb2.Project(id="p", name="x", labels={"values": {"A_/b": "a"}}),
        "prefix part must be a lowercase RFC 1123",
    ),
    (
        project_pb2.Project(id="p", name="x", domains=[project_pb2.Domain(id="d")]),
        "Domains are currently only set system wide",
    ),
]


@pytest.mark.parametrize(("project", "message"), BAD, ids=[message[:30] for _, message in BAD])
def test_a_project_that_cannot_be_is_refused(
    admin: Any, refused: Callable[..., str], project: project_pb2.Project, message: str
) -> None:
    """INVALID_ARGUMENT with flyteadmin's message."""
    request = project_pb2.ProjectRegisterRequest(project=project)
    assert message in refused("INVALID_ARGUMENT", admin.RegisterProject, request)


def test_no_project_is_missing(admin: Any, refused: Callable[..., str]) -> None:
    """Neither message has a project."""
    empty = project_pb2.ProjectRegisterRequest()
    assert refused("INVALID_ARGUMENT", admin.RegisterProject, empty) == "missing project"
    assert refused("INVALID_ARGUMENT", admin.GetProject, project_pb2.ProjectGetRequest()) == "missing project_id"
    unknown = project_pb2.ProjectGetRequest(id="never-made")
    assert refused("NOT_FOUND", admin.GetProject, unknown) == "project [never-made] not found"
    assert refused("INVALID_ARGUMENT", admin.UpdateProject, project_pb2.Project()) == "missing project_id"
    update = project_pb2.Project(id="never-made", name="x")
    assert refused("NOT_FOUND", admin.UpdateProject, update) == "project [never-made] not found"


def test_an_archived_project_takes_no_registrations(
    admin: Any, remote: FlyteRemote, make_project: Callable[[], str], refused: Callable[..., str]
) -> None:
    """Archived by flytekit's client; it is not listed any longer, but can be asked for, and made active again."""
    made = make_project()
    labels = project_pb2.Project(id=made, name="Named", labels={"values": {"team": "blue"}})
    admin.UpdateProject(labels)
    remote.client.update_project(Project.archived_project(made))
    found = get(admin, made)
    assert (found.state, found.name, found.labels.values["team"]) == (ARCHIVED, "Named", "blue")
    assert made not in listed(admin)
    assert listed(admin, filters=f"eq(state,1)+eq(identifier,{made})") == [made]
    request = square_request("v1")
    request.id.project = made
    assert refused("INVALID_ARGUMENT", admin.CreateTask, request) == f"project [{made}] is not active"
    remote.client.update_project(Project.active_project(made))
    assert made in listed(admin)
    admin.CreateTask(request)


def test_projects_are_listed_by_their_id(admin: Any, remote: FlyteRemote, make_project: Callable[[], str]) -> None:
    """In pages, filtered and sorted as asked; limit 0 lists all."""
    made = sorted(make_project() for _ in range(3))
    everything = listed(admin)
    assert everything == sorted(everything)
    assert set(made) <= set(everything)
    assert listed(admin, limit=2) == everything[:2]
    page = admin.ListProjects(project_pb2.ProjectListRequest(limit=2, token="1"))
    assert ([project.id for project in page.projects], page.token) == (everything[1:3], "3")
    chosen = f"value_in(identifier,{made[0]};{made[2]})"
    assert listed(admin, filters=chosen) == [made[0], made[2]]
    descending = common_pb2.Sort(key="identifier", direction=common_pb2.Sort.DESCENDING)
    assert listed(admin, filters=chosen, sort_by=descending) == [made[2], made[0]]
    assert [p.id for p in remote.list_projects(limit=10, filters=[Equal("project.identifier", made[1])])] == [made[1]]


def test_a_list_that_cannot_be_is_refused(admin: Any, refused: Callable[..., str]) -> None:
    """INVALID_ARGUMENT, with flyteadmin's message where it has one."""
    for more, message in (
        ({"token": "-3"}, "invalid pagination token -3 for ListProjects"),
        ({"filters": "eq(id,p)"}, "'p.id': Flyte 2 keeps no such column"),
        ({"filters": "eq(owner,p)"}, "'p.owner' is invalid filter"),
        ({"filters": "eq(task.name,p)"}, "'t' entity is not allowed in filters"),
        ({"sort_by": common_pb2.Sort(key="owner")}, "invalid sort key 'owner'"),
    ):
        assert message in refused("INVALID_ARGUMENT", admin.ListProjects, project_pb2.ProjectListRequest(**more))


def test_domains_and_version(admin: Any, remote: FlyteRemote) -> None:
    """The domains that all projects have; a version that clients can compare."""
    assert [domain.id for domain in remote.get_domains()] == ["development", "staging", "production"]
    assert remote.client.get_control_plane_version() == "v1.16.8"
    told = admin.GetVersion(version_pb2.GetVersionRequest()).control_plane_version
    assert told.Build.startswith("flyte-bridge ")


def test_projects_are_sorted_and_filtered_by_time(
    admin: Any, make_project: Callable[[], str], refused: Callable[..., str]
) -> None:
    """As a plain `flytectl get project` asks; Flyte 2 tells no project's times, so it sorts itself."""
    first, second = make_project(), make_project()
    asked = project_pb2.Project(id=first, name=first, description="changed after the second was made")
    admin.UpdateProject(asked)
    both = f"value_in(identifier,{first};{second})"
    for key, expected in (("created_at", [first, second]), ("id", [first, second]), ("updated_at", [second, first])):
        ascending = common_pb2.Sort(key=key, direction=common_pb2.Sort.ASCENDING)
        assert listed(admin, filters=both, sort_by=ascending) == expected
        assert listed(admin, filters=both, sort_by=common_pb2.Sort(key=key)) == expected[::-1]
        assert listed(admin, filters=both, sort_by=ascending, limit=1, token="1") == expected[1:]
    assert listed(admin, filters=f"{both}+gt(created_at,2001-01-01T00:00:00Z)") == sorted([first, second])
    assert not listed(admin, filters=f"{both}+lt(updated_at,2001-01-01T00:00:00Z)")
    request = project_pb2.ProjectListRequest(filters="gt(created_at,yesterday)")
    assert "yesterday" in refused("INVALID_ARGUMENT", admin.ListProjects, request)
