"""A launch plan's schedule on a flyteadmin and on Flyte 2, as a cut-over needs it."""

from __future__ import annotations

import asyncio
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from flyteidl.admin import common_pb2, execution_pb2, launch_plan_pb2
from flyteidl.core import identifier_pb2

from flyte_bridge_translators.fire_times import execution_name, kickoff_argument, trigger_run_name

from ..admin.schedules import begin_rate, trigger_of
from ..errors import AlreadyExists, NotFound, StatusError
from .control_plane import ADMIN, SCHEDULED, told

if TYPE_CHECKING:
    from ..backend.client import BackendClient
    from .control_plane import ControlPlane

REFUSALS = frozenset({"INVALID_ARGUMENT", "FAILED_PRECONDITION", "UNIMPLEMENTED", "RESOURCE_EXHAUSTED"})
"""Statuses of a start that a scheduler would be given, too."""


class Flyte1Side:
    """The schedule on a flyteadmin."""

    counts_from_activation = True

    def __init__(self, plane: ControlPlane, plan: launch_plan_pb2.LaunchPlan) -> None:
        """Asks nothing yet.

        Args:
            plane: The control plane.
            plan: The version that is handed over.
        """
        self.name = plane.name
        self.plane, self.plan = plane, plan

    async def active(self) -> str:
        """See `SchedulerSide`."""
        id_ = self.plan.id
        name = common_pb2.NamedEntityIdentifier(project=id_.project, domain=id_.domain, name=id_.name)
        try:
            return str((await self.plane.active_launch_plan(name)).id.version)
        except NotFound:
            return ""

    async def activate(self) -> None:
        """See `SchedulerSide`."""
        await self._set(launch_plan_pb2.ACTIVE)

    async def deactivate(self) -> datetime | None:
        """See `SchedulerSide`. flyteadmin notes when a launch plan was deactivated, by its clock."""
        await self._set(launch_plan_pb2.INACTIVE)
        known = await self.plane.launch_plan(self.plan.id)
        at: datetime = known.closure.updated_at.ToDatetime(tzinfo=timezone.utc)
        return at

    async def begin_rate(self, at: datetime) -> None:
        """See `SchedulerSide`. flyteadmin cannot be told."""

    async def has_fired(self, at: datetime) -> bool:
        """See `SchedulerSide`."""
        try:
            await self.plane.execution(self._identity(at))
        except NotFound:
            return False
        return True

    async def fire(self, at: datetime) -> str:
        """See `SchedulerSide`. Field by field what the scheduler sends."""
        identity = self._identity(at)
        spec = execution_pb2.ExecutionSpec(launch_plan=self.plan.id)
        spec.metadata.mode = SCHEDULED
        spec.metadata.scheduled_at.FromDatetime(at)
        request = execution_pb2.ExecutionCreateRequest(
            project=identity.project, domain=identity.domain, name=identity.name, spec=spec
        )
        request.inputs.SetInParent()
        argument = kickoff_argument(self.plan.spec.entity_metadata.schedule)
        if argument:
            request.inputs.literals[argument].scalar.primitive.datetime.FromDatetime(at)
        try:
            await self.plane.create(request)
        except AlreadyExists:
            return ""
        except StatusError as error:
            if error.code not in REFUSALS:
                raise
            return told(error)
        return ""

    async def last_fire(self) -> datetime | None:
        """See `SchedulerSide`."""
        last = await self.last_execution()
        return None if last is None else self._due(last)

    async def last_execution(self) -> execution_pb2.Execution | None:
        """The execution of the latest fire time."""
        filters = f"eq(launch_plan.name,{self.plan.id.name})+eq(mode,1)"
        latest: execution_pb2.Execution | None = None
        looked = 0
        async for execution in self.plane.executions(
            self.plan.id.project, self.plan.id.domain, filters, newest_first=True
        ):
            if latest is None or self._due(execution) > self._due(latest):
                latest = execution
            looked += 1
            if looked == _LOOKED_AT:  # what was run late, or again, is younger than what was due later
                break
        return latest

    def _due(self, execution: execution_pb2.Execution) -> datetime:
        metadata = execution.spec.metadata
        at = metadata.scheduled_at if metadata.HasField("scheduled_at") else execution.closure.created_at
        due: datetime = at.ToDatetime(tzinfo=timezone.utc).replace(microsecond=0)
        return due

    def _run_name(self, at: datetime) -> str:
        return execution_name(self.plan.id, at)

    def _identity(self, at: datetime) -> identifier_pb2.WorkflowExecutionIdentifier:
        id_ = self.plan.id
        return identifier_pb2.WorkflowExecutionIdentifier(
            project=id_.project, domain=id_.domain, name=self._run_name(at)
        )

    async def _set(self, state: launch_plan_pb2.LaunchPlanState) -> None:
        request = launch_plan_pb2.LaunchPlanUpdateRequest(id=self.plan.id, state=state)
        await self.plane.caller.unary(f"{ADMIN}UpdateLaunchPlan", request, launch_plan_pb2.LaunchPlanUpdateResponse)


_LOOKED_AT = 100
"""Executions among which the latest fire time is looked for."""


class Flyte2Side(Flyte1Side):
    """The schedule on Flyte 2: asked by Flyte 1's API, too; only where a fixed rate begins is told to the trigger."""

    counts_from_activation = False

    def __init__(self, plane: ControlPlane, plan: launch_plan_pb2.LaunchPlan, client: BackendClient) -> None:
        """Asks nothing yet.

        Args:
            plane: The control plane.
            plan: The version that is handed over.
            client: The same Flyte 2, by its own API.
        """
        super().__init__(plane, plan)
        self._client = client

    async def deactivate(self) -> datetime | None:
        """See `SchedulerSide`. Nothing tells Flyte 2's time."""
        await self._set(launch_plan_pb2.INACTIVE)
        return None

    async def begin_rate(self, at: datetime) -> None:
        """See `SchedulerSide`."""
        await begin_rate(self._client, self.plan, at)

    def _run_name(self, at: datetime) -> str:
        trigger = trigger_of(self.plan.id)
        return trigger_run_name(trigger.project, trigger.domain, trigger.task_name, trigger.name, at)


class WallClock:
    """The time of this machine."""

    def now(self) -> datetime:
        """See `Clock`."""
        return datetime.now(timezone.utc)

    async def until(self, moment: datetime) -> None:
        """See `Clock`."""
        while (left := (moment - self.now()).total_seconds()) > 0:
            await asyncio.sleep(min(left, 5.0))  # clocks are set, machines sleep
