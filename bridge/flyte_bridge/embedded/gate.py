"""How many of a run's tasks are at work at once: `RunSpec.max_action_concurrency`.

A task that waits for its children does not count, or a run of nested tasks would lock itself out.
"""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from flyte_bridge.backend.keys import ActionKey


class ConcurrencyGate:
    """Lets `limit` actions of a run through at once; 0 lets all."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._inside: set[ActionKey] = set()
        self._waiting: set[ActionKey] = set()
        self._queue: deque[tuple[ActionKey, asyncio.Future[None]]] = deque()

    @asynccontextmanager
    async def passed(self, key: ActionKey) -> AsyncIterator[None]:
        """Waits for its turn, and is inside for as long as the block."""
        if self._limit:
            await self._enter(key)
        try:
            yield
        finally:
            self._inside.discard(key)
            self._waiting.discard(key)
            self._admit()

    async def _enter(self, key: ActionKey) -> None:
        if len(self._inside) < self._limit and not self._queue:
            self._inside.add(key)
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queue.append((key, turn))
        try:
            await turn
        except asyncio.CancelledError:
            self._queue = deque(one for one in self._queue if one[1] is not turn)
            self._inside.discard(key)
            self._admit()
            raise

    def _admit(self) -> None:
        while self._queue and len(self._inside) < self._limit:
            key, turn = self._queue.popleft()
            if not turn.done():
                self._inside.add(key)
                turn.set_result(None)

    def wait(self, key: ActionKey, waiting: bool) -> None:
        """Notes that an action waits for its children and needs no place, or that it goes on, at once."""
        if waiting and key in self._inside:
            self._inside.discard(key)
            self._waiting.add(key)
            self._admit()
        elif not waiting and key in self._waiting:
            self._waiting.discard(key)
            self._inside.add(key)
