"""Matchable attributes of projects, their domains and workflows
(`flyteadmin/pkg/manager/impl/resources/resource_manager.go`, v1.16.8).

| resource | what it does here |
|---|---|
| `WORKFLOW_EXECUTION_CONFIG` | fills in what neither an execution nor its launch plan says |
| `TASK_RESOURCE` | its limits are held against a task's at registration; both hold for what executions run |
| `CLUSTER_ASSIGNMENT`, `EXECUTION_QUEUE` | name the cluster pool and the queue of runs |
| `EXECUTION_CLUSTER_LABEL`, `PLUGIN_OVERRIDE`, `CLUSTER_RESOURCE` | nothing Flyte 2 could do: refused |

`launch/platform_settings.py` has what executions make of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flyteidl.admin import (
    matchable_resource_pb2,
    project_attributes_pb2,
    project_domain_attributes_pb2,
    workflow_attributes_pb2,
)

from flyte_bridge.admin import task_checks
from flyte_bridge.admin.validation import given, missing, project_and_domain, project_exists
from flyte_bridge.errors import InvalidRequest, NotFound, Unimplemented
from flyte_bridge.launch.platform_settings import unfollowed
from flyte_bridge.registry.attributes import AttributeScope
from flyte_bridge_translators.flyte1.names import MAX_PARALLELISM

if TYPE_CHECKING:
    from flyte_bridge.admin.context import CallContext
    from flyte_bridge.admin.core import Core

_Resource = matchable_resource_pb2.MatchableResource
TARGETS = {
    "task_resource_attributes": _Resource.TASK_RESOURCE,
    "cluster_resource_attributes": _Resource.CLUSTER_RESOURCE,
    "execution_queue_attributes": _Resource.EXECUTION_QUEUE,
    "execution_cluster_label": _Resource.EXECUTION_CLUSTER_LABEL,
    "plugin_overrides": _Resource.PLUGIN_OVERRIDE,
    "workflow_execution_config": _Resource.WORKFLOW_EXECUTION_CONFIG,
    "cluster_assignment": _Resource.CLUSTER_ASSIGNMENT,
}
"""Which resource each kind of attributes is for. As on flyteadmin, quality of service is none of them."""


class MatchableAttributes:
    """Attributes."""

    def __init__(self, core: Core) -> None:
        """Takes what the façade's parts share."""
        self._backend = core.backend
        self._attributes = core.registry.attributes

    # -- of a project -------------------------------------------------------------------------------------------------

    async def update_project_attributes(
        self, request: project_attributes_pb2.ProjectAttributesUpdateRequest, _: CallContext
    ) -> project_attributes_pb2.ProjectAttributesUpdateResponse:
        """Sets what holds for all of a project."""
        if not request.HasField("attributes"):
            raise missing("attributes")
        told = request.attributes
        await project_exists(self._backend, told.project, active=True)
        matching = told.matching_attributes if told.HasField("matching_attributes") else None
        await self._put(AttributeScope(told.project), matching, told.project)
        return project_attributes_pb2.ProjectAttributesUpdateResponse()

    async def get_project_attributes(
        self, request: project_attributes_pb2.ProjectAttributesGetRequest, _: CallContext
    ) -> project_attributes_pb2.ProjectAttributesGetResponse:
        """What holds for all of a project; of executions' settings what flyteadmin has by default is filled in."""
        await project_exists(self._backend, request.project, active=False)
        found = await self._attributes.get(_known(request.resource_type), AttributeScope(request.project))
        answer = project_attributes_pb2.ProjectAttributesGetResponse()
        answer.attributes.project = request.project
        if found is not None:
            answer.attributes.matching_attributes.CopyFrom(found)
        elif request.resource_type != _Resource.WORKFLOW_EXECUTION_CONFIG:
            raise _unset(request.resource_type, AttributeScope(request.project))
        if request.resource_type == _Resource.WORKFLOW_EXECUTION_CONFIG:
            settings = answer.attributes.matching_attributes.workflow_execution_config
            settings.max_parallelism = settings.max_parallelism or MAX_PARALLELISM
        return answer

    async def delete_project_attributes(
        self, request: project_attributes_pb2.ProjectAttributesDeleteRequest, _: CallContext
    ) -> project_attributes_pb2.ProjectAttributesDeleteResponse:
        """Removes them; also when there are none."""
        await project_exists(self._backend, request.project, active=True)
        await self._delete(request.resource_type, AttributeScope(request.project))
        return project_attributes_pb2.ProjectAttributesDeleteResponse()

    # -- of a domain --------------------------------------------------------------------------------------------------

    async def update_project_domain_attributes(
        self, request: project_domain_attributes_pb2.ProjectDomainAttributesUpdateRequest, _: CallContext
    ) -> project_domain_attributes_pb2.ProjectDomainAttributesUpdateResponse:
        """Sets what holds for a domain of a project."""
        if not request.HasField("attributes"):
            raise missing("attributes")
        told = request.attributes
        await project_and_domain(self._backend, told.project, told.domain)
        matching = told.matching_attributes if told.HasField("matching_attributes") else None
        await self._put(AttributeScope(told.project, told.domain), matching, f"{told.project}-{told.domain}")
        return project_domain_attributes_pb2.ProjectDomainAttributesUpdateResponse()

    async def get_project_domain_attributes(
        self, request: project_domain_attributes_pb2.ProjectDomainAttributesGetRequest, _: CallContext
    ) -> project_domain_attributes_pb2.ProjectDomainAttributesGetResponse:
        """What holds for a domain: its own, else its project's."""
        await project_and_domain(self._backend, request.project, request.domain)
        scope, found = await self._find(request.resource_type, AttributeScope(request.project, request.domain))
        answer = project_domain_attributes_pb2.ProjectDomainAttributesGetResponse()
        answer.attributes.project, answer.attributes.domain = scope.project, scope.domain
        answer.attributes.matching_attributes.CopyFrom(found)
        return answer

    async def delete_project_domain_attributes(
        self, request: project_domain_attributes_pb2.ProjectDomainAttributesDeleteRequest, _: CallContext
    ) -> project_domain_attributes_pb2.ProjectDomainAttributesDeleteResponse:
        """Removes them; also when there are none."""
        await project_and_domain(self._backend, request.project, request.domain)
        await self._delete(request.resource_type, AttributeScope(request.project, request.domain))
        return project_domain_attributes_pb2.ProjectDomainAttributesDeleteResponse()

    # -- of a workflow ------------------------------------------------------------------------------------------------

    async def update_workflow_attributes(
        self, request: workflow_attributes_pb2.WorkflowAttributesUpdateRequest, _: CallContext
    ) -> workflow_attributes_pb2.WorkflowAttributesUpdateResponse:
        """Sets what holds for a workflow."""
        if not request.HasField("attributes"):
            raise missing("attributes")
        told = request.attributes
        await project_and_domain(self._backend, told.project, told.domain)
        given(told.workflow, "name")
        matching = told.matching_attributes if told.HasField("matching_attributes") else None
        scope = AttributeScope(told.project, told.domain, told.workflow)
        await self._put(scope, matching, f"{told.project}-{told.domain}-{told.workflow}")
        return workflow_attributes_pb2.WorkflowAttributesUpdateResponse()

    async def get_workflow_attributes(
        self, request: workflow_attributes_pb2.WorkflowAttributesGetRequest, _: CallContext
    ) -> workflow_attributes_pb2.WorkflowAttributesGetResponse:
        """What holds for a workflow: its own, else its domain's, else its project's."""
        await project_and_domain(self._backend, request.project, request.domain)
        given(request.workflow, "name")
        asked = AttributeScope(request.project, request.domain, request.workflow)
        scope, found = await self._find(request.resource_type, asked)
        answer = workflow_attributes_pb2.WorkflowAttributesGetResponse()
        told = answer.attributes
        told.project, told.domain, told.workflow = scope.project, scope.domain, scope.workflow
        told.matching_attributes.CopyFrom(found)
        return answer

    async def delete_workflow_attributes(
        self, request: workflow_attributes_pb2.WorkflowAttributesDeleteRequest, _: CallContext
    ) -> workflow_attributes_pb2.WorkflowAttributesDeleteResponse:
        """Removes them; also when there are none."""
        await project_and_domain(self._backend, request.project, request.domain)
        given(request.workflow, "name")
        await self._delete(request.resource_type, AttributeScope(request.project, request.domain, request.workflow))
        return workflow_attributes_pb2.WorkflowAttributesDeleteResponse()

    # -- all ----------------------------------------------------------------------------------------------------------

    async def list_matchable_attributes(
        self, request: matchable_resource_pb2.ListMatchableAttributesRequest, _: CallContext
    ) -> matchable_resource_pb2.ListMatchableAttributesResponse:
        """Everything that is set for a kind of resource, the most specific first."""
        found = await self._attributes.list(_known(request.resource_type))
        return matchable_resource_pb2.ListMatchableAttributesResponse(
            configurations=[
                matchable_resource_pb2.MatchableAttributesConfiguration(
                    attributes=attributes, project=scope.project, domain=scope.domain, workflow=scope.workflow
                )
                for scope, attributes in found
            ]
        )

    async def _put(
        self, scope: AttributeScope, matching: matchable_resource_pb2.MatchingAttributes | None, told: str
    ) -> None:
        if matching is None:
            raise missing("matching_attributes")
        target = matching.WhichOneof("target")
        if target not in TARGETS:
            raise InvalidRequest(f"Unrecognized matching attributes type for request {told}")
        if reason := unfollowed(matching):
            raise Unimplemented(reason)
        if target == "task_resource_attributes":
            task_checks.check_attributes(matching.task_resource_attributes)
        await self._attributes.put(TARGETS[target], scope, matching)

    async def _find(
        self, resource: matchable_resource_pb2.MatchableResource, scope: AttributeScope
    ) -> tuple[AttributeScope, matchable_resource_pb2.MatchingAttributes]:
        found: tuple[AttributeScope, matchable_resource_pb2.MatchingAttributes] | None
        found = await self._attributes.find(_known(resource), scope)
        if found is None:
            raise _unset(resource, scope)
        return found

    async def _delete(self, resource: matchable_resource_pb2.MatchableResource, scope: AttributeScope) -> None:
        if await self._attributes.get(_known(resource), scope) is not None:
            await self._attributes.put(resource, scope, None)


def _known(
    resource: matchable_resource_pb2.MatchableResource,
) -> matchable_resource_pb2.MatchableResource:
    if resource not in _Resource.values():
        raise InvalidRequest("invalid value for resource_type")
    return resource


def _unset(resource: matchable_resource_pb2.MatchableResource, scope: AttributeScope) -> NotFound:
    told = (
        f"{{Project:{scope.project} Domain:{scope.domain} Workflow:{scope.workflow} LaunchPlan: "
        f"ResourceType:{_Resource.Name(resource)}}}"
    )
    return NotFound(f"Resource [{told}] not found")
