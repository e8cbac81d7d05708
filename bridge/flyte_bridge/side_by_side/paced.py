"""Calls at a limited rate, counted: a control plane that others work with is not to be flooded."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from ..backend.caller import repeatable
from .control_plane import DATA_PROXY

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from google.protobuf.message import Message

    from ..backend.caller import Caller, M


class Pace:
    """A moment for each of many calls, one after the other."""

    def __init__(self, rate: float) -> None:
        """Begins now.

        Args:
            rate: Calls in a second at most.
        """
        self._distance = 1 / rate
        self._next = 0.0

    async def turn(self) -> None:
        """Returns when it is the caller's turn."""
        now = time.monotonic()
        at = max(now, self._next)
        self._next = at + self._distance
        if at > now:
            await asyncio.sleep(at - now)


class PacedCaller:
    """Calls another caller, not more often than it may; see `backend.caller.Caller`.

    Attributes:
        pace: When the next call may be; whoever calls the same side in another way asks it, too.
        reads: Calls so far that changed nothing.
        writes: Those that may have.
    """

    def __init__(self, caller: Caller, rate: float) -> None:
        """Calls nothing yet.

        Args:
            caller: Does the calls.
            rate: Calls in a second at most.
        """
        self.reads = 0
        self.writes = 0
        self.pace = Pace(rate)
        self._caller = caller

    async def unary(self, method: str, request: Message, reply: type[M], *, timeout: float | None = None) -> M:
        """One request, one reply, when it is its turn."""
        await self.pace.turn()
        if repeatable(method) or method.startswith(DATA_PROXY):
            self.reads += 1
        else:
            self.writes += 1
        return await self._caller.unary(method, request, reply, timeout=timeout)

    def stream(
        self, method: str, request: Message, reply: type[M], *, timeout: float | None = None
    ) -> AsyncIterator[M]:
        """Streams are neither paced nor counted: Flyte 1 has none."""
        return self._caller.stream(method, request, reply, timeout=timeout)

    async def close(self) -> None:
        """Lets go of the connection."""
        await self._caller.close()
