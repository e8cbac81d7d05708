"""Points in time as whole microseconds, and as Python, protobuf and RFC 3339 say them."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

from google.protobuf.timestamp_pb2 import Timestamp

from flyte_bridge.errors import InvalidRequest

Micros = int
"""A point in time: microseconds since the Unix epoch, UTC."""

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


def to_datetime(at: Micros) -> datetime:
    """`at` as an aware datetime in UTC."""
    return _EPOCH + timedelta(microseconds=at)


def from_datetime(at: datetime) -> Micros:
    """An aware datetime as microseconds since the epoch."""
    return (at - _EPOCH) // timedelta(microseconds=1)


def to_timestamp(at: Micros) -> Timestamp:
    """`at` as protobuf says it."""
    seconds, micros = divmod(at, 1_000_000)
    return Timestamp(seconds=seconds, nanos=micros * 1000)


def from_timestamp(at: Timestamp) -> Micros:
    """A protobuf timestamp, cut to microseconds."""
    return int(at.seconds) * 1_000_000 + int(at.nanos) // 1000


def parse_time(name: str, text: str) -> int:
    """An RFC 3339 time as microseconds.

    Raises:
        InvalidRequest: It is none.
    """
    try:
        # Python 3.10 reads neither a trailing Z nor more or fewer than 3 or 6 digits of a second's fraction
        at = datetime.fromisoformat(_pad_fraction(text.strip().replace("Z", "+00:00").replace("z", "+00:00")))
    except ValueError:
        raise InvalidRequest(f"{name!r} is compared with RFC 3339 times, not {text!r}") from None
    return from_datetime(at if at.tzinfo else at.replace(tzinfo=timezone.utc))


def _pad_fraction(text: str) -> str:
    head, dot, rest = text.partition(".")
    if not dot:
        return text
    digits = len(rest) - len(rest.lstrip("0123456789"))
    return f"{head}.{rest[:digits][:6].ljust(6, '0')}{rest[digits:]}"
