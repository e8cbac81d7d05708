"""Cron expressions: as both Flytes read them (five fields, descriptors, a time zone), and what else Flyte 1's users write.

flyteadmin and Flyte 2 hand the text to Go's robfig/cron (`ParseStandard`), so that grammar is the law here: names of months
and weekdays, `?` as `*`, `N/step` as `N-max/step`, Sunday is 0 and never 7, a day matches when *either* day field does
unless one of them is starred, and `*/2` does not count as starred. The grammar is checked and expanded here; walking
the calendar is croniter's job. Times that clocks skip do not fire and times that clocks repeat fire twice, which is
what robfig does too.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from functools import cache
from typing import TYPE_CHECKING, NamedTuple
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from croniter import croniter

UTC = timezone.utc

_CLOCK_CHANGE = timedelta(hours=3)
"""More than any clock is ever put forward or back at once (two hours, at the Troll station)."""


class CronError(ValueError):
    """Raised when a cron expression or its time zone cannot be read; the message names the part that is wrong."""


class _Field(NamedTuple):
    name: str
    low: int
    high: int
    names: tuple[str, ...] = ()


_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")

_FIELDS = (
    _Field("minute", 0, 59),
    _Field("hour", 0, 23),
    _Field("day of month", 1, 31),
    _Field("month", 1, 12, _MONTHS),
    _Field("day of week", 0, 6, _WEEKDAYS),
)

_DESCRIPTORS = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}

ALIASES: Mapping[str, str] = {
    spelling: expression
    for spellings, expression in (
        (("hourly", "hours", "@hourly"), "0 * * * *"),
        (("daily", "days", "@daily"), "0 0 * * *"),
        (("weekly", "weeks", "@weekly"), "0 0 * * 0"),
        (("monthly", "months", "@monthly"), "0 0 1 * *"),
        (("annually", "@annually", "yearly", "years", "@yearly"), "0 0 1 1 *"),
    )
    for spelling in spellings
}
"""flytekit's names for schedules (`CronSchedule._VALID_CRON_ALIASES`), case ignored."""

_DURATION_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_DURATION = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h)")


@dataclass(frozen=True)
class Cron:
    """A cron expression that was read and found good.

    Attributes:
        expression: The expression with every range written out, for croniter.
        zone: The zone whose wall clock the fields speak of.
    """

    expression: str
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))

    def next(self, after: datetime) -> datetime | None:
        """The first fire time later than `after` (aware), in UTC; `None` when there is none in 50 years."""
        from croniter import croniter  # the converter reads expressions too, and is to start without it

        wall = after.astimezone(self.zone).replace(tzinfo=None)
        walls = croniter(self.expression, wall)
        candidate = _advance(walls)
        if candidate is None:
            return None
        instants = self._instants(candidate)
        if len(instants) == 1 and len(self._instants(wall)) == 1 and self._offset(after) == self._offset(instants[0]):
            return instants[0]
        return self._next_near_clock_change(after, wall)

    def _next_near_clock_change(self, after: datetime, wall: datetime) -> datetime | None:
        from croniter import croniter

        # Wall times do not follow one another as instants do here: start early, look far enough, take the earliest.
        walls = croniter(self.expression, wall - _CLOCK_CHANGE)
        best: datetime | None = None
        while (candidate := _advance(walls)) is not None:
            later = [instant for instant in self._instants(candidate) if instant > after]
            best = min([*later, best] if best else later, default=None)
            if best and candidate > best.astimezone(self.zone).replace(tzinfo=None) + _CLOCK_CHANGE:
                break
        return best

    def _offset(self, instant: datetime) -> timedelta | None:
        return instant.astimezone(self.zone).utcoffset()

    def _instants(self, wall: datetime) -> list[datetime]:
        """The instants at which the zone's clock shows `wall`: none when it is skipped, two when it is repeated."""
        found: list[datetime] = []
        for fold in (0, 1):
            instant = wall.replace(tzinfo=self.zone, fold=fold).astimezone(UTC)
            if instant.astimezone(self.zone).replace(tzinfo=None) == wall and instant not in found:
                found.append(instant)
        return found


def parse(expression: str, zone: str = "") -> Cron | timedelta:
    """Read a cron expression.

    Args:
        expression: Five fields or a descriptor (`@daily`, `@every 90m`), with an optional `CRON_TZ=Zone ` before it.
        zone: An IANA zone that holds when the expression brings none; empty means UTC.

    Returns:
        The expression, or the period when it is `@every …` (whole seconds, at least one, as robfig rounds it).

    Raises:
        CronError: When either cannot be read.
    """
    text = expression.strip()
    if text.startswith(("TZ=", "CRON_TZ=")):
        prefix, _, text = text.partition(" ")
        zone = prefix.partition("=")[2]
        text = text.strip()
    if not text:
        raise CronError(f"cron expression {expression!r} is empty; write five fields, such as '0 9 * * 1-5'")
    tz = _zone(zone or "UTC")
    if text.startswith("@every "):
        return _every(text.removeprefix("@every ").strip())
    if text.startswith("@"):
        if text not in _DESCRIPTORS:
            known = ", ".join(_DESCRIPTORS)
            raise CronError(f"cron descriptor {text!r} is not known; use one of {known} or '@every 1h30m'")
        text = _DESCRIPTORS[text]
    return Cron(_canonical(text), tz)


def five_fields(expression: str) -> str | None:
    """An AWS expression (minute hour day month weekday year) as a standard one; None when it has no such form.

    AWS counts weekdays from 1 (Sunday), cron from 0.
    """
    fields = expression.split()
    if len(fields) != 6 or fields[5] not in {"*", "?"}:
        return None
    minute, hour, day, month, weekday, _ = ("*" if part == "?" else part for part in fields)
    if re.search(r"[LW#]", day.upper()) or re.search(r"#|L$|\dL", weekday.upper()):
        return None
    weekday = re.sub(r"(?<![/\d])\d(?!\d)", lambda found: str(int(found.group()) - 1), weekday)
    return f"{minute} {hour} {day} {month} {weekday}"


@cache
def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise CronError(f"time zone {name!r} is not in the IANA database; write one such as 'Europe/London'") from error


def _advance(walls: croniter) -> datetime | None:
    from croniter import CroniterBadDateError

    try:
        found = walls.get_next(datetime)
    except CroniterBadDateError:
        return None
    assert isinstance(found, datetime)
    return found


def _every(text: str) -> timedelta:
    parts = _DURATION.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise CronError(f"'@every {text}' has no duration such as '90m' or '1h30m'")
    seconds = sum(float(number) * _DURATION_UNITS[unit] for number, unit in parts)
    return timedelta(seconds=max(1, int(seconds)))


def _canonical(text: str) -> str:
    columns = text.split()
    if len(columns) != len(_FIELDS):
        hint = " (AWS writes six, with a year: drop the year)" if len(columns) == len(_FIELDS) + 1 else ""
        raise CronError(f"cron expression {text!r} has {len(columns)} fields, not five{hint}")
    expanded = [_expand(column, spec, text) for column, spec in zip(columns, _FIELDS, strict=True)]
    for day, spec in ((2, _FIELDS[2]), (4, _FIELDS[4])):
        if not expanded[day].starred and len(expanded[day].values) == spec.high - spec.low + 1:
            # `1-31` is every day but not a star: either day field may match, so every day does.
            expanded[2] = expanded[4] = _Values(frozenset(), starred=True)
    # One `*/2` (not starred) leaves robfig with "either matches", which is croniter's rule for two lists too.
    return " ".join("*" if one.starred else ",".join(map(str, sorted(one.values))) for one in expanded)


class _Values(NamedTuple):
    values: frozenset[int]
    starred: bool


def _expand(column: str, spec: _Field, text: str) -> _Values:
    values: set[int] = set()
    starred = False
    for part in (piece for piece in column.split(",") if piece):
        span, _, step_text = part.partition("/")
        low_text, dash, high_text = span.partition("-")
        step = _number(step_text, (), spec, text) if "/" in part else 1
        if step == 0:
            raise CronError(f"{spec.name} {part!r} in {text!r} has a step of zero")
        if low_text in {"*", "?"} and not dash:
            low, high = spec.low, spec.high
            starred = starred or step == 1
        else:
            low = _number(low_text, spec.names, spec, text)
            high = _number(high_text, spec.names, spec, text) if dash else spec.high if "/" in part else low
        if not spec.low <= low <= high <= spec.high:
            raise CronError(f"{spec.name} {part!r} in {text!r} is outside {spec.low} to {spec.high}, or runs backwards")
        values.update(range(low, high + 1, step))
    if not values:
        raise CronError(f"{spec.name} {column!r} in {text!r} names no value")
    return _Values(frozenset(values), starred)


def _number(text: str, names: tuple[str, ...], spec: _Field, expression: str) -> int:
    if text.lower() in names:
        return names.index(text.lower()) + spec.low
    if not (text.isascii() and text.isdigit()):
        raise CronError(f"{spec.name} {text!r} in {expression!r} is not a number" + (" or a name" if names else ""))
    return int(text)
