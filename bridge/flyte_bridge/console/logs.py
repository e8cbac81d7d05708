"""Logs of attempts, as a Flyte 2 streams them."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING

from flyte_bridge.console.source import action_id
from flyte_bridge.errors import StatusError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from flyte_bridge.backend.client import BackendClient
    from flyte_bridge.backend.keys import ActionKey

_FIRST, _QUIET, _ALL = 3.0, 0.5, 10.0
"""Seconds that a log's first words, its next ones and all of them are waited for: one that goes on has no end."""


class StreamedLogs:
    """Reads logs by TailLogs; see `source.LogReader`."""

    def __init__(self, backend: BackendClient) -> None:
        """Args:
        backend: The Flyte 2.
        """
        self._backend = backend

    async def tail(self, key: ActionKey, attempt: int, most: int) -> tuple[bytes, bool]:
        """See `LogReader`."""
        pieces: deque[bytes] = deque()
        size, cut = 0, False
        stream = self.whole(key, attempt)
        until = asyncio.get_running_loop().time() + _ALL
        try:
            patience = _FIRST
            while asyncio.get_running_loop().time() < until:
                piece = await asyncio.wait_for(anext(stream, None), patience)
                if piece is None:
                    break
                patience = _QUIET if piece or pieces else _FIRST
                pieces.append(piece)
                size += len(piece)
                while size - len(pieces[0]) > most:
                    size -= len(pieces.popleft())
                    cut = True
        except (StatusError, asyncio.TimeoutError):
            pass  # it goes on, or there is none: a cache hit, a condition, an attempt that still waits
        finally:
            await stream.aclose()  # type: ignore[attr-defined]
        told = b"".join(pieces)
        return told[-most:], cut or len(told) > most

    async def whole(self, key: ActionKey, attempt: int) -> AsyncIterator[bytes]:
        """See `LogReader`."""
        stream = self._backend.tail_logs(action_id=action_id(key), attempt=attempt)
        try:
            async for message in stream:
                yield "".join(line.message for logs in message.logs for line in logs.lines).encode()
        finally:
            await stream.aclose()  # type: ignore[attr-defined]
