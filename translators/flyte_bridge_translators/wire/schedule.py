"""Schedules of launch plans as the automation of a Flyte 2 trigger, and back.

| Flyte 1 | Flyte 2 |
|---|---|
| `cron_schedule.schedule`: five fields | the same, in the time zone it names (`CRON_TZ=…`), else in flyteadmin's own |
| an alias (`daily`, `@daily`, …) | its five fields |
| `@every 90m` | a fixed rate, whole minutes |
| `cron_expression`: AWS's six fields | five fields; a year, `L`, `W` and `#` are refused |
| `rate` | the same |
| `kickoff_time_input_arg` | the same |
| `cron_schedule.offset` | nothing: flyteadmin's scheduler does not read it either |

Sources: `flyteadmin/scheduler/core/gocron_scheduler.go` (v1.16.8), `flyteidl2/task/common.proto`.
"""

from __future__ import annotations

from datetime import timedelta

from flyteidl.admin import schedule_pb2
from flyteidl2.task import common_pb2

from flyte_bridge_translators import cron

UTC = "UTC"
_UNITS = {
    schedule_pb2.MINUTE: common_pb2.FIXED_RATE_UNIT_MINUTE,
    schedule_pb2.HOUR: common_pb2.FIXED_RATE_UNIT_HOUR,
    schedule_pb2.DAY: common_pb2.FIXED_RATE_UNIT_DAY,
}
_UNITS_BACK = {theirs: ours for ours, theirs in _UNITS.items()}
_MINUTE = timedelta(minutes=1)


class BadSchedule(ValueError):
    """Raised when a schedule cannot be followed; the message says why, and what to write instead."""


def to_automation(schedule: schedule_pb2.Schedule, zone: str = UTC) -> common_pb2.TriggerAutomationSpec | None:
    """The automation of a schedule; None when it says nothing, which flyteadmin takes for no schedule.

    Args:
        schedule: A launch plan's.
        zone: The zone of flyteadmin's process, which counts where the schedule names none.

    Raises:
        BadSchedule: Flyte 2 cannot follow it.
    """
    kind = schedule.WhichOneof("ScheduleExpression")
    spec = common_pb2.TriggerAutomationSpec(type=common_pb2.TYPE_SCHEDULE)
    if kind == "rate":
        _rate(schedule.rate, spec.schedule)
    elif kind == "cron_expression" and schedule.cron_expression:
        _cron(_standard(schedule.cron_expression), spec.schedule, UTC)
    elif kind == "cron_schedule":
        _cron(schedule.cron_schedule.schedule, spec.schedule, zone)
    else:
        return None
    spec.schedule.kickoff_time_input_arg = schedule.kickoff_time_input_arg
    return spec


def from_automation(spec: common_pb2.TriggerAutomationSpec) -> schedule_pb2.Schedule | None:
    """What Flyte 1 calls the automation of a trigger; None for one that is not scheduled.

    Raises:
        BadSchedule: It has no counterpart: a fixed rate that begins at a given time.
    """
    if spec.type != common_pb2.TYPE_SCHEDULE:
        return None
    schedule = schedule_pb2.Schedule(kickoff_time_input_arg=spec.schedule.kickoff_time_input_arg)
    kind = spec.schedule.WhichOneof("expression")
    if kind == "rate":
        rate = spec.schedule.rate
        if rate.HasField("start_time"):
            raise BadSchedule(f"a rate that begins at {rate.start_time.ToJsonString()} cannot be said in Flyte 1")
        if rate.unit not in _UNITS_BACK:
            raise BadSchedule(f"the rate has the unit {rate.unit}, which Flyte 1 does not have")
        schedule.rate.value, schedule.rate.unit = rate.value, _UNITS_BACK[rate.unit]
    elif kind == "cron":
        zone = spec.schedule.cron.timezone
        prefix = "" if zone in {"", UTC} else f"CRON_TZ={zone} "
        schedule.cron_schedule.schedule = prefix + spec.schedule.cron.expression
    elif kind == "cron_expression":
        schedule.cron_schedule.schedule = spec.schedule.cron_expression
    else:
        return None
    return schedule


def _rate(rate: schedule_pb2.FixedRate, schedule: common_pb2.Schedule) -> None:
    if rate.unit not in _UNITS:
        raise BadSchedule(f"unsupported unit {rate.unit} for fixed rate scheduling; use MINUTE, HOUR or DAY")
    if not rate.value:
        raise BadSchedule("the fixed rate is 0; write how many minutes, hours or days lie between two executions")
    schedule.rate.value, schedule.rate.unit = rate.value, _UNITS[rate.unit]


def _cron(text: str, schedule: common_pb2.Schedule, zone: str) -> None:
    expression = text.strip()
    if expression.startswith(("TZ=", "CRON_TZ=")):
        prefix, _, expression = expression.partition(" ")
        zone, expression = prefix.partition("=")[2] or UTC, expression.strip()
    expression = cron.ALIASES.get(expression.lower(), expression)
    try:
        read = cron.parse(expression, zone)
    except cron.CronError as error:
        raise BadSchedule(f"Invalid cron expression: {error}") from error
    if isinstance(read, timedelta):
        if read % _MINUTE:
            raise BadSchedule(
                f"Invalid cron expression: {expression!r} is no whole number of minutes, which is all Flyte 2 has"
            )
        schedule.rate.value, schedule.rate.unit = read // _MINUTE, common_pb2.FIXED_RATE_UNIT_MINUTE
        return
    schedule.cron.expression, schedule.cron.timezone = expression, zone


def _standard(expression: str) -> str:
    if len(expression.split()) != 6:
        return expression
    standard = cron.five_fields(expression)
    if standard is None:
        raise BadSchedule(
            f"Invalid cron expression: {expression!r} names a year or uses L, W or #, which Flyte 2 does not have; "
            "write a schedule of five fields"
        )
    return standard
