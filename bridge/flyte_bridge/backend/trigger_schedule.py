"""When a trigger fires: its automation (`flyteidl2.task.TriggerAutomationSpec`), read into a schedule."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Protocol

from flyteidl2.task import common_pb2

from flyte_bridge_translators.cron import Cron, CronError, parse

if TYPE_CHECKING:
    from collections.abc import Iterator

UTC = timezone.utc

_UNITS = {
    common_pb2.FIXED_RATE_UNIT_MINUTE: timedelta(minutes=1),
    common_pb2.FIXED_RATE_UNIT_HOUR: timedelta(hours=1),
    common_pb2.FIXED_RATE_UNIT_DAY: timedelta(days=1),
}


class ScheduleError(ValueError):
    """Raised when an automation cannot be followed; the message says what is wrong with it."""


class UnsupportedAutomation(ScheduleError):
    """Raised when an automation is well-formed, but of a kind this backend does not have."""


class Schedule(Protocol):
    """A rule for fire times."""

    def next(self, after: datetime) -> datetime | None:
        """The first fire time later than `after` (aware), in UTC; `None` when there is none any more."""
        ...


@dataclass(frozen=True)
class Every:
    """A fixed rate: `start`, and each whole number of periods after it."""

    period: timedelta
    start: datetime

    def next(self, after: datetime) -> datetime | None:
        """As `Schedule.next`."""
        if after < self.start:
            return self.start
        return self.start + ((after - self.start) // self.period + 1) * self.period


def read(automation: common_pb2.TriggerAutomationSpec, since: datetime) -> Schedule | None:
    """The schedule of an automation.

    Args:
        automation: What the trigger was deployed with.
        since: Since when it counts (aware): a fixed rate without a start time fires first one period after.

    Returns:
        The schedule, or `None` for a trigger that is only fired by hand.

    Raises:
        UnsupportedAutomation: It waits for artifacts.
        ScheduleError: The cron expression, its zone, or the rate cannot be read.
    """
    if automation.HasField("artifact"):
        raise UnsupportedAutomation(
            "automation.artifact: this backend has no artifact service, so such a trigger would never fire; "
            "use a schedule, or start the run from the task that produces the artifact"
        )
    if not automation.HasField("schedule"):
        return None
    schedule = automation.schedule
    kind = schedule.WhichOneof("expression")
    if kind == "rate":
        return _fixed_rate(schedule.rate, since)
    if kind is None:
        raise ScheduleError("automation.schedule: neither a cron expression nor a rate is set")
    try:
        found = (
            parse(schedule.cron.expression, schedule.cron.timezone)
            if kind == "cron"
            else parse(schedule.cron_expression)
        )
    except CronError as error:
        raise ScheduleError(f"automation.schedule.{kind}: {error}") from error
    if isinstance(found, Cron):
        return found
    return _every(found, since + found)


def check(automation: common_pb2.TriggerAutomationSpec, now: datetime) -> None:
    """Refuse an automation that cannot be followed, or that would never fire.

    Raises:
        ScheduleError: As `read`, and for dates that never come (30 February).
    """
    schedule = read(automation, now)
    if schedule is not None and schedule.next(now) is None:
        raise ScheduleError("automation.schedule: no date in the next 50 years matches, so it would never fire")


def latest_due(schedule: Schedule, after: datetime, now: datetime, limit: int) -> tuple[list[datetime], bool]:
    """The fire times in `(after, now]`, at most the latest `limit` of them.

    Looks back from `now` through windows that double, so that a year of a minutely cron is not walked through.

    Returns:
        The times, oldest first, and whether older ones were left out.
    """
    window = timedelta(hours=1)
    while True:
        since = max(after, now - window)
        found = list(_fires(schedule, since, now))
        if len(found) > limit:
            return found[-limit:], True
        if since == after:
            return found, False
        window *= 2


def _fires(schedule: Schedule, after: datetime, until: datetime) -> Iterator[datetime]:
    at = schedule.next(after)
    while at is not None and at <= until:
        yield at
        at = schedule.next(at)


def _fixed_rate(rate: common_pb2.FixedRate, since: datetime) -> Every:
    if rate.unit not in _UNITS:
        raise ScheduleError("automation.schedule.rate.unit: must be MINUTE, HOUR or DAY")
    if rate.value == 0:
        raise ScheduleError("automation.schedule.rate.value: must be at least 1; zero would fire without end")
    try:
        period = rate.value * _UNITS[rate.unit]
        start = rate.start_time.ToDatetime(tzinfo=UTC) if rate.HasField("start_time") else since + period
    except (OverflowError, ValueError) as error:
        raise ScheduleError(f"automation.schedule.rate: {rate.value} of that unit is too long a period") from error
    return _every(period, start)


def _every(period: timedelta, start: datetime) -> Every:
    # Run names are made of whole seconds, as everything a schedule says.
    return Every(period, start.replace(microsecond=0))
