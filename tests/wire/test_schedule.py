"""Schedules of launch plans as automations of triggers."""

from __future__ import annotations

import pytest
from flyteidl.admin import schedule_pb2
from flyteidl2.task import common_pb2
from google.protobuf.timestamp_pb2 import Timestamp

from flyte_bridge_translators.wire import schedule
from flyte_bridge_translators.wire.schedule import BadSchedule


def _cron(text: str, **more: str) -> schedule_pb2.Schedule:
    return schedule_pb2.Schedule(cron_schedule=schedule_pb2.CronSchedule(schedule=text, **more))


@pytest.mark.parametrize(
    ("text", "expression", "zone"),
    [
        ("0 9 * * 1-5", "0 9 * * 1-5", "UTC"),
        ("daily", "0 0 * * *", "UTC"),
        ("@Weekly", "0 0 * * 0", "UTC"),
        ("@midnight", "@midnight", "UTC"),
        ("CRON_TZ=Europe/Berlin 30 6 * * *", "30 6 * * *", "Europe/Berlin"),
        ("TZ=America/New_York hourly", "0 * * * *", "America/New_York"),
    ],
)
def test_cron_schedules(text: str, expression: str, zone: str) -> None:
    """Five fields and aliases, in the zone they name or else in UTC, which is where flyteadmin runs."""
    automation = schedule.to_automation(_cron(text))
    assert automation is not None
    assert automation.type == common_pb2.TYPE_SCHEDULE
    assert (automation.schedule.cron.expression, automation.schedule.cron.timezone) == (expression, zone)


@pytest.mark.parametrize(
    ("aws", "expression"),
    [
        ("0 10 * * ? *", "0 10 * * *"),
        ("15 12 ? * 2-6 *", "15 12 * * 1-5"),
        ("0/15 8-17 ? * MON-FRI *", "0/15 8-17 * * MON-FRI"),
        ("0 9 * * 1", "0 9 * * 1"),
    ],
)
def test_aws_expressions(aws: str, expression: str) -> None:
    """Six fields become five; AWS counts Sunday as 1; five fields are what they are."""
    automation = schedule.to_automation(schedule_pb2.Schedule(cron_expression=aws))
    assert automation is not None
    assert automation.schedule.cron.expression == expression


def test_rates() -> None:
    """Minutes, hours and days as they are, `@every` in minutes."""
    hours = schedule_pb2.Schedule(
        rate=schedule_pb2.FixedRate(value=3, unit=schedule_pb2.HOUR), kickoff_time_input_arg="at"
    )
    automation = schedule.to_automation(hours)
    assert automation is not None
    assert (automation.schedule.rate.value, automation.schedule.rate.unit) == (3, common_pb2.FIXED_RATE_UNIT_HOUR)
    assert automation.schedule.kickoff_time_input_arg == "at"
    every = schedule.to_automation(_cron("@every 1h30m"))
    assert every is not None
    assert (every.schedule.rate.value, every.schedule.rate.unit) == (90, common_pb2.FIXED_RATE_UNIT_MINUTE)


def test_a_schedule_without_a_zone_is_in_that_of_flyteadmins_process() -> None:
    """A zone that it names goes first; AWS's expressions are in UTC."""

    def zone(given: schedule_pb2.Schedule) -> str:
        automation = schedule.to_automation(given, "Europe/Berlin")
        assert automation is not None
        return str(automation.schedule.cron.timezone)

    assert zone(_cron("0 9 * * *")) == "Europe/Berlin"
    assert zone(_cron("CRON_TZ=Asia/Tokyo 0 9 * * *")) == "Asia/Tokyo"
    assert zone(schedule_pb2.Schedule(cron_expression="0 9 ? * * *")) == "UTC"


def test_an_offset_shifts_nothing() -> None:
    """Flyte 1's scheduler does not read it either."""
    automation = schedule.to_automation(_cron("0 9 * * *", offset="PT30M"))
    assert automation is not None
    assert automation.schedule.cron.expression == "0 9 * * *"


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (_cron("0 9 * *"), "Invalid cron expression.*4 fields"),
        (_cron("0 9 * * * *"), "6 fields"),
        (_cron("0 9 * * 7"), "day of week"),
        (_cron("CRON_TZ=Mars/Olympus 0 9 * * *"), "Mars/Olympus"),
        (_cron("@every 90s"), "whole number of minutes"),
        (_cron(""), "empty"),
        (schedule_pb2.Schedule(cron_expression="0 9 L * ? *"), "L, W or #"),
        (schedule_pb2.Schedule(cron_expression="0 9 1 1 ? 2027"), "year"),
        (schedule_pb2.Schedule(rate=schedule_pb2.FixedRate(value=0)), "rate is 0"),
        (schedule_pb2.Schedule(rate=schedule_pb2.FixedRate(value=1, unit=9)), "unsupported unit 9"),
    ],
)
def test_what_cannot_be_followed_is_refused(given: schedule_pb2.Schedule, says: str) -> None:
    """With what is wrong."""
    with pytest.raises(BadSchedule, match=says):
        schedule.to_automation(given)


def test_nothing_is_no_schedule() -> None:
    """As flyteadmin takes it."""
    assert schedule.to_automation(schedule_pb2.Schedule()) is None
    assert schedule.to_automation(schedule_pb2.Schedule(kickoff_time_input_arg="at")) is None


@pytest.mark.parametrize(
    "given",
    [
        _cron("0 9 * * 1-5"),
        _cron("CRON_TZ=Europe/Berlin 30 6 * * *"),
        schedule_pb2.Schedule(rate=schedule_pb2.FixedRate(value=2, unit=schedule_pb2.DAY), kickoff_time_input_arg="at"),
    ],
)
def test_there_and_back(given: schedule_pb2.Schedule) -> None:
    """An automation says what the schedule said."""
    automation = schedule.to_automation(given)
    assert automation is not None
    assert schedule.from_automation(automation) == given


def test_back_from_what_flyte_2_has() -> None:
    """No schedule is none; what Flyte 1 cannot say is refused."""
    assert schedule.from_automation(common_pb2.TriggerAutomationSpec(type=common_pb2.TYPE_ARTIFACT)) is None
    spec = common_pb2.TriggerAutomationSpec(type=common_pb2.TYPE_SCHEDULE)
    assert schedule.from_automation(spec) is None
    spec.schedule.cron_expression = "0 1 * * *"
    again = schedule.from_automation(spec)
    assert again is not None
    assert again.cron_schedule.schedule == "0 1 * * *"
    spec.schedule.rate.CopyFrom(
        common_pb2.FixedRate(value=1, unit=common_pb2.FIXED_RATE_UNIT_DAY, start_time=Timestamp(seconds=60))
    )
    with pytest.raises(BadSchedule, match="1970-01-01T00:01:00Z"):
        schedule.from_automation(spec)
    spec.schedule.rate.CopyFrom(common_pb2.FixedRate(value=1))
    with pytest.raises(BadSchedule, match="unit 0"):
        schedule.from_automation(spec)
