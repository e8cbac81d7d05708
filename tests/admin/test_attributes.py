"""Matchable attributes: the most specific counts; what nothing could follow is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from flyteidl.admin import (
    matchable_resource_pb2,
    project_attributes_pb2,
    project_domain_attributes_pb2,
    workflow_attributes_pb2,
)
from flyteidl.core import tasks_pb2
from google.protobuf import text_format

from flyte_bridge.admin import attributes
from registry.entities import square_request

if TYPE_CHECKING:
    from collections.abc import Callable

    from flyte_bridge.remote.flyte_remote import FlyteRemote

RESOURCE = matchable_resource_pb2.MatchableResource
CONFIG, TASK = RESOURCE.WORKFLOW_EXECUTION_CONFIG, RESOURCE.TASK_RESOURCE
DOMAIN = "development"


def parallel(most: int) -> matchable_resource_pb2.MatchingAttributes:
    return matchable_resource_pb2.MatchingAttributes(workflow_execution_config={"max_parallelism": most})


def limits(**most: str) -> matchable_resource_pb2.MatchingAttributes:
    return matchable_resource_pb2.MatchingAttributes(task_resource_attributes={"limits": most})


class Plane:
    """The nine calls, by scope."""

    def __init__(self, admin: Any, project: str) -> None:
        self._admin, self.project = admin, project

    def put(self, matching: Any, *scope: str) -> None:
        kinds = ("project", "domain", "workflow")
        told = {"project": self.project, **dict(zip(kinds[1:], scope, strict=False)), "matching_attributes": matching}
        if len(scope) == 0:
            self._admin.UpdateProjectAttributes(project_attributes_pb2.ProjectAttributesUpdateRequest(attributes=told))
        elif len(scope) == 1:
            self._admin.UpdateProjectDomainAttributes(
                project_domain_attributes_pb2.ProjectDomainAttributesUpdateRequest(attributes=told)
            )
        else:
            self._admin.UpdateWorkflowAttributes(
                workflow_attributes_pb2.WorkflowAttributesUpdateRequest(attributes=told)
            )

    def _ask(self, verb: str, resource: int, scope: tuple[str, ...]) -> tuple[Any, Any]:
        told = dict(zip(("domain", "workflow"), scope, strict=False)) | {
            "project": self.project,
            "resource_type": resource,
        }
        kind = ("Project", "ProjectDomain", "Workflow")[len(scope)]
        module = (project_attributes_pb2, project_domain_attributes_pb2, workflow_attributes_pb2)[len(scope)]
        request = getattr(module, f"{kind}Attributes{verb}Request")(**told)
        return getattr(self._admin, f"{verb}{kind}Attributes"), request

    def get(self, resource: int, *scope: str) -> Any:
        method, request = self._ask("Get", resource, scope)
        return method(request).attributes

    def delete(self, resource: int, *scope: str) -> None:
        method, request = self._ask("Delete", resource, scope)
        method(request)

    def asking(self, resource: int, *scope: str) -> tuple[Any, Any]:
        return self._ask("Get", resource, scope)


@pytest.fixture
def plane(admin: Any, make_project: Callable[[], str]) -> Plane:
    """A project in which nothing is set."""
    return Plane(admin, make_project())


def test_the_most_specific_counts(plane: Plane, refused: Callable[..., str]) -> None:
    """A workflow's before its domain's before the project's; what is deleted counts no longer."""
    assert "not found" in refused("NOT_FOUND", *plane.asking(CONFIG, DOMAIN, "wf"))
    assert plane.get(CONFIG).matching_attributes.workflow_execution_config.max_parallelism == 25
    plane.put(parallel(1))
    plane.put(parallel(2), DOMAIN)
    plane.put(parallel(3), DOMAIN, "wf")

    def most(*scope: str) -> int:
        return int(plane.get(CONFIG, *scope).matching_attributes.workflow_execution_config.max_parallelism)

    assert (most(), most(DOMAIN), most(DOMAIN, "wf")) == (1, 2, 3)
    assert (most("staging"), most(DOMAIN, "other"), most("staging", "wf")) == (1, 2, 1)
    assert plane.get(CONFIG, "staging").domain == ""
    plane.delete(CONFIG, DOMAIN, "wf")
    plane.delete(CONFIG, DOMAIN, "wf")
    assert most(DOMAIN, "wf") == 2
    plane.delete(CONFIG, DOMAIN)
    assert most(DOMAIN, "wf") == 1
    plane.delete(CONFIG)
    assert most() == 25
    message = refused("NOT_FOUND", *plane.asking(CONFIG, DOMAIN))
    told = f"{{Project:{plane.project} Domain:{DOMAIN} Workflow: LaunchPlan: ResourceType:WORKFLOW_EXECUTION_CONFIG}}"
    assert message == f"Resource [{told}] not found"
    assert "ResourceType:TASK_RESOURCE" in refused("NOT_FOUND", *plane.asking(TASK))


def test_all_of_them_are_listed_over_all_projects(
    admin: Any, plane: Plane, make_project: Callable[[], str], refused: Callable[..., str]
) -> None:
    """The most specific first; long values, too; deleted ones are gone."""
    other = Plane(admin, make_project())
    big = parallel(4)
    big.workflow_execution_config.annotations.values.update({f"k{n}": "x" * 50 for n in range(20)})
    plane.put(big, DOMAIN, "wf")
    other.put(parallel(5))
    other.put(parallel(6), "staging")
    other.delete(CONFIG, "staging")

    def listed() -> list[tuple[str, str, str, int]]:
        answer = admin.ListMatchableAttributes(
            matchable_resource_pb2.ListMatchableAttributesRequest(resource_type=CONFIG)
        )
        return [
            (one.project, one.domain, one.workflow, one.attributes.workflow_execution_config.max_parallelism)
            for one in answer.configurations
            if one.project in (plane.project, other.project)
        ]

    assert listed() == [(plane.project, DOMAIN, "wf", 4), (other.project, "", "", 5)]
    big.workflow_execution_config.max_parallelism = 7
    plane.put(big, DOMAIN, "wf")
    assert listed()[0][3] == 7
    assert plane.get(CONFIG, DOMAIN, "wf").matching_attributes == big
    unknown = matchable_resource_pb2.ListMatchableAttributesRequest(resource_type=99)
    assert refused("INVALID_ARGUMENT", admin.ListMatchableAttributes, unknown) == "invalid value for resource_type"


def test_limits_are_held_against_tasks(admin: Any, plane: Plane, refused: Callable[..., str]) -> None:
    """A task that asks for more than its domain allows is refused at registration, with flyteadmin's message."""
    request = square_request("v1")
    request.id.project = plane.project
    entry = request.spec.template.container.resources.requests.add(name=tasks_pb2.Resources.CPU, value="4")
    plane.put(limits(cpu="2", memory="1Gi"))
    message = refused("INVALID_ARGUMENT", admin.CreateTask, request)
    assert "Requested CPU default [4] is greater than current limit set in the platform configuration [2]" in message
    plane.put(limits(cpu="8"), DOMAIN)
    admin.CreateTask(request)
    entry.name = tasks_pb2.Resources.GPU
    request.id.version = "v2"
    admin.CreateTask(request)


FOLLOWED = {
    "task_resource_attributes": "defaults { cpu: '1' storage: '1Gi' } limits { memory: '2Gi' gpu: '1' }",
    "execution_queue_attributes": "tags: 'gpu' tags: 'other'",
    "workflow_execution_config": "max_parallelism: 3 interruptible { value: true }",
    "cluster_assignment": "cluster_pool_name: 'pool'",
}
REFUSED = {
    "cluster_resource_attributes": "attributes { key: 'a' value: 'b' }",
    "execution_cluster_label": "value: 'east'",
    "plugin_overrides": "overrides { task_type: 'spark' plugin_id: 'x' missing_plugin_behavior: USE_DEFAULT }",
    "workflow_execution_config": "execution_env_assignments { node_ids: 'n0' task_type: 'actor' }",
}


def parsed(target: str, text: str) -> matchable_resource_pb2.MatchingAttributes:
    return text_format.Parse(f"{target} {{ {text} }}", matchable_resource_pb2.MatchingAttributes())


@pytest.mark.parametrize("target", FOLLOWED)
def test_what_is_followed_is_kept(admin: Any, plane: Plane, refused: Callable[..., str], target: str) -> None:
    """Set, read, listed and deleted, on all three levels."""
    resource, matching = attributes.TARGETS[target], parsed(target, FOLLOWED[target])
    for scope in ((), (DOMAIN,), (DOMAIN, "wf")):
        plane.put(matching, *scope)
        assert plane.get(resource, *scope).matching_attributes == matching
        request = matchable_resource_pb2.ListMatchableAttributesRequest(resource_type=resource)
        listed = [
            (held.domain, held.workflow, held.launch_plan, held.attributes)
            for held in admin.ListMatchableAttributes(request).configurations
            if held.project == plane.project
        ]
        assert listed == [((*scope, "", "")[0], (*scope, "", "")[1], "", matching)]
        plane.delete(resource, *scope)
        if (target, scope) != ("workflow_execution_config", ()):
            refused("NOT_FOUND", *plane.asking(resource, *scope))


@pytest.mark.parametrize("target", REFUSED)
def test_what_nothing_could_follow_is_refused(plane: Plane, refused: Callable[..., str], target: str) -> None:
    """By its name, on all three levels, and nothing is kept of it."""
    matching = parsed(target, REFUSED[target])
    for scope in ((), (DOMAIN,), (DOMAIN, "wf")):
        message = refused("UNIMPLEMENTED", lambda _, held=scope: plane.put(matching, *held), None)
        assert message.startswith(
            "WorkflowExecutionConfig.execution_env_assignments: "
            if target == "workflow_execution_config"
            else f"MatchingAttributes.{target}: "
        )
        if scope:
            refused("NOT_FOUND", *plane.asking(attributes.TARGETS[target], *scope))


def test_attributes_replace_what_was_there(plane: Plane) -> None:
    """Whole, not field by field."""
    plane.put(limits(cpu="1"))
    plane.put(limits(memory="1Gi"))
    assert plane.get(TASK).matching_attributes == limits(memory="1Gi")


def test_resources_that_are_no_quantities_are_refused(plane: Plane, refused: Callable[..., str]) -> None:
    """Defaults and limits; flyteadmin takes them, and ignores them."""
    for part in ("defaults", "limits"):
        matching = matchable_resource_pb2.MatchingAttributes(task_resource_attributes={part: {"cpu": "many"}})
        message = refused("INVALID_ARGUMENT", lambda _, one=matching: plane.put(one), None)
        assert "Parsing of CPU request failed for value many" in message


def test_what_cannot_be_is_refused(admin: Any, plane: Plane, refused: Callable[..., str]) -> None:
    """With flyteadmin's messages."""
    nothing = matchable_resource_pb2.MatchingAttributes()
    for scope, told in (((), ""), ((DOMAIN,), f"-{DOMAIN}"), ((DOMAIN, "wf"), f"-{DOMAIN}-wf")):
        message = refused("INVALID_ARGUMENT", lambda _, s=scope: plane.put(nothing, *s), None)
        assert message == f"Unrecognized matching attributes type for request {plane.project}{told}"
        message = refused("INVALID_ARGUMENT", lambda _, s=scope: plane.put(None, *s), None)
        assert message == "missing matching_attributes"
    for method, request in (
        (admin.UpdateProjectAttributes, project_attributes_pb2.ProjectAttributesUpdateRequest()),
        (
            admin.UpdateProjectDomainAttributes,
            project_domain_attributes_pb2.ProjectDomainAttributesUpdateRequest(),
        ),
        (admin.UpdateWorkflowAttributes, workflow_attributes_pb2.WorkflowAttributesUpdateRequest()),
    ):
        assert refused("INVALID_ARGUMENT", method, request) == "missing attributes"
    message = refused("INVALID_ARGUMENT", lambda _: plane.put(parallel(1), "moon"), None)
    assert message == "domain [moon] is unrecognized by system"
    assert refused("INVALID_ARGUMENT", lambda _: plane.put(parallel(1), DOMAIN, ""), None) == "missing name"
    elsewhere = Plane(admin, "never-made")
    message = refused("INVALID_ARGUMENT", lambda _: elsewhere.put(parallel(1)), None)
    assert message.startswith("failed to validate that project [never-made] is registered")
    message = refused("INVALID_ARGUMENT", *elsewhere.asking(CONFIG))
    assert message.startswith("failed to validate that project [never-made] exists")


def test_flytekits_client_sets_and_reads_them(remote: FlyteRemote, plane: Plane) -> None:
    """Of domains and of workflows; what is not set is not found."""
    pytest.importorskip("flytekit", reason="flytekit stops at Python 3.12")
    from flytekit.exceptions.user import FlyteEntityNotExistException
    from flytekit.models import matchable_resource as models

    client = remote.client
    told = {RESOURCE.EXECUTION_QUEUE: {"execution_queue_attributes": models.ExecutionQueueAttributes(["gpu"])}}
    for resource, one in told.items():
        matching = models.MatchingAttributes(**one)
        with pytest.raises(FlyteEntityNotExistException):
            client.get_workflow_attributes(plane.project, DOMAIN, "wf", resource)
        client.update_project_domain_attributes(plane.project, DOMAIN, matching)
        client.update_workflow_attributes(plane.project, DOMAIN, "own", matching)
        of_domain = client.get_project_domain_attributes(plane.project, DOMAIN, resource).attributes
        assert of_domain.matching_attributes == matching.to_flyte_idl()
        of_workflow = client.get_workflow_attributes(plane.project, DOMAIN, "own", resource).attributes
        assert (of_workflow.workflow, of_workflow.matching_attributes) == ("own", matching.to_flyte_idl())
        inherited = client.get_workflow_attributes(plane.project, DOMAIN, "wf", resource).attributes
        assert (inherited.workflow, inherited.matching_attributes) == ("", matching.to_flyte_idl())
        listed = client.list_matchable_attributes(resource).configurations
        assert [(one.domain, one.workflow) for one in listed if one.project == plane.project] == [
            (DOMAIN, "own"),
            (DOMAIN, ""),
        ]
