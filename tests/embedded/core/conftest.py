"""A real backend on a real port, and the clients that speak to it."""

from __future__ import annotations

import asyncio
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

import admitted
from flyte_bridge.embedded.server import Backend, BackendOptions

from .client import Client

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterator
    from pathlib import Path

    from flyte_bridge.embedded_client.access import Access


@dataclass
class Running:
    """A backend in a thread of its own, as it is in a process of its own."""

    backend: Backend
    loop: asyncio.AbstractEventLoop

    @property
    def endpoint(self) -> str:
        """`host:port`."""
        return self.backend.endpoint

    @property
    def access(self) -> Access:
        """What opens it."""
        assert self.backend.access is not None
        return self.backend.access

    @property
    def sdk_url(self) -> str:
        """The URL that `flyte` is told."""
        return f"{self.backend.url}/{self.access.segment}"

    def call(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        """Runs a coroutine where the backend lives."""
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(30)

    def do(self, call: Any, *values: Any) -> Any:
        """Calls a function where the backend lives: its store knows one thread only."""

        async def run() -> Any:
            return call(*values)

        return self.call(run())


@contextmanager
def running(data_dir: Path, **options: Any) -> Iterator[Running]:
    """A backend on a directory, for as long as the block."""
    started = threading.Event()
    held: list[Any] = []

    async def serve() -> None:
        stop = asyncio.Event()
        try:
            backend = Backend(BackendOptions(data_dir, **{"warm": (), **options}))
            async with backend:
                held.extend([Running(backend, asyncio.get_running_loop()), stop])
                started.set()
                await stop.wait()
        except BaseException as error:
            held.append(error)
            raise
        finally:
            started.set()

    thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    assert started.wait(30)
    assert isinstance(held[0], Running), held[0]
    try:
        yield held[0]
    finally:
        held[0].loop.call_soon_threadsafe(held[1].set)
        thread.join(30)
        assert not thread.is_alive()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Running]:
    """A fresh backend."""
    with running(tmp_path / "data") as backend:
        yield backend


@pytest.fixture
def client(server: Running) -> Iterator[Client]:
    """gRPC stubs on it, as a Go or Rust client would have them."""
    with admitted.channel(server.endpoint, server.access) as channel:
        yield Client(channel)
