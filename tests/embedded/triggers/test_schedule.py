"""Automations are read into schedules, or refused by name."""

from __future__ import annotations

import time
from datetime import datetime, timedelta, timezone

import pytest
from flyteidl2.task import common_pb2 as pb
from google.protobuf.timestamp_pb2 import Timestamp

from flyte_bridge.backend.trigger_schedule import ScheduleError, UnsupportedAutomation, check, latest_due, read

NOW = datetime(2026, 6, 1, 12, 0, 0, 500_000, tzinfo=timezone.utc)


def rate(value: int, unit: pb.FixedRateUnit, start: datetime | None = None) -> pb.TriggerAutomationSpec:
    fixed = pb.FixedRate(value=value, unit=unit)
    if start is not None:
        fixed.start_time.FromDatetime(start)
    return pb.TriggerAutomationSpec(schedule=pb.Schedule(rate=fixed))


def cron(expression: str, zone: str = "") -> pb.TriggerAutomationSpec:
    return pb.TriggerAutomationSpec(schedule=pb.Schedule(cron=pb.Cron(expression=expression, timezone=zone)))


def due(automation: pb.TriggerAutomationSpec, after: datetime, hours: float) -> list[str]:
    schedule = read(automation, NOW)
    assert schedule is not None
    times, more = latest_due(schedule, after, after + timedelta(hours=hours), 100)
    assert not more
    return [f"{at:%H:%M:%S}" for at in times]


def test_a_trigger_without_schedule_never_fires_by_itself() -> None:
    """No automation, no schedule."""
    assert read(pb.TriggerAutomationSpec(type=pb.TYPE_NONE), NOW) is None


def test_a_fixed_rate_without_start_fires_one_period_after_it_began_to_count() -> None:
    """Every 30 minutes from 12:00 is 12:30, 13:00, …, in whole seconds."""
    assert due(rate(30, pb.FIXED_RATE_UNIT_MINUTE), NOW, 1.5) == ["12:30:00", "13:00:00", "13:30:00"]


def test_a_fixed_rate_with_start_fires_at_the_start_and_on_its_grid() -> None:
    """The start itself is a fire time when it is still to come; otherwise the grid it lies on counts."""
    assert due(rate(1, pb.FIXED_RATE_UNIT_HOUR, NOW + timedelta(minutes=10)), NOW, 2.5) == [
        "12:10:00",
        "13:10:00",
        "14:10:00",
    ]
    assert due(rate(1, pb.FIXED_RATE_UNIT_DAY, NOW - timedelta(days=3, minutes=5)), NOW, 24) == ["11:55:00"]


def test_both_forms_of_cron_are_read() -> None:
    """`cron` with its zone and the older `cron_expression` mean the same."""
    old = pb.TriggerAutomationSpec(schedule=pb.Schedule(cron_expression="0 15 * * *"))
    assert due(old, NOW, 4) == due(cron("0 11 * * *", "America/New_York"), NOW, 4) == ["15:00:00"]


@pytest.mark.parametrize(
    ("automation", "said"),
    [
        (cron("61 * * * *"), r"automation\.schedule\.cron: .*minute"),
        (cron("0 0 30 2 *"), "would never fire"),
        (rate(0, pb.FIXED_RATE_UNIT_DAY), "must be at least 1"),
        (rate(1, pb.FIXED_RATE_UNIT_UNSPECIFIED), "MINUTE, HOUR or DAY"),
        (rate(2**32 - 1, pb.FIXED_RATE_UNIT_DAY), "too long"),
        (pb.TriggerAutomationSpec(schedule=pb.Schedule()), "neither"),
    ],
)
def test_a_schedule_that_cannot_be_followed_is_refused(automation: pb.TriggerAutomationSpec, said: str) -> None:
    """What cannot fire is refused when it is deployed, with the field's name."""
    with pytest.raises(ScheduleError, match=said):
        check(automation, NOW)


def test_an_artifact_trigger_is_refused_by_name() -> None:
    """A trigger on artifacts would never fire here, and says so."""
    with pytest.raises(UnsupportedAutomation, match=r"automation\.artifact: this backend has no artifact service"):
        check(pb.TriggerAutomationSpec(artifact=pb.ArtifactTrigger(artifact_name="a")), NOW)


def test_a_start_time_beyond_the_calendar_is_refused() -> None:
    """A start time that no calendar has is an error of the request, not of ours."""
    bad = pb.FixedRate(value=1, unit=pb.FIXED_RATE_UNIT_DAY, start_time=Timestamp(seconds=10**15))
    with pytest.raises(ScheduleError):
        check(pb.TriggerAutomationSpec(schedule=pb.Schedule(rate=bad)), NOW)


def test_only_the_latest_of_many_missed_times_are_looked_for() -> None:
    """A year of a minutely cron gives its latest 100 times, without walking through half a million."""
    schedule = read(cron("* * * * *"), NOW)
    assert schedule is not None
    began = time.perf_counter()
    times, more = latest_due(schedule, NOW - timedelta(days=365), NOW, 100)
    assert time.perf_counter() - began < 2
    assert more
    assert len(times) == 100
    assert times[-1] == NOW.replace(microsecond=0)
    assert times[0] == times[-1] - timedelta(minutes=99)
