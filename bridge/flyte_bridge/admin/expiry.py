"""How long a signed URL lasts (`flyteadmin/dataproxy/service.go`, v1.16.8)."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from flyte_bridge.errors import InvalidRequest
from flyte_bridge_translators.wire import go_duration

if TYPE_CHECKING:
    from google.protobuf.duration_pb2 import Duration

LONGEST = timedelta(hours=1)
"""At most, and by default (flyteadmin's `maxExpiresIn`)."""


_MOST = 315_576_000_000
"""Seconds beyond which protobuf's `Duration` is none (`durationpb`)."""


def checked(asked: Duration | None, said: str) -> timedelta:
    """How long a URL to download from shall last.

    Args:
        asked: As the request has it; None for the default.
        said: What the refusal begins with.

    Raises:
        InvalidRequest: It is too long, or no time at all.
    """
    refused = f"{said} expiresIn is invalid. Error: input duration"
    if asked is None:
        return LONGEST
    if not _is_one(asked):
        raise InvalidRequest(f"{refused} [seconds:{asked.seconds} nanos:{asked.nanos}] is invalid")
    life: timedelta = asked.ToTimedelta()
    if life > LONGEST:
        raise InvalidRequest(f"{refused} [{_told(life)}] cannot exceed max allowed expiration [{_told(LONGEST)}]")
    if life < timedelta():
        raise InvalidRequest(f"{refused} [{_told(life)}] should not less than 0")
    if not life:
        raise InvalidRequest(f"{refused} [{_told(life)}] must be above 0")
    return life


def for_upload(asked: Duration | None) -> timedelta:
    """How long a URL to upload to shall last.

    Args:
        asked: As the request has it; None for the default.

    Raises:
        InvalidRequest: It is too long, or no time at all.
    """
    if asked is None:
        return LONGEST
    if not _is_one(asked):
        raise InvalidRequest(f"expiresIn [seconds:{asked.seconds} nanos:{asked.nanos}] is invalid")
    life: timedelta = asked.ToTimedelta()
    if life > LONGEST:
        raise InvalidRequest(f"expiresIn [{_told(life)}] cannot exceed max allowed expiration [{_told(LONGEST)}]")
    if life <= timedelta():
        raise InvalidRequest(f"expiresIn [{_told(life)}] must be above 0")
    return life


def _is_one(duration: Duration) -> bool:
    opposed = duration.seconds * duration.nanos < 0
    return abs(duration.seconds) <= _MOST and abs(duration.nanos) < 1_000_000_000 and not opposed


def _told(life: timedelta) -> str:
    return go_duration.of_seconds(life.total_seconds())
