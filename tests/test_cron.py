"""Cron expressions mean what Go's robfig/cron `ParseStandard` says, which is what the real backend uses."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flyte_bridge_translators.cron import Cron, CronError, parse

UTC = timezone.utc


def fires(expression: str, zone: str, after: str, count: int) -> list[str]:
    """The next fire times, as `month-day hour:minute` in UTC."""
    cron = parse(expression, zone)
    assert isinstance(cron, Cron)
    at: datetime | None = datetime.fromisoformat(after).replace(tzinfo=UTC)
    found = []
    for _ in range(count):
        assert at is not None
        at = cron.next(at)
        assert at is not None
        assert at.tzinfo is UTC
        found.append(f"{at:%m-%d %H:%M}")
    return found


@pytest.mark.parametrize(
    ("expression", "zone", "after", "expected"),
    [
        ("0 9 * * *", "", "2026-03-01T00:00", ["03-01 09:00", "03-02 09:00"]),
        ("0 9 * * *", "Asia/Tokyo", "2026-03-01T00:00", ["03-02 00:00", "03-03 00:00"]),
        ("CRON_TZ=Asia/Tokyo 0 9 * * *", "", "2026-03-01T00:00", ["03-02 00:00"]),
        ("TZ=Asia/Tokyo 0 9 * * *", "Europe/Paris", "2026-03-01T00:00", ["03-02 00:00"]),
        ("5/20 0 ? JAN,jul *", "", "2026-03-01T00:00", ["07-01 00:05", "07-01 00:25", "07-01 00:45", "07-02 00:05"]),
        ("10-30/10 * * * *", "", "2026-03-01T00:00", ["03-01 00:10", "03-01 00:20", "03-01 00:30", "03-01 01:10"]),
        ("0 0 * * MON-fri", "", "2026-03-06T12:00", ["03-09 00:00", "03-10 00:00"]),
        ("@weekly", "", "2026-03-02T00:00", ["03-08 00:00", "03-15 00:00"]),
        ("@yearly", "", "2026-03-02T00:00", ["01-01 00:00"]),
        ("@hourly", "Asia/Kolkata", "2026-03-02T00:00", ["03-02 00:30", "03-02 01:30"]),
    ],
)
def test_fields_names_descriptors_and_zones(expression: str, zone: str, after: str, expected: list[str]) -> None:
    """Five fields, names, `?`, steps, descriptors and zone prefixes are read as robfig reads them."""
    assert fires(expression, zone, after, len(expected)) == expected


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("0 0 13 * 5", ["11-06 00:00", "11-13 00:00", "11-20 00:00"]),  # Fridays, and the 13th
        ("0 0 1-31 * 1", ["11-02 00:00", "11-03 00:00", "11-04 00:00"]),  # every day, though not a star
        ("0 0 */2 * 1", ["11-02 00:00", "11-03 00:00", "11-05 00:00"]),  # a stepped star is none
        ("0 0 * * 1", ["11-02 00:00", "11-09 00:00", "11-16 00:00"]),
        ("0 0 13 * *", ["11-13 00:00", "12-13 00:00", "01-13 00:00"]),
    ],
)
def test_either_day_field_matches_unless_one_is_starred(expression: str, expected: list[str]) -> None:
    """A day matches when day of month *or* day of week does; a star in one leaves the other alone to decide."""
    assert fires(expression, "UTC", "2026-11-01T05:00", 3) == expected


def test_a_skipped_hour_does_not_fire() -> None:
    """02:30 does not exist in New York on 8 March 2026, so nothing fires on that day."""
    assert fires("30 2 * * *", "America/New_York", "2026-03-07T00:00", 2) == ["03-07 07:30", "03-09 06:30"]


def test_a_repeated_hour_fires_twice() -> None:
    """01:30 comes twice in New York on 1 November 2026, and fires twice."""
    found = fires("30 1 * * *", "America/New_York", "2026-10-31T06:00", 3)
    assert found == ["11-01 05:30", "11-01 06:30", "11-02 06:30"]


def test_every_half_hour_is_even_while_clocks_change() -> None:
    """Half-hourly fire times stay half an hour apart over both clock changes."""
    for after in ("2026-11-01T04:40", "2026-03-08T05:40"):
        cron = parse("*/30 * * * *", "America/New_York")
        assert isinstance(cron, Cron)
        at = datetime.fromisoformat(after).replace(tzinfo=UTC)
        for _ in range(10):
            following = cron.next(at)
            assert following is not None
            assert following - at <= timedelta(minutes=30)
            at = following


@settings(deadline=None)  # a busy machine is no defect
@given(
    st.datetimes(datetime(2024, 1, 1), datetime(2028, 1, 1), timezones=st.just(UTC)),
    st.sampled_from(["*/7 * * * *", "0 3 * * *", "30 1,2 * * 0", "15 */5 1-7 * *"]),
    st.sampled_from(["UTC", "Europe/London", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu"]),
)
def test_next_is_later_matches_and_skips_nothing(after: datetime, expression: str, zone: str) -> None:
    """The next fire time is later, shows a matching wall clock, and no minute between would have matched."""
    cron = parse(expression, zone)
    assert isinstance(cron, Cron)
    found = cron.next(after)
    assert found is not None
    assert found > after
    # Asking again from a second before gives the same: nothing lies between.
    assert cron.next(found - timedelta(seconds=1)) == found
    middle = after + (found - after) / 2
    assert cron.next(middle) == found


def test_every_is_a_period() -> None:
    """`@every` is a period in whole seconds, one at least."""
    assert parse("@every 1h30m") == timedelta(minutes=90)
    assert parse("@every 1.5s") == timedelta(seconds=1)
    assert parse("@every 10ms") == timedelta(seconds=1)


@pytest.mark.parametrize(
    ("expression", "zone", "said"),
    [
        ("", "", "is empty"),
        ("* * * *", "", "4 fields, not five"),
        ("0 9 * * ? *", "", "AWS writes six"),
        ("60 * * * *", "", "minute '60'"),
        ("0 0 * * 7", "", "day of week '7'"),
        ("0 0 0 * *", "", "day of month '0'"),
        ("*/0 * * * *", "", "step of zero"),
        ("30-10 * * * *", "", "runs backwards"),
        ("a * * * *", "", "minute 'a'"),
        ("0 0 * foo *", "", "month 'foo'"),
        ("0 0 L * *", "", "day of month 'L'"),
        ("H * * * *", "", "minute 'H'"),
        ("٣ * * * *", "", "is not a number"),
        ("@reboot", "", "@hourly"),
        ("@every soon", "", "no duration"),
        ("0 9 * * *", "Europe/Nowhere", "'Europe/Nowhere' is not in the IANA database"),
        ("CRON_TZ=../../etc/passwd 0 9 * * *", "", "IANA database"),
    ],
)
def test_what_robfig_refuses_is_refused_with_the_part_that_is_wrong(expression: str, zone: str, said: str) -> None:
    """A cron expression that robfig refuses is refused, and the message names the part."""
    with pytest.raises(CronError, match=said.replace("?", r"\?").replace("*", r"\*")):
        parse(expression, zone)


def test_a_date_that_never_comes_has_no_next() -> None:
    """30 February has no next fire time, and finding that out ends."""
    cron = parse("0 0 30 2 *")
    assert isinstance(cron, Cron)
    assert cron.next(datetime(2026, 1, 1, tzinfo=UTC)) is None
