"""When Flyte 1's scheduler fires a launch plan, and what it calls the executions.

| schedule | fires |
|---|---|
| `cron_schedule` | as robfig/cron has it (`cron`): in the zone that the text names, else in the zone of flyteadmin's own process |
| `cron_schedule` with `@every …` and `rate` | at equal distances from a moment that only the scheduler knows: its grid |
| `cron_expression` | never: flyteadmin's own scheduler cannot be given one |

A local time that clocks skip does not fire that day, one that they repeat fires twice. Only cron schedules give their fire
time to `kickoff_time_input_arg`.

Sources: `flyteadmin/scheduler/core/gocron_scheduler.go`, `scheduler/executor/executor_impl.go`,
`scheduler/identifier/identifier.go` (v1.16.8); names and times were seen on a running one.
"""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

from flyteidl.admin import schedule_pb2

from flyte_bridge_translators import cron
from flyte_bridge_translators.wire.identifier import fnv1

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flyteidl.core import identifier_pb2

_UNITS = {
    schedule_pb2.MINUTE: timedelta(minutes=1),
    schedule_pb2.HOUR: timedelta(hours=1),
    schedule_pb2.DAY: timedelta(days=1),
}


class NoSchedule(ValueError):
    """Raised when a launch plan has no schedule that flyteadmin's scheduler follows; the message says why."""


def read(schedule: schedule_pb2.Schedule, zone: str = "UTC") -> cron.Cron | timedelta:
    """A schedule: its fire times, or the distance between two.

    Args:
        schedule: A launch plan's.
        zone: The zone of flyteadmin's process, which counts where the schedule names none.

    Raises:
        NoSchedule: There is none, or none that can be followed.
    """
    match schedule.WhichOneof("ScheduleExpression"):
        case "cron_schedule":
            text = schedule.cron_schedule.schedule.strip()
            try:
                return cron.parse(cron.ALIASES.get(text.lower(), text), zone)
            except cron.CronError as error:
                raise NoSchedule(str(error)) from None
        case "rate" if schedule.rate.value and schedule.rate.unit in _UNITS:
            return int(schedule.rate.value) * _UNITS[schedule.rate.unit]
        case "rate":
            raise NoSchedule("its fixed rate is 0, so it never fires")
        case "cron_expression" if schedule.cron_expression:
            raise NoSchedule(
                f"its schedule {schedule.cron_expression!r} is a cron_expression, which flyteadmin's own scheduler does not "
                "follow; register it with CronSchedule(schedule=…)"
            )
    raise NoSchedule("it has no schedule")


def between(
    schedule: cron.Cron | timedelta, start: datetime, end: datetime, *, grid: datetime | None = None
) -> Iterator[datetime]:
    """Fire times from `start` on and before `end`, in UTC.

    Args:
        schedule: As `read` has it.
        start: The first moment (aware).
        end: The first moment that is too late.
        grid: A fire time that is known, for schedules of equal distances; `start` if `None`.
    """
    if isinstance(schedule, timedelta):
        known = grid or start
        at = known - (known - start) // schedule * schedule
        while at < end:
            yield at.astimezone(timezone.utc)
            at += schedule
        return
    # `next` looks for what is later than a moment
    fire = schedule.next(start - timedelta(seconds=1))
    while fire is not None and fire < end:
        if fire >= start:
            yield fire
        fire = schedule.next(fire)


def kickoff_argument(schedule: schedule_pb2.Schedule) -> str:
    """The input that is given the fire time; empty if there is none. A fixed rate has none, whatever it says."""
    is_cron = schedule.WhichOneof("ScheduleExpression") == "cron_schedule"
    return str(schedule.kickoff_time_input_arg) if is_cron else ""


def execution_name(plan: identifier_pb2.Identifier, at: datetime, again: int = 0) -> str:
    """What flyteadmin's scheduler calls the execution of a fire time.

    Args:
        plan: The version of the launch plan: each version has names of its own.
        at: The fire time (aware); whole seconds count.
        again: 0 is the scheduler's own name, 1 to 999 are those of later tries.
    """
    text = f"{plan.project}:{plan.domain}:{plan.name}:{plan.version}:{int(at.timestamp())}"
    return f"f{fnv1(text.encode()).to_bytes(8, 'little').hex()}{again:03d}"


def trigger_run_name(project: str, domain: str, task: str, trigger: str, at: datetime) -> str:
    """What Flyte 2's scheduler calls the run of a trigger's fire time: no version counts, and nothing is padded.

    Source: `runs/scheduler/executor/trigger_executor.go`, `runName`.
    """
    utc = at.astimezone(timezone.utc)
    text = f"{project}:{domain}:{task}:{trigger}:{utc.year}:{utc.month}:{utc.day}:{utc.hour}:{utc.minute}:{utc.second}"
    return f"r{fnv1(text.encode()):x}"
