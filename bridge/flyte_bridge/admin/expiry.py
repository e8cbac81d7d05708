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


def checked(asked: Duration | None, said: str) -> timedelta:
    """How long a URL shall last.

    Args:
        asked: As the request has it; None for the default.
        said: What the refusal begins with.

    Raises:
        InvalidRequest: It is too long, or no time at all.
    """
    if asked is None:
        return LONGEST
    life: timedelta = asked.ToTimedelta()
    told = go_duration.text(asked.ToNanoseconds())
    if life > LONGEST:
        most = go_duration.of_seconds(LONGEST.total_seconds())
        raise InvalidRequest(
            f"{said} expiresIn is invalid. Error: input duration [{told}] cannot exceed max allowed expiration [{most}]"
        )
    if life <= timedelta():
        raise InvalidRequest(f"{said} expiresIn is invalid. Error: input duration [{told}] must be above 0")
    return life
