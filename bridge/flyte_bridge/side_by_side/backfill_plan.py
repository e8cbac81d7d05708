"""What a backfill shall run: the launch plan's version, its fire times, and the sides."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from flyte_bridge_translators import fire_times

from ..errors import NotFound, UsageError
from .backfill import BackfillPlan
from .converted import ConvertedControlPlane
from .launch_plans import find

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flyteidl.admin import launch_plan_pb2

    from .control_plane import ControlPlane
    from .launch_plans import LaunchPlanName


@dataclass(frozen=True)
class Period:
    """A stretch of time: its first moment, and the first one behind it.

    Attributes:
        start: Aware.
        end: Aware.
        zone: The zone in which schedules without one are read: flyteadmin's.
    """

    start: datetime
    end: datetime
    zone: str = "UTC"

    @classmethod
    def read(cls, start: str, end: str, zone: str, now: datetime) -> Period:
        """A period as a user writes it: dates, or times in ISO 8601; without a zone of their own they are in `zone`.

        Raises:
            UsageError: They cannot be read, run backwards, or reach into the future.
        """
        try:
            own = ZoneInfo(zone)
        except (KeyError, ValueError, OSError):
            raise UsageError(
                f"--zone: {zone!r} is not in the IANA database; write one such as 'Europe/London'"
            ) from None
        first, last = _moment("--from", start, own), _moment("--to", end, own)
        if first >= last:
            raise UsageError(f"--from {start} is not before --to {end}: no time lies between")
        if last > now:
            raise UsageError(
                f"--to {end} lies in the future (it is {now.isoformat(timespec='seconds')} here): fire times to come are the "
                "scheduler's"
            )
        return cls(first, last, zone)


def _moment(option: str, text: str, zone: ZoneInfo) -> datetime:
    try:
        moment = datetime.fromisoformat(text.replace("Z", "+00:00"))  # Python 3.10 does not read the Z
    except ValueError:
        raise UsageError(f"{option}: {text!r} is no time; write 2024-01-31 or 2024-01-31T06:00+01:00") from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(timezone.utc)


async def plan_of(
    wanted: LaunchPlanName, period: Period, planes: Mapping[str, ControlPlane], grid: datetime | None = None
) -> BackfillPlan:
    """The plan.

    Args:
        wanted: The launch plan; its version is found on the first side.
        period: When.
        planes: Control planes by what they are called, the first side of comparisons first.
        grid: A fire time of an earlier call, on whose grid a fixed rate goes on; by default the last one that is known.

    Raises:
        UsageError: It is not there, not in this version on every side, has no schedule, or does not fire then.
        StatusError: A control plane fails.
    """
    first, *others = planes.values()
    plan = await find(first, wanted)
    for other in others:
        await _must_have(other, plan, first)
    schedule = plan.spec.entity_metadata.schedule
    try:
        read = fire_times.read(schedule, period.zone)
    except fire_times.NoSchedule as error:
        raise UsageError(f"launch plan {wanted.name}: {error}") from None
    if isinstance(read, timedelta) and grid is None:
        grid = await _last_fire(first, plan)
    times = tuple(fire_times.between(read, period.start, period.end, grid=grid))
    if not times:
        raise UsageError(
            f"launch plan {wanted.name} does not fire from {period.start.isoformat()} to {period.end.isoformat()}"
        )
    tasks = {
        side: f"{plane.task.name}@{plane.task.version}"
        for side, plane in planes.items()
        if isinstance(plane, ConvertedControlPlane)
    }
    return BackfillPlan(plan.id, times, fire_times.kickoff_argument(schedule), planes, tasks)


async def _must_have(plane: ControlPlane, plan: launch_plan_pb2.LaunchPlan, first: ControlPlane) -> None:
    try:
        await plane.launch_plan(plan.id)
    except NotFound:
        raise UsageError(
            f"{plane.name} has no version {plan.id.version!r} of launch plan {plan.id.name}, which {first.name} runs; "
            "register it there, or import it"
        ) from None


async def _last_fire(plane: ControlPlane, plan: launch_plan_pb2.LaunchPlan) -> datetime | None:
    """The last fire time that is known, on whose grid a fixed rate lies."""
    filters = f"eq(launch_plan.name,{plan.id.name})+eq(mode,1)"
    async for execution in plane.executions(plan.id.project, plan.id.domain, filters, newest_first=True):
        if execution.spec.metadata.HasField("scheduled_at"):
            at: datetime = execution.spec.metadata.scheduled_at.ToDatetime(tzinfo=timezone.utc)
            return at
    return None
