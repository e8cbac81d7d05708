"""What is deployed: tasks, triggers and projects."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flyteidl2.project import project_service_pb2
from flyteidl2.task import task_service_pb2
from flyteidl2.trigger import trigger_service_pb2

from flyte_bridge.backend.query import query

if TYPE_CHECKING:
    from collections.abc import Iterable

    from flyteidl2.common import identifier_pb2, list_pb2
    from flyteidl2.task import common_pb2, task_definition_pb2
    from flyteidl2.trigger import trigger_definition_pb2

    from flyte_bridge.backend.caller import Caller

TASKS = "/flyteidl2.task.TaskService"
TRIGGERS = "/flyteidl2.trigger.TriggerService"
PROJECTS = "/flyteidl2.project.ProjectService"


class TaskVerbs:
    """Tasks."""

    caller: Caller

    async def deploy_task(
        self,
        *,
        task_id: task_definition_pb2.TaskIdentifier,
        spec: task_definition_pb2.TaskSpec,
        triggers: Iterable[task_definition_pb2.TaskTrigger] = (),
    ) -> None:
        """Deploys a version of a task; one that is there is replaced.

        Raises:
            NotFound: The project.
            InvalidRequest: A trigger's schedule cannot be.
        """
        request = task_service_pb2.DeployTaskRequest(task_id=task_id, spec=spec, triggers=triggers)
        await self.caller.unary(f"{TASKS}/DeployTask", request, task_service_pb2.DeployTaskResponse)

    async def get_task(self, *, task_id: task_definition_pb2.TaskIdentifier) -> task_definition_pb2.TaskDetails:
        """A version of a task.

        Raises:
            NotFound: There is none.
        """
        request = task_service_pb2.GetTaskDetailsRequest(task_id=task_id)
        reply = await self.caller.unary(f"{TASKS}/GetTaskDetails", request, task_service_pb2.GetTaskDetailsResponse)
        return reply.details

    async def list_tasks(
        self, *, project_id: identifier_pb2.ProjectIdentifier | None, request: list_pb2.ListRequest | None = None
    ) -> task_service_pb2.ListTasksResponse:
        """The latest version of each task, of a project and domain or (`None`) of all, a page at a time.

        The latest is that of the versions which the filters leave.
        """
        wanted = task_service_pb2.ListTasksRequest(request=request or query(), project_id=project_id)
        return await self.caller.unary(f"{TASKS}/ListTasks", wanted, task_service_pb2.ListTasksResponse)

    async def list_versions(
        self, *, task_name: task_definition_pb2.TaskName, request: list_pb2.ListRequest | None = None
    ) -> task_service_pb2.ListVersionsResponse:
        """A task's versions, a page at a time."""
        wanted = task_service_pb2.ListVersionsRequest(request=request or query(), task_name=task_name)
        return await self.caller.unary(f"{TASKS}/ListVersions", wanted, task_service_pb2.ListVersionsResponse)


class TriggerVerbs:
    """Triggers."""

    caller: Caller

    async def deploy_trigger(
        self,
        *,
        name: identifier_pb2.TriggerName,
        spec: trigger_definition_pb2.TriggerSpec,
        automation: common_pb2.TriggerAutomationSpec,
        revision: int = 0,
    ) -> trigger_definition_pb2.TriggerDetails:
        """Deploys a trigger; one that is there is replaced.

        Raises:
            InvalidRequest: Its schedule cannot be.
            FailedPrecondition: `revision` is given and not the current one.
        """
        request = trigger_service_pb2.DeployTriggerRequest(
            name=name, revision=revision, spec=spec, automation_spec=automation
        )
        kind = trigger_service_pb2.DeployTriggerResponse
        return (await self.caller.unary(f"{TRIGGERS}/DeployTrigger", request, kind)).trigger

    async def get_trigger(self, *, name: identifier_pb2.TriggerName) -> trigger_definition_pb2.TriggerDetails:
        """A trigger.

        Raises:
            NotFound: There is none.
        """
        request = trigger_service_pb2.GetTriggerDetailsRequest(name=name)
        kind = trigger_service_pb2.GetTriggerDetailsResponse
        return (await self.caller.unary(f"{TRIGGERS}/GetTriggerDetails", request, kind)).trigger

    async def list_triggers(
        self,
        *,
        project_id: identifier_pb2.ProjectIdentifier | None = None,
        task_name: task_definition_pb2.TaskName | None = None,
        request: list_pb2.ListRequest | None = None,
    ) -> trigger_service_pb2.ListTriggersResponse:
        """The triggers of a project and domain, or of a task, a page at a time."""
        wanted = trigger_service_pb2.ListTriggersRequest(
            request=request or query(), project_id=project_id, task_name=task_name
        )
        return await self.caller.unary(f"{TRIGGERS}/ListTriggers", wanted, trigger_service_pb2.ListTriggersResponse)

    async def trigger_history(
        self, *, name: identifier_pb2.TriggerName, request: list_pb2.ListRequest | None = None
    ) -> trigger_service_pb2.GetTriggerRevisionHistoryResponse:
        """A trigger's revisions, newest first; neither filtered nor sorted."""
        wanted = trigger_service_pb2.GetTriggerRevisionHistoryRequest(request=request or query(), name=name)
        kind = trigger_service_pb2.GetTriggerRevisionHistoryResponse
        return await self.caller.unary(f"{TRIGGERS}/GetTriggerRevisionHistory", wanted, kind)

    async def update_triggers(self, *, names: Iterable[identifier_pb2.TriggerName], active: bool) -> None:
        """Activates or deactivates triggers; those that are not there are passed over."""
        request = trigger_service_pb2.UpdateTriggersRequest(names=names, active=active)
        await self.caller.unary(f"{TRIGGERS}/UpdateTriggers", request, trigger_service_pb2.UpdateTriggersResponse)

    async def delete_triggers(self, *, names: Iterable[identifier_pb2.TriggerName]) -> None:
        """Deletes triggers; those that are not there are passed over."""
        request = trigger_service_pb2.DeleteTriggersRequest(names=names)
        await self.caller.unary(f"{TRIGGERS}/DeleteTriggers", request, trigger_service_pb2.DeleteTriggersResponse)


class ProjectVerbs:
    """Projects."""

    caller: Caller

    async def create_project(self, *, project: project_service_pb2.Project) -> None:
        """Makes a project.

        Raises:
            AlreadyExists: There is one of that id.
        """
        request = project_service_pb2.CreateProjectRequest(project=project)
        await self.caller.unary(f"{PROJECTS}/CreateProject", request, project_service_pb2.CreateProjectResponse)

    async def update_project(self, *, project: project_service_pb2.Project) -> None:
        """Replaces what is known of a project.

        Raises:
            NotFound: There is none.
        """
        request = project_service_pb2.UpdateProjectRequest(project=project)
        await self.caller.unary(f"{PROJECTS}/UpdateProject", request, project_service_pb2.UpdateProjectResponse)

    async def get_project(self, *, project_id: str, org: str = "") -> project_service_pb2.Project:
        """A project.

        Raises:
            NotFound: There is none.
        """
        request = project_service_pb2.GetProjectRequest(id=project_id, org=org)
        kind = project_service_pb2.GetProjectResponse
        return (await self.caller.unary(f"{PROJECTS}/GetProject", request, kind)).project

    async def list_projects(
        self,
        *,
        filters: str = "",
        sort: list_pb2.Sort | None = None,
        limit: int = 0,
        token: str = "",
    ) -> project_service_pb2.Projects:
        """Projects; archived ones only if the filters ask for them.

        Args:
            filters: Such as `eq(state,1)+contains(name,x)`.
            sort: By which field.
            limit: Of a page; 0 is all.
            token: The page before's.
        """
        request = project_service_pb2.ListProjectsRequest(limit=limit, token=token, filters=filters, sort_by=sort)
        kind = project_service_pb2.ListProjectsResponse
        return (await self.caller.unary(f"{PROJECTS}/ListProjects", request, kind)).projects
