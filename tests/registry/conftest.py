"""A Flyte 2 for the registry's tests: the embedded one, in a thread of this process, called over gRPC."""

from __future__ import annotations

import asyncio
import threading
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

import admitted
from flyte_bridge import config
from flyte_bridge.backend.client import BackendClient
from flyte_bridge.backend.grpc import GrpcCaller
from flyte_bridge.embedded.server import Backend as Embedded
from flyte_bridge.embedded.server import BackendOptions
from flyte_bridge.registry import Registry

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    Use = Callable[[Callable[[Registry], Awaitable[Any]]], Any]

PATIENCE = 120


@pytest.fixture(scope="session")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Embedded]:
    """One per test process."""
    held: list[Any] = []
    started = threading.Event()

    async def serve() -> None:
        try:
            async with Embedded(BackendOptions(tmp_path_factory.mktemp("registry") / "data", warm=())) as backend:
                held.extend([backend, asyncio.get_running_loop(), asyncio.Event()])
                started.set()
                await held[2].wait()
        finally:
            started.set()

    thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    assert started.wait(PATIENCE)
    yield held[0]
    held[1].call_soon_threadsafe(held[2].set)
    thread.join(PATIENCE)


@pytest.fixture(scope="session")
def endpoint(embedded: Embedded) -> str:
    """Where it listens."""
    return embedded.endpoint


@pytest.fixture(scope="session")
def caller(embedded: Embedded) -> Callable[[], GrpcCaller]:
    """Makes callers that it lets in."""
    assert embedded.access is not None
    return partial(admitted.caller, embedded.endpoint, embedded.access)


@pytest.fixture
def use(caller: Callable[[], GrpcCaller]) -> Use:
    """Runs a coroutine with a fresh registry: nothing is in its caches."""

    def run(act: Callable[[Registry], Awaitable[Any]], **settings: Any) -> Any:
        async def main() -> Any:
            async with BackendClient(caller()) as backend:
                return await asyncio.wait_for(act(Registry(backend, config.load(**settings))), PATIENCE)

        return asyncio.run(main())

    return run
