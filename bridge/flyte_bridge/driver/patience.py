"""How long the driver waits for a Flyte 2 that is away: a server that restarts must not cost a run."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from flyte_bridge.backend.caller import Backoff
from flyte_bridge.errors import DeadlineExceeded, Unavailable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

T = TypeVar("T")

PATIENCE = 600.0
"""Seconds without one successful call after which the driver gives up; the backend then starts it anew."""


async def patient(call: Callable[[], Awaitable[T]]) -> T:
    """Make a call that may be made twice, again and again while nobody answers.

    Raises:
        StatusError: It was refused, or nobody answered for `PATIENCE` seconds.
    """
    backoff = Backoff(PATIENCE)
    while True:
        try:
            return await call()
        except (Unavailable, DeadlineExceeded):  # noqa: PERF203 - it is a loop of retries
            if not await backoff.pause():
                raise
