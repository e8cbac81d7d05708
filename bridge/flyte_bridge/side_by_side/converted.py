"""Flyte 2 where an execution is a run of the task that a workflow was converted to.

It is read as any other run by the façade; only starting one is Flyte 2's own way.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flyteidl.core import identifier_pb2, literals_pb2
from flyteidl2.common import identifier_pb2 as v2_identifier_pb2
from flyteidl2.task import run_pb2, task_definition_pb2

from flyte_bridge_translators.wire import literal

from ..backend.query import query
from ..errors import AlreadyExists, NotFound, UsageError
from ..registry.deployed import ORG
from .control_plane import ControlPlane

if TYPE_CHECKING:
    from flyteidl.admin import execution_pb2, launch_plan_pb2

    from ..backend.client import BackendClient


class ConvertedControlPlane(ControlPlane):
    """A control plane whose executions are started as runs of one task.

    Attributes:
        task: The task, with its version.
    """

    def __init__(
        self,
        plane: ControlPlane,
        client: BackendClient,
        task: task_definition_pb2.TaskIdentifier,
        source: ControlPlane,
    ) -> None:
        """Asks nothing yet.

        Args:
            plane: Reads the runs.
            client: Starts them.
            task: What the launch plan's workflow became.
            source: Knows the launch plan, whose defaults and fixed inputs the runs are given.
        """
        super().__init__(f"{plane.name}, converted", plane.caller, plane.objects)
        self.task = task
        self._client, self._source = client, source

    async def launch_plan(self, identity: identifier_pb2.Identifier) -> launch_plan_pb2.LaunchPlan:
        """The launch plan that is run, if it could be run."""
        return await self._source.launch_plan(identity)

    async def create(self, request: execution_pb2.ExecutionCreateRequest) -> identifier_pb2.WorkflowExecutionIdentifier:
        """Starts a run.

        Raises:
            AlreadyExists: There is one of its name.
        """
        run = v2_identifier_pb2.RunIdentifier(
            org=ORG, project=request.project, domain=request.domain, name=request.name
        )
        try:  # the real backend overwrites the inputs of a run that is there
            await self._client.get_run(run_id=run)
        except NotFound:
            pass
        else:
            raise AlreadyExists(f"run {request.name} is there already")
        inputs = await self._inputs(request)
        await self._client.create_run(
            run_id=run,
            task_id=self.task,
            inputs=literal.to_inputs(inputs),
            run_spec=run_pb2.RunSpec(overwrite_cache=request.spec.overwrite_cache),
        )
        return identifier_pb2.WorkflowExecutionIdentifier(
            project=request.project, domain=request.domain, name=request.name
        )

    async def _inputs(self, request: execution_pb2.ExecutionCreateRequest) -> literals_pb2.LiteralMap:
        """What flyteadmin would put together: the launch plan's defaults, what is given, what is fixed."""
        spec = (await self._source.launch_plan(request.spec.launch_plan)).spec
        inputs = literals_pb2.LiteralMap()
        for name, parameter in spec.default_inputs.parameters.items():
            if parameter.WhichOneof("behavior") == "default":
                inputs.literals[name].CopyFrom(parameter.default)
        for given in (request.inputs, spec.fixed_inputs):
            for name, value in given.literals.items():
                inputs.literals[name].CopyFrom(value)
        return inputs


async def find_task(
    client: BackendClient, project: str, domain: str, wanted: str
) -> task_definition_pb2.TaskIdentifier:
    """A task of Flyte 2 by `ENVIRONMENT.TASK` or `ENVIRONMENT.TASK@VERSION`; without a version the newest.

    Raises:
        UsageError: There is none.
    """
    name, _, version = wanted.partition("@")
    if not version:
        task_name = task_definition_pb2.TaskName(org=ORG, project=project, domain=domain, name=name)
        known = await client.list_versions(
            task_name=task_name, request=query(limit=1, sort="created_at", descending=True)
        )
        version = known.versions[0].version if known.versions else ""
    task = task_definition_pb2.TaskIdentifier(org=ORG, project=project, domain=domain, name=name, version=version)
    try:
        await client.get_task(task_id=task)
    except NotFound:
        raise UsageError(
            f"Flyte 2 has no task {wanted} in {project}/{domain}; deploy the conversion, or name it as `flyte get task` does"
        ) from None
    return task
