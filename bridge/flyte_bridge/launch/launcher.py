"""From a `Launch` to a run of Flyte 2: what every start of an execution goes through.

Source: `flyteadmin/pkg/manager/impl/execution_manager.go` (`launchExecutionAndPrepareModel`), v1.16.8.
"""

from __future__ import annotations

import time
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Protocol, TypeVar

from flyteidl.admin import execution_pb2
from flyteidl2.common import identifier_pb2
from flyteidl2.common import run_pb2 as common_run_pb2
from flyteidl2.task import task_definition_pb2

from flyte_bridge.backend.query import query, where
from flyte_bridge.errors import AlreadyExists, FailedPrecondition, InvalidRequest, NotFound, Unimplemented
from flyte_bridge.launch import settings
from flyte_bridge.launch.concurrency import Concurrency
from flyte_bridge_translators.wire import execution, identifier, launch_plan, resources

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from flyteidl.admin import launch_plan_pb2
    from flyteidl.core import literals_pb2
    from flyteidl2.task import run_pb2
    from flyteidl2.workflow import run_service_pb2

    from flyte_bridge.backend.client import BackendClient
    from flyte_bridge.launch.platform_settings import PlatformReader, PlatformSettings
    from flyte_bridge.launch.request import Launch, Launched, Runnable

T = TypeVar("T")

_REPEATING = frozenset({common_run_pb2.RELATION_TYPE_RERUN, common_run_pb2.RELATION_TYPE_RECOVER})

OFFLOADED = 1024 * 1024
"""Bytes of inputs from which on they are uploaded before the run is created, not sent with it."""


class Calling(Protocol):
    """How a call of the backend is made: once, or again while nobody answers."""

    def __call__(self, call: Callable[[], Awaitable[T]]) -> Awaitable[T]: ...


def once(call: Callable[[], Awaitable[T]]) -> Awaitable[T]:
    """Makes a call that is its caller's to repeat."""
    return call()


NAME_HELD = timedelta(hours=1)
"""How long after its end the Go backend keeps what a run is called by (`executor/pkg/config`)."""


class Launcher:
    """Starts executions."""

    def __init__(
        self,
        backend: BackendClient,
        platform: PlatformReader,
        calling: Calling = once,
        *,
        one_space_of_names: bool = False,
    ) -> None:
        """Starts nothing yet.

        Args:
            backend: Where executions run.
            platform: Tells what holds for all of them.
            calling: How calls are made.
            one_space_of_names: Whether a run's name may be held by a run of another project or domain.
        """
        self._one_space_of_names = one_space_of_names
        self._backend = backend
        self._platform = platform
        self._calling = calling
        self._concurrency = Concurrency(backend)

    async def start(self, launch: Launch, *, own: bool = False, fresh: bool = False) -> None:
        """Start an execution.

        Args:
            launch: What.
            own: Whether an execution of that name is the one meant, which an earlier attempt has started.
            fresh: Whether there can be none of that name, so that nobody looks.

        Raises:
            AlreadyExists: There is one of that name.
            FailedPrecondition: A run of another project or domain holds the name: this one would be queued for ever.
            ConcurrencyLimit: Its launch plan allows no more at once.
            InvalidRequest: The inputs, or the cluster pool, are not what it takes.
            Unimplemented: It asks for what Flyte 2 has nothing for.
            FailedPrecondition: Attributes hold that Flyte 2 cannot follow.
        """
        run = identifier.run_of(launch.id, launch.org)
        if own and await self._exists(run):
            return
        request = await self._request(launch)
        async with self._concurrency.room(launch.target.plan, launch.org):
            # a real backend would answer with the run that is there, whose inputs it has overwritten: look first
            if not (own or fresh) and await self._exists(run):
                raise _taken()
            if self._one_space_of_names and not (own or fresh):
                await self._hold_name(run)
            try:
                await self._create(request)
            except AlreadyExists:
                if not own:
                    raise _taken() from None

    async def run_spec(self, target: Launched) -> run_pb2.RunSpec:
        """What the runs of a launch plan's schedule are told.

        Raises:
            InvalidRequest, Unimplemented, FailedPrecondition: As `start`.
        """
        spec = execution_pb2.ExecutionSpec(launch_plan=target.plan.id)
        spec.metadata.mode = execution_pb2.ExecutionMetadata.SCHEDULED
        where = target.plan.id
        platform = await self._platform.of(where.project, where.domain, target.plan.spec.workflow_id.name)
        told, effect = settings.effective(spec, target.settings, platform)
        try:
            return execution.run_spec(told, effect=effect)
        except execution.Unsupported as error:
            raise Unimplemented(str(error)) from None

    async def _request(self, launch: Launch) -> run_service_pb2.CreateRunRequest:
        target = launch.target
        try:
            inputs = _inputs(launch.inputs, target.plan)
            workflow = target.plan.spec.workflow_id
            platform = await self._calling(
                lambda: self._platform.of(launch.id.project, launch.id.domain, workflow.name)
            )
            told, effect = settings.effective(launch.spec, target.settings, platform, launch.parent)
            request = execution.to_run(
                project=launch.id.project,
                domain=launch.id.domain,
                name=launch.id.name,
                spec=told,
                task=await self._sized(target, platform),
                inputs=inputs,
                org=launch.org,
                effect=effect,
                facts=execution.ClosureFacts(workflow, time.time_ns()),
                given=sorted(launch.inputs.literals) if len(launch.inputs.literals) < len(inputs.literals) else None,
            )
            await self._only_to_runs(request.run_spec)
            return request
        except execution.Unsupported as error:
            raise Unimplemented(str(error)) from None
        except launch_plan.BadLaunchPlan as error:
            raise InvalidRequest(str(error)) from None

    async def _only_to_runs(self, spec: run_pb2.RunSpec) -> None:
        """Leaves out that a run repeats another of which there is only a record: Flyte 2 relates runs to runs."""
        if spec.relation.relation_type in _REPEATING and not await self._exists(spec.related_to):
            spec.ClearField("relation")
            spec.ClearField("related_to")

    async def _sized(self, target: Launched, platform: PlatformSettings) -> Runnable:
        """What runs: what is deployed, unless it is a single task to which attributes give other resources."""
        where, given = target.task, platform.task_resources
        if target.registered or given is None or isinstance(where, task_definition_pb2.TaskSpec):
            return where
        spec = (await self._calling(lambda: self._backend.get_task(task_id=where))).spec
        return spec if resources.assign(spec.task_template, given) else where

    async def _exists(self, run: identifier_pb2.RunIdentifier) -> bool:
        action = identifier_pb2.ActionIdentifier(run=run, name=identifier.ROOT)
        try:
            await self._calling(lambda: self._backend.get_action(action_id=action))
        except NotFound:
            return False
        return True

    async def _hold_name(self, run: identifier_pb2.RunIdentifier) -> None:
        """Hold that no run of another project or domain has the name on the cluster, or had it until a moment ago.

        The Go backend calls a run's resource by its name alone (`buildTaskActionName`), and collects it an hour after its end.
        """
        named = query(where("run_name", run.name), sort="created_at", descending=True)
        listed = (await self._calling(lambda: self._backend.list_runs(org=run.org, request=named))).runs
        for other in listed:
            where_it_is, status = other.action.id.run, other.action.status
            if (where_it_is.project, where_it_is.domain) == (run.project, run.domain):
                continue
            ended = status.end_time.ToDatetime(timezone.utc) if status.HasField("end_time") else None
            if ended is None or datetime.now(timezone.utc) - ended < NAME_HELD:
                raise FailedPrecondition(
                    f"the name {run.name!r} is held by a run of {where_it_is.project}/{where_it_is.domain}: on a cluster a run's "
                    f"name is taken in all projects and domains until {NAME_HELD.total_seconds() / 60:g} minutes after its end; "
                    "choose another name, or none"
                )

    async def _create(self, request: run_service_pb2.CreateRunRequest) -> None:
        task_id = request.task_id if request.HasField("task_id") else None
        task_spec = request.task_spec if request.HasField("task_spec") else None
        offloaded = None
        if request.inputs.ByteSize() >= OFFLOADED:
            offloaded = await self._calling(
                lambda: self._backend.upload_inputs(
                    inputs=request.inputs, run_id=request.run_id, task_id=task_id, task_spec=task_spec
                )
            )
        await self._calling(
            lambda: self._backend.create_run(
                run_id=request.run_id,
                task_id=task_id,
                task_spec=task_spec,
                inputs=request.inputs if offloaded is None else None,
                offloaded_inputs=offloaded,
                run_spec=request.run_spec,
                source=request.source,
            )
        )


def _inputs(given: literals_pb2.LiteralMap, plan: launch_plan_pb2.LaunchPlan) -> literals_pb2.LiteralMap:
    """All inputs of the run: those given and the defaults. What the launch plan fixes the driver adds.

    Raises:
        BadLaunchPlan: As flyteadmin finds them wrong.
    """
    result = launch_plan.execution_inputs(given, plan, plan.closure.expected_inputs)
    for name in plan.spec.fixed_inputs.literals:
        result.literals.pop(name, None)
    return result


def _taken() -> AlreadyExists:
    return AlreadyExists(
        'value with matching already exists (duplicate key value violates unique constraint "executions_pkey")'
    )
