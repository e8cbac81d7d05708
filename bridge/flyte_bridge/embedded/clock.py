"""Time, injected: everything that waits or stamps asks a clock, so tests can turn the hands."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from flyte_bridge.backend.moments import Micros


class Clock(Protocol):
    """What the backend knows of time."""

    def now(self) -> Micros:
        """Microseconds since the Unix epoch, UTC."""
        ...


class SystemClock:
    """The machine's own clock, or one that is wrong by so much."""

    def __init__(self, ahead: float = 0.0) -> None:
        """Takes how many seconds it is ahead, for tests."""
        self._ahead = round(ahead * 1_000_000)

    def now(self) -> Micros:
        """Microseconds since the Unix epoch, UTC."""
        return time.time_ns() // 1000 + self._ahead
