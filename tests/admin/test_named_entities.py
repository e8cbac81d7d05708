"""Names of tasks, workflows and launch plans: described, archived, listed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from flyteidl.admin import common_pb2, launch_plan_pb2
from flyteidl.core import identifier_pb2

from registry.entities import square_request

if TYPE_CHECKING:
    from collections.abc import Callable

    from flyte_bridge.remote.flyte_remote import FlyteRemote

DOMAIN = "development"
TASK = identifier_pb2.TASK
ARCHIVED, SYSTEM = common_pb2.NAMED_ENTITY_ARCHIVED, common_pb2.SYSTEM_GENERATED
LONG = "a description that has many words, some of them é and 日本, " * 6
NAMES = (".flytegen.made", "alpha", "beta", "gamma", "delta")


@pytest.fixture(scope="module")
def project(admin: Any, make_project: Callable[[], str]) -> str:
    """Five tasks, one of them of the kind that flyteadmin makes itself."""
    made = make_project()
    for name in NAMES:
        request = square_request("v1", name)
        request.id.project = made
        admin.CreateTask(request)
    return made


def named(project: str, name: str) -> common_pb2.NamedEntityIdentifier:
    return common_pb2.NamedEntityIdentifier(project=project, domain=DOMAIN, name=name)


def get(admin: Any, project: str, name: str) -> common_pb2.NamedEntityMetadata:
    request = common_pb2.NamedEntityGetRequest(resource_type=TASK, id=named(project, name))
    return admin.GetNamedEntity(request).metadata


def update(admin: Any, project: str, name: str, **metadata: Any) -> None:
    admin.UpdateNamedEntity(
        common_pb2.NamedEntityUpdateRequest(
            resource_type=TASK,
            id=named(project, name),
            metadata=common_pb2.NamedEntityMetadata(**metadata),
        )
    )


def listed(admin: Any, project: str, **more: Any) -> Any:
    return admin.ListNamedEntities(
        common_pb2.NamedEntityListRequest(
            **{"resource_type": TASK, "project": project, "domain": DOMAIN, "limit": 100, **more}
        )
    )


def names(answer: Any) -> list[str]:
    return [entity.id.name for entity in answer.entities]


def test_a_name_is_active_until_it_is_archived(admin: Any, project: str) -> None:
    """Without a document it is active and undescribed; what is updated stays, an empty description changes nothing."""
    assert get(admin, project, "alpha") == common_pb2.NamedEntityMetadata()
    update(admin, project, "alpha", description=LONG)
    assert get(admin, project, "alpha") == common_pb2.NamedEntityMetadata(description=LONG)
    update(admin, project, "alpha", state=ARCHIVED)
    assert get(admin, project, "alpha") == common_pb2.NamedEntityMetadata(description=LONG, state=ARCHIVED)
    update(admin, project, "alpha", description="short")
    assert get(admin, project, "alpha") == common_pb2.NamedEntityMetadata(description="short")


def test_names_are_listed_with_what_is_known_of_them(admin: Any, project: str) -> None:
    """By name, without flyteadmin's own unless a filter is given; conditions on state count names without a document."""
    update(admin, project, "beta", description=LONG, state=ARCHIVED)
    update(admin, project, "gamma", description="third", state=SYSTEM)
    everything = listed(admin, project)
    assert names(everything) == ["alpha", "beta", "delta", "gamma"]
    told = {entity.id.name: entity.metadata for entity in everything.entities}
    assert told["beta"] == common_pb2.NamedEntityMetadata(description=LONG, state=ARCHIVED)
    assert told["gamma"].state == SYSTEM
    assert everything.entities[0].resource_type == TASK
    assert names(listed(admin, project, filters="contains(name,a)")) == [".flytegen.made", *names(everything)]
    assert names(listed(admin, project, filters="eq(state,0)+not_like(name,.%)")) == ["alpha", "delta"]
    assert names(listed(admin, project, filters="value_in(state,1;2)")) == ["beta", "gamma"]
    assert names(listed(admin, project, filters="eq(named_entity_metadata.state,1)")) == ["beta"]
    assert names(listed(admin, project, filters="contains(description,日本)")) == ["beta"]
    descending = common_pb2.Sort(key="name", direction=common_pb2.Sort.DESCENDING)
    assert names(listed(admin, project, sort_by=descending)) == ["gamma", "delta", "beta", "alpha"]
    by_state = common_pb2.Sort(key="state", direction=common_pb2.Sort.DESCENDING)
    assert names(listed(admin, project, sort_by=by_state))[:2] == ["gamma", "beta"]


def test_tokens_are_offsets(admin: Any, project: str) -> None:
    """A full page has one; with conditions on the state, too."""
    first = listed(admin, project, limit=3)
    assert (len(first.entities), first.token) == (3, "3")
    assert names(listed(admin, project, limit=3, token="3")) == ["gamma"]
    page = listed(admin, project, limit=1, filters="value_in(name,alpha;delta)+value_in(state,0;1;2)")
    assert (names(page), page.token) == (["alpha"], "1")
    page = listed(admin, project, limit=1, token="1", filters="value_in(name,alpha;delta)+value_in(state,0;1;2)")
    assert names(page) == ["delta"]


def test_what_cannot_be_is_refused(admin: Any, project: str, refused: Callable[..., str]) -> None:
    """With flyteadmin's messages; a name that nothing is registered under is NOT_FOUND."""
    unknown = common_pb2.NamedEntityGetRequest(resource_type=TASK, id=named(project, "omega"))
    assert refused("NOT_FOUND", admin.GetNamedEntity, unknown) == "entry not found"
    update_ = common_pb2.NamedEntityUpdateRequest(resource_type=TASK, id=unknown.id, metadata={"description": "x"})
    assert refused("NOT_FOUND", admin.UpdateNamedEntity, update_) == "entry not found"
    update_.ClearField("metadata")
    assert refused("INVALID_ARGUMENT", admin.UpdateNamedEntity, update_) == "missing metadata"
    update_.metadata.state = ARCHIVED
    update_.resource_type = identifier_pb2.DATASET
    assert "Resource [DATASET] cannot have its state updated" in refused(
        "INVALID_ARGUMENT", admin.UpdateNamedEntity, update_
    )
    update_.resource_type = identifier_pb2.UNSPECIFIED
    assert refused("INVALID_ARGUMENT", admin.UpdateNamedEntity, update_) == "invalid value for resource_type"
    update_ = common_pb2.NamedEntityUpdateRequest(resource_type=TASK)
    assert refused("INVALID_ARGUMENT", admin.UpdateNamedEntity, update_) == "missing id"
    for more, message in (
        ({"project": ""}, "missing project"),
        ({"domain": ""}, "missing domain"),
        ({"resource_type": 0}, "invalid value for resource_type"),
        ({"resource_type": identifier_pb2.DATASET}, "Cannot list entity names for resource type: DATASET"),
        ({"limit": 0}, "invalid value for limit"),
        ({"token": "x"}, "invalid pagination token x for ListNamedEntities"),
        ({"filters": "eq(version,v1)"}, "'nen.version' is invalid filter"),
        ({"sort_by": common_pb2.Sort(key="version")}, "invalid sort key 'version'"),
    ):
        request = common_pb2.NamedEntityListRequest(
            **{"resource_type": TASK, "project": project, "domain": DOMAIN, "limit": 1, **more}
        )
        assert message in refused("INVALID_ARGUMENT", admin.ListNamedEntities, request)


def test_flytekit_archives_a_launch_plan(remote: FlyteRemote, admin: Any, fresh: str) -> None:
    """Its client's update, of another kind of name: kinds do not get mixed up."""
    from flytekit.models.core.identifier import ResourceType
    from flytekit.models.named_entity import NamedEntityIdentifier, NamedEntityMetadata, NamedEntityState

    from .test_schedules import register

    name = f"plan.{fresh}"
    plan = register(admin, name, fresh)
    remote.client.update_named_entity(
        ResourceType.LAUNCH_PLAN,
        NamedEntityIdentifier(plan.project, plan.domain, name),
        NamedEntityMetadata("kept for later", NamedEntityState.ARCHIVED),
    )
    request = common_pb2.NamedEntityGetRequest(resource_type=identifier_pb2.LAUNCH_PLAN, id=named("flytesnacks", name))
    assert admin.GetNamedEntity(request).metadata.state == ARCHIVED
    request.resource_type = TASK
    request.id.name = square_request(fresh).id.name
    assert admin.GetNamedEntity(request).metadata.state == common_pb2.NAMED_ENTITY_ACTIVE
    assert admin.GetLaunchPlan(common_pb2.ObjectGetRequest(id=plan)).closure.state == launch_plan_pb2.INACTIVE
