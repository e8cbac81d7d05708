"""The console over this backend. It is made with the first request for it, as the façade is."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from flyte_bridge.console.login import OpenDoor
from flyte_bridge.embedded.console_login import Login
from flyte_bridge.errors import NotFound

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from flyte_bridge.backend.keys import ActionKey, TriggerKey
    from flyte_bridge.console.login import Doorkeeper
    from flyte_bridge.console.site import Console
    from flyte_bridge.embedded.layout import Layout
    from flyte_bridge.embedded.server import Backend

_PIECE = 256 * 1024
"""Bytes of a file that are held at a time."""


class ConsoleApplication:
    """The console as an ASGI application."""

    def __init__(self, backend: Backend) -> None:
        """Imports no more than a login takes: it is to know since when it takes them.

        Args:
            backend: Whose port this is.
        """
        self._backend = backend
        access = backend.access
        self._door: Doorkeeper = OpenDoor() if access is None else Login(access, backend.admission.has_token)
        self._console: Console | None = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Handles one request."""
        if self._console is None:
            facade = await self._backend.facade.facade()
            await asyncio.to_thread(_import)
            from flyte_bridge.console.site import Console

            backend = self._backend
            self._console = self._console or Console(
                facade,
                LogFiles(backend.layout),
                self._door,
                comparer=backend.options.comparer,
                last_error=self._last_error,
                now=backend.clock.now,
            )
        await self._console(scope, receive, send)

    def _last_error(self, key: TriggerKey) -> str:
        return self._backend.triggers.get(key).last_error


class LogFiles:
    """Reads logs where attempts write them; see `console.source.LogReader`."""

    def __init__(self, layout: Layout) -> None:
        """Args:
        layout: Of the data directory.
        """
        self._layout = layout

    async def tail(self, key: ActionKey, attempt: int, most: int) -> tuple[bytes, bool]:
        """See `LogReader`."""
        try:
            with self._layout.log(key, attempt).open("rb") as file:
                size = file.seek(0, 2)
                file.seek(max(0, size - most))
                return file.read(), size > most
        except OSError:
            return b"", False  # no process, no log: a cache hit, a condition, an attempt that still waits

    async def whole(self, key: ActionKey, attempt: int) -> AsyncIterator[bytes]:
        """See `LogReader`."""
        path = self._layout.log(key, attempt)
        if not path.is_file():
            raise NotFound(f"Attempt {attempt} of action {key.run}/{key.name} has no log.")
        with path.open("rb") as file:
            while piece := await asyncio.to_thread(file.read, _PIECE):
                yield piece


def _import() -> None:
    """Everything that making a console imports."""
    from flyte_bridge.console import site  # noqa: F401
