"""A façade behind a real port, for tests."""

from __future__ import annotations

import asyncio
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from flyte_bridge.remote.server import Address, Server

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def served(facade: Any, address: Address | None = None) -> Iterator[Server]:
    """Serves a façade from a thread until the block ends."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:

        async def start() -> Server:
            server = Server(facade, address or Address())
            await server.start()
            return server

        server = asyncio.run_coroutine_threadsafe(start(), loop).result(60)
        yield server
        asyncio.run_coroutine_threadsafe(server.stop(1), loop).result(60)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(60)
        loop.close()
