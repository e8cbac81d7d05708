"""When Flyte 1's scheduler fires, and what its executions are called."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
from flyteidl.admin import schedule_pb2
from flyteidl.core import identifier_pb2

from flyte_bridge_translators import fire_times
from flyte_bridge_translators.wire.identifier import fnv1

UTC = timezone.utc


def cron(text: str, argument: str = "") -> schedule_pb2.Schedule:
    return schedule_pb2.Schedule(
        cron_schedule=schedule_pb2.CronSchedule(schedule=text), kickoff_time_input_arg=argument
    )


def rate(value: int, unit: int = schedule_pb2.MINUTE, argument: str = "") -> schedule_pb2.Schedule:
    return schedule_pb2.Schedule(rate=schedule_pb2.FixedRate(value=value, unit=unit), kickoff_time_input_arg=argument)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def fires(
    schedule: schedule_pb2.Schedule, start: str, end: str, zone: str = "UTC", grid: datetime | None = None
) -> list[str]:
    times = fire_times.between(fire_times.read(schedule, zone), at(start), at(end), grid=grid)
    return [f"{one:%m-%d %H:%M:%S}" for one in times]


@pytest.mark.parametrize(
    ("text", "hashed"),
    [("", 0xCBF29CE484222325), ("a", 0xAF63BD4C8601B7BE), ("foobar", 0x340D8765A4DDA9C2)],
)
def test_fnv1(text: str, hashed: int) -> None:
    """FNV-1 of 64 bits, as its authors' test vectors have it; FNV-1a would be another."""
    assert fnv1(text.encode()) == hashed


def test_the_schedulers_name() -> None:
    """`f`, the hash's bytes the lowest first, and three zeros: 20 characters, another one for each version and second."""
    plan = identifier_pb2.Identifier(project="p", domain="d", name="n", version="v")
    name = fire_times.execution_name(plan, at("2024-01-02T03:04:05"))
    number = fnv1(b"p:d:n:v:1704164645")
    assert name == f"f{int.from_bytes(number.to_bytes(8, 'little'), 'big'):016x}000"
    assert len(name) == 20
    assert fire_times.execution_name(plan, at("2024-01-02T03:04:05") + timedelta(milliseconds=900)) == name
    assert fire_times.execution_name(plan, at("2024-01-02T03:04:06")) != name
    plan.version = "w"
    assert fire_times.execution_name(plan, at("2024-01-02T03:04:05")) != name
    assert fire_times.execution_name(plan, at("2024-01-02T03:04:05"), again=7).endswith("007")


@pytest.mark.parametrize(
    ("schedule", "zone", "start", "end", "expected"),
    [
        (cron("0 6 * * *"), "UTC", "2024-01-01T06:00", "2024-01-03T06:00", ["01-01 06:00:00", "01-02 06:00:00"]),
        (cron("@daily"), "UTC", "2024-01-01", "2024-01-02T00:00:01", ["01-01 00:00:00", "01-02 00:00:00"]),
        (cron("daily"), "UTC", "2024-01-01", "2024-01-02", ["01-01 00:00:00"]),
        # the zone of flyteadmin's process counts where the text names none
        (cron("0 6 * * *"), "Europe/Berlin", "2024-01-01", "2024-01-02", ["01-01 05:00:00"]),
        (cron("CRON_TZ=Asia/Tokyo 0 6 * * *"), "Europe/Berlin", "2024-01-01", "2024-01-02", ["01-01 21:00:00"]),
        # 02:30 is skipped on 31 March, and comes twice on 27 October
        (cron("30 2 * * *"), "Europe/Berlin", "2024-03-30", "2024-04-01T12:00", ["03-30 01:30:00", "04-01 00:30:00"]),
        (cron("30 2 * * *"), "Europe/Berlin", "2024-10-27", "2024-10-28", ["10-27 00:30:00", "10-27 01:30:00"]),
        (rate(6, schedule_pb2.HOUR), "UTC", "2024-01-01T01:00", "2024-01-01T08:00", ["01-01 01:00:00", "01-01 07:00:00"]),
        (cron("@every 12h"), "UTC", "2024-01-01", "2024-01-02", ["01-01 00:00:00", "01-01 12:00:00"]),
    ],
)  # fmt: skip
def test_fire_times(schedule: schedule_pb2.Schedule, zone: str, start: str, end: str, expected: list[str]) -> None:
    """From the start on, before the end, in the zone that counts, over changes of clocks."""
    assert fires(schedule, start, end, zone) == expected


def test_a_grid_that_is_known() -> None:
    """A rate keeps the grid of a fire time that is known, whether that lies before, between or behind."""
    for known in ("2023-12-31T00:20:30", "2024-01-01T01:20:30", "2024-02-01T00:20:30"):
        assert fires(rate(1, schedule_pb2.HOUR), "2024-01-01", "2024-01-01T02:00", grid=at(known)) == [
            "01-01 00:20:30",
            "01-01 01:20:30",
        ]
    assert fires(rate(1), "2024-01-01", "2024-01-01T00:01", grid=at("2024-01-01")) == ["01-01 00:00:00"]


def test_the_kickoff_time() -> None:
    """Only cron gives its fire time to an input, as flyteadmin's scheduler does."""
    assert fire_times.kickoff_argument(cron("@daily", "at")) == "at"
    assert fire_times.kickoff_argument(rate(1, argument="at")) == ""


@pytest.mark.parametrize(
    ("schedule", "said"),
    [
        (schedule_pb2.Schedule(), "it has no schedule"),
        (rate(0), "its fixed rate is 0"),
        (
            schedule_pb2.Schedule(cron_expression="0 0 * * ? *"),
            "cron_expression, which flyteadmin's own scheduler does not",
        ),
        (cron("61 * * * *"), "minute '61'"),
        (cron(""), "is empty"),
    ],
)
def test_no_schedule(schedule: schedule_pb2.Schedule, said: str) -> None:
    """What never fires is told, with its reason."""
    with pytest.raises(fire_times.NoSchedule, match=said):
        fire_times.read(schedule)


def test_a_year_of_days() -> None:
    """A leap year of days in a zone that changes its clocks has 366 fire times."""

    assert len(fires(cron("0 6 * * *"), "2024-01-01", "2025-01-01", "Europe/Berlin")) == 366


def test_the_name_of_a_triggers_run() -> None:
    """Flyte 2's name: unpadded numbers in UTC, no version, no leading zeros in the hash."""
    at_local = datetime(2026, 12, 1, 5, 3, 0, tzinfo=timezone(timedelta(hours=2)))
    assert fire_times.trigger_run_name("p", "d", "t", "s", at_local) == f"r{fnv1(b'p:d:t:s:2026:12:1:3:3:0'):x}"
