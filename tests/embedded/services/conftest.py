"""A backend in this process behind a real port, and the generated clients of its services."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from flyteidl2.dataproxy.dataproxy_service_connect import DataProxyServiceClientSync
from flyteidl2.imagebuilder.service_connect import ImageServiceClientSync
from flyteidl2.secret.secret_connect import SecretServiceClientSync
from flyteidl2.task.task_service_connect import TaskServiceClientSync
from flyteidl2.workflow.run_service_connect import RunServiceClientSync

from flyte_bridge.embedded.server import Backend, BackendOptions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

PROJECT, DOMAIN = "flytesnacks", "development"


@dataclass
class HandClock:
    """A clock whose hands the test turns."""

    at: int = 1_800_000_000_000_000

    def now(self) -> int:
        return self.at


@dataclass
class Running:
    """A backend, its loop and its clients."""

    backend: Backend
    loop: asyncio.AbstractEventLoop

    def __post_init__(self) -> None:
        assert self.backend.access is not None
        url = f"{self.backend.url}/{self.backend.access.segment}"
        self.data = DataProxyServiceClientSync(url)
        self.images = ImageServiceClientSync(url)
        self.secrets = SecretServiceClientSync(url)
        self.tasks = TaskServiceClientSync(url)
        self.runs = RunServiceClientSync(url)

    def do(self, work: Callable[[], Any]) -> Any:
        """Call something on the backend's own thread, where its store may be used."""

        async def call() -> Any:
            return work()

        return asyncio.run_coroutine_threadsafe(call(), self.loop).result()


def _serve(data_dir: Path, clock: HandClock | None) -> Iterator[Running]:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    async def start() -> Backend:
        backend = Backend(BackendOptions(data_dir, warm=()), clock)
        await backend.start()
        return backend

    async def stop(backend: Backend) -> None:
        await backend.stop()
        await loop.shutdown_default_executor()

    backend = asyncio.run_coroutine_threadsafe(start(), loop).result()
    try:
        yield Running(backend, loop)
    finally:
        asyncio.run_coroutine_threadsafe(stop(backend), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    """A backend of its own."""
    yield from _serve(tmp_path / "data", None)


@pytest.fixture
def clock() -> HandClock:
    """The hands of `timed`'s clock."""
    return HandClock()


@pytest.fixture
def timed(tmp_path: Path, clock: HandClock) -> Iterator[Running]:
    """A backend whose time the test turns."""
    yield from _serve(tmp_path / "data", clock)
