"""Time, injected: everything that waits or stamps asks a clock, so tests can turn the hands."""

from __future__ import annotations

import time
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Protocol

from google.protobuf.timestamp_pb2 import Timestamp

if TYPE_CHECKING:
    from flyte_bridge.embedded.model import Micros

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


class Clock(Protocol):
    """What the backend knows of time."""

    def now(self) -> Micros:
        """Microseconds since the Unix epoch, UTC."""
        ...


class SystemClock:
    """The machine's own clock."""

    def now(self) -> Micros:
        """Microseconds since the Unix epoch, UTC."""
        return time.time_ns() // 1000


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
