"""One side, asked by Flyte 1's API: a flyteadmin over gRPC, or Flyte 2 through the façade.

Both answer `flyteidl.service.AdminService`, so one class speaks with both; which one it is only its caller knows.
"""

from __future__ import annotations

import asyncio
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, TypeAlias

from flyteidl.admin import (
    common_pb2,
    execution_pb2,
    launch_plan_pb2,
    node_execution_pb2,
    task_execution_pb2,
    workflow_pb2,
)
from flyteidl.core import identifier_pb2, literals_pb2
from flyteidl.service import dataproxy_pb2

from ..backend.urls import open_http
from ..errors import ObjectError, StatusError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from ..backend.caller import Caller
    from ..verify.contents import ReadableObjects

ADMIN = "/flyteidl.service.AdminService/"
DATA_PROXY = "/flyteidl.service.DataProxyService/"

PAGE = 100
"""Entries that are asked for at once; flyteadmin takes more, but each page is one query of its database."""

SCHEDULED = execution_pb2.ExecutionMetadata.SCHEDULED
"""The mode of what a schedule has started."""

ExecutionId: TypeAlias = "identifier_pb2.WorkflowExecutionIdentifier"
NodeId: TypeAlias = "identifier_pb2.NodeExecutionIdentifier"


class ControlPlane:
    """Flyte 1's API of one side. Belongs to the event loop of its first call.

    Every method raises a `StatusError` that tells the status of the answer.
    """

    def __init__(self, name: str, caller: Caller, objects: ReadableObjects) -> None:
        """Asks nothing yet.

        Args:
            name: For messages and reports: `Flyte 1 (flyte.example.com:443)`.
            caller: Calls it.
            objects: The store that its executions write to.
        """
        self.name = name
        self.caller = caller
        self.objects = objects

    # -- executions ---------------------------------------------------------------------------------------------------

    async def execution(self, identity: ExecutionId) -> execution_pb2.Execution:
        """An execution as it stands."""
        request = execution_pb2.WorkflowExecutionGetRequest(id=identity)
        return await self.caller.unary(f"{ADMIN}GetExecution", request, execution_pb2.Execution)

    async def execution_data(self, identity: ExecutionId) -> tuple[literals_pb2.LiteralMap, literals_pb2.LiteralMap]:
        """Its inputs and its outputs.

        Raises:
            ObjectError: They are to be fetched from a URL, and cannot be.
        """
        data = await self.caller.unary(
            f"{ADMIN}GetExecutionData",
            execution_pb2.WorkflowExecutionGetDataRequest(id=identity),
            execution_pb2.WorkflowExecutionGetDataResponse,
        )
        return await _values(data.full_inputs, data.inputs), await _values(data.full_outputs, data.outputs)

    async def executions(
        self, project: str, domain: str, filters: str, *, newest_first: bool = False
    ) -> AsyncIterator[execution_pb2.Execution]:
        """Executions in order of their creation.

        Args:
            project: Where.
            domain: Where.
            filters: In flyteadmin's own words: `eq(launch_plan.name,train)+eq(mode,1)`.
            newest_first: The latest first.
        """
        token = ""
        direction = common_pb2.Sort.DESCENDING if newest_first else common_pb2.Sort.ASCENDING
        while True:
            request = common_pb2.ResourceListRequest(
                id=common_pb2.NamedEntityIdentifier(project=project, domain=domain),
                limit=PAGE,
                token=token,
                filters=filters,
                sort_by=common_pb2.Sort(key="created_at", direction=direction),
            )
            page = await self.caller.unary(f"{ADMIN}ListExecutions", request, execution_pb2.ExecutionList)
            for execution in page.executions:
                yield execution
            token = page.token
            if not token or not page.executions:
                return

    async def create(self, request: execution_pb2.ExecutionCreateRequest) -> ExecutionId:
        """Starts an execution.

        Raises:
            AlreadyExists: There is one of its name.
        """
        answer = await self.caller.unary(f"{ADMIN}CreateExecution", request, execution_pb2.ExecutionCreateResponse)
        return answer.id

    async def relaunch(self, identity: ExecutionId, name: str, *, overwrite_cache: bool) -> ExecutionId:
        """Starts an execution again, with the same inputs."""
        request = execution_pb2.ExecutionRelaunchRequest(id=identity, name=name, overwrite_cache=overwrite_cache)
        answer = await self.caller.unary(f"{ADMIN}RelaunchExecution", request, execution_pb2.ExecutionCreateResponse)
        return answer.id

    # -- nodes --------------------------------------------------------------------------------------------------------

    async def nodes(self, identity: ExecutionId, parent: str = "") -> list[node_execution_pb2.NodeExecution]:
        """The nodes at the top of an execution, or those inside one of its nodes."""
        nodes: list[node_execution_pb2.NodeExecution] = []
        token = ""
        while True:
            request = node_execution_pb2.NodeExecutionListRequest(
                workflow_execution_id=identity, limit=PAGE, token=token, unique_parent_id=parent
            )
            page = await self.caller.unary(f"{ADMIN}ListNodeExecutions", request, node_execution_pb2.NodeExecutionList)
            nodes += page.node_executions
            token = page.token
            if not token or not page.node_executions:
                return nodes

    async def node(self, node: NodeId) -> node_execution_pb2.NodeExecution:
        """A node, its error whole."""
        request = node_execution_pb2.NodeExecutionGetRequest(id=node)
        return await self.caller.unary(f"{ADMIN}GetNodeExecution", request, node_execution_pb2.NodeExecution)

    async def node_data(self, node: NodeId) -> node_execution_pb2.NodeExecutionGetDataResponse:
        """What a node was given and gave, in full; of a dynamic one also the workflow that it ran."""
        request = node_execution_pb2.NodeExecutionGetDataRequest(id=node)
        data = await self.caller.unary(
            f"{ADMIN}GetNodeExecutionData", request, node_execution_pb2.NodeExecutionGetDataResponse
        )
        data.full_inputs.CopyFrom(await _values(data.full_inputs, data.inputs))
        data.full_outputs.CopyFrom(await _values(data.full_outputs, data.outputs))
        return data

    async def attempts(self, node: NodeId) -> list[task_execution_pb2.TaskExecution]:
        """The attempts of a task's node."""
        request = task_execution_pb2.TaskExecutionListRequest(node_execution_id=node, limit=PAGE)
        page = await self.caller.unary(f"{ADMIN}ListTaskExecutions", request, task_execution_pb2.TaskExecutionList)
        return list(page.task_executions)

    # -- what is registered -------------------------------------------------------------------------------------------

    async def workflow(self, identity: identifier_pb2.Identifier) -> workflow_pb2.Workflow:
        """A workflow with its compiled closure."""
        return await self.caller.unary(
            f"{ADMIN}GetWorkflow", common_pb2.ObjectGetRequest(id=identity), workflow_pb2.Workflow
        )

    async def launch_plan(self, identity: identifier_pb2.Identifier) -> launch_plan_pb2.LaunchPlan:
        """One version of a launch plan."""
        return await self.caller.unary(
            f"{ADMIN}GetLaunchPlan", common_pb2.ObjectGetRequest(id=identity), launch_plan_pb2.LaunchPlan
        )

    async def active_launch_plan(self, name: common_pb2.NamedEntityIdentifier) -> launch_plan_pb2.LaunchPlan:
        """The active version of a launch plan.

        Raises:
            NotFound: None is active.
        """
        request = launch_plan_pb2.ActiveLaunchPlanRequest(id=name)
        return await self.caller.unary(f"{ADMIN}GetActiveLaunchPlan", request, launch_plan_pb2.LaunchPlan)

    async def launch_plans(self, name: common_pb2.NamedEntityIdentifier) -> list[launch_plan_pb2.LaunchPlan]:
        """The latest versions of a launch plan, the newest first; of all in the domain when it has no name."""
        request = common_pb2.ResourceListRequest(
            id=name, limit=PAGE, sort_by=common_pb2.Sort(key="created_at", direction=common_pb2.Sort.DESCENDING)
        )
        page = await self.caller.unary(f"{ADMIN}ListLaunchPlans", request, launch_plan_pb2.LaunchPlanList)
        return list(page.launch_plans)

    # -- objects ------------------------------------------------------------------------------------------------------

    async def signed(self, uri: str) -> str:
        """A URL to GET an object from, which needs no credentials."""
        answer = await self.caller.unary(
            f"{DATA_PROXY}CreateDownloadLocation",
            dataproxy_pb2.CreateDownloadLocationRequest(native_url=uri),
            dataproxy_pb2.CreateDownloadLocationResponse,
        )
        return str(answer.signed_url)

    async def close(self) -> None:
        """Lets go of the connection."""
        await self.caller.close()


async def fetched(url: str, *, most: int | None = None) -> tuple[bytes, int]:
    """What a signed URL gives.

    Args:
        url: Of an object.
        most: Bytes to read; all if `None`.

    Returns:
        The bytes, and the size of the whole object.

    Raises:
        ObjectError: It cannot be read.
    """

    def get() -> tuple[bytes, int]:
        headers = {} if most is None else {"Range": f"bytes=0-{most - 1}"}
        with open_http(urllib.request.Request(url, headers=headers), 600) as answer:
            data = answer.read()
            whole = answer.headers.get("Content-Range", "").rpartition("/")[2]
            return data, int(whole) if whole.isdigit() else len(data)

    try:
        return await asyncio.to_thread(get)
    except urllib.error.HTTPError as error:
        if error.code == 416 and most is not None:  # an empty object has no first byte
            return b"", 0
        raise ObjectError(url.partition("?")[0], f"HTTP {error.code}: {error.reason}") from None
    except OSError as error:
        raise ObjectError(url.partition("?")[0], str(error)) from None


async def _values(full: literals_pb2.LiteralMap, described: common_pb2.UrlBlob) -> literals_pb2.LiteralMap:
    """Inputs or outputs: within the answer, or behind the URL that is given instead of large ones."""
    if full.literals or not described.url:
        return full
    data, _ = await fetched(described.url)
    return literals_pb2.LiteralMap.FromString(data)


def told(error: StatusError) -> str:
    """A failed call in one line."""
    return f"{error.code}: {' '.join(str(error).split())}"
