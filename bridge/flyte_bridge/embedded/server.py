"""The backend as one object: its parts, wired; and hypercorn in front of them on one port."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING

from flyteidl2.project import project_service_pb2
from flyteidl2.trigger import trigger_service_pb2
from hypercorn.asyncio import serve as hypercorn_serve
from hypercorn.config import Config as HypercornConfig

from .app import Dispatcher
from .clock import Clock, SystemClock
from .ledger import Ledger
from .registry import Projects, Tasks
from .rpc import ServiceApplication
from .services.project import ProjectService
from .services.trigger import TriggerService
from .store import Store
from .triggers.repository import TriggerRepository
from .watch import Hub

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from google.protobuf.descriptor import ServiceDescriptor

_log = logging.getLogger("flyte_bridge.embedded.server")


@dataclass(frozen=True)
class Options:
    """How to run a backend.

    Attributes:
        data_dir: Where everything lies; made if it is not there.
    """

    data_dir: Path


class Backend:
    """A Flyte 2 in this process.

    `async with Backend(options) as backend:` serves until the block ends.

    Attributes:
        store, hub, ledger, projects, tasks: The state.
        app: What answers requests.
        host, port: What is listened on, once started. Not `localhost`: the SDK's image builder treats that specially.
    """

    def __init__(self, options: Options, clock: Clock | None = None) -> None:
        """Opens the data directory. Nothing listens yet.

        Raises:
            StoreError: The database is damaged, newer than this version, or cannot be written.
        """
        self.options = options
        self.clock = clock or SystemClock()
        options.data_dir.mkdir(parents=True, exist_ok=True)
        self.store = Store(options.data_dir / "flyte.db", self.clock)
        self.hub = Hub()
        self.ledger = Ledger(self.store, self.hub)
        self.projects = Projects(self.store)
        self.tasks = Tasks(self.store, self.ledger)
        self.triggers = TriggerRepository(self.store)
        self.app = Dispatcher()
        self.host, self.port = "127.0.0.1", 0
        self._stop = asyncio.Event()
        self._serving: asyncio.Task[None] | None = None
        self._wire()

    @property
    def endpoint(self) -> str:
        """`host:port`, as the SDK's `--endpoint` wants it."""
        return f"{self.host}:{self.port}"

    @property
    def url(self) -> str:
        """`http://host:port`."""
        return f"http://{self.endpoint}"

    def _wire(self) -> None:
        for descriptor, implementation in self._services():
            self.app.mount(descriptor.full_name, ServiceApplication(descriptor, implementation))

    def _services(self) -> list[tuple[ServiceDescriptor, object | None]]:
        # TODO(core): Scheduler(self.triggers, run_service.create_run, read_inputs, self.clock); its wake goes below
        triggers = TriggerService(self.triggers, self.tasks, self.clock, wake=lambda: None)
        return [
            (project_service_pb2.DESCRIPTOR.services_by_name["ProjectService"], ProjectService(self.projects)),
            (trigger_service_pb2.DESCRIPTOR.services_by_name["TriggerService"], triggers),
        ]

    # -- life ---------------------------------------------------------------------------------------------------------

    async def start(self, listener: socket.socket | None = None) -> None:
        """Takes up what an earlier process left open, and serves.

        Args:
            listener: A bound socket, the backend's from now on; one on a free port of 127.0.0.1 is made without.
        """
        self.projects.seed()
        listener = listener or socket.create_server(("127.0.0.1", 0))
        self.host, self.port = listener.getsockname()[:2]
        self._serving = asyncio.create_task(
            hypercorn_serve(self.app, _hypercorn(listener), shutdown_trigger=self._stop.wait)  # type: ignore[arg-type]
        )

    async def wait(self) -> None:
        """Waits until the server ends; raises what ended it."""
        if self._serving is not None:
            await asyncio.shield(self._serving)

    async def stop(self) -> None:
        """Ends all streams, stops listening, closes the store."""
        self._stop.set()
        if self._serving is not None:
            try:
                await self._serving
            except Exception:
                # hypercorn reports here what went wrong on single connections while it was ending them
                _log.debug("while stopping", exc_info=True)
        self.store.close()

    async def __aenter__(self) -> Backend:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()


async def serve(data_dir: Path, listener: socket.socket, announce: Callable[[], None]) -> None:
    """Runs a backend until SIGTERM or SIGINT: the body of `flyte-bridge up`.

    Args:
        data_dir: Where everything lies; the caller holds its lock.
        listener: Bound; the backend closes it.
        announce: Called once requests are answered.

    Raises:
        StoreError: The database is damaged, newer than this version, or cannot be written.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    backend = Backend(Options(data_dir))
    await backend.start(listener)
    announce()
    asked = asyncio.ensure_future(stop.wait())
    broken = asyncio.ensure_future(backend.wait())
    await asyncio.wait({asked, broken}, return_when=asyncio.FIRST_COMPLETED)
    asked.cancel()
    await backend.stop()
    await broken


def _hypercorn(listener: socket.socket) -> HypercornConfig:
    config = HypercornConfig()
    config.bind = [f"fd://{listener.detach()}"]
    config.backlog = 1024
    config.accesslog = None
    config.errorlog = logging.getLogger("flyte_bridge.embedded.http")
    config.graceful_timeout = 0.5  # watchers never end by themselves; clients reconnect
    config.shutdown_timeout = 1
    config.keep_alive_timeout = 300  # pooled connections of waiting tasks stay usable
    config.keep_alive_max_requests = 10_000_000  # the default of 1000 cuts busy clients off in the middle
    config.h2_max_concurrent_streams = 10_000  # one gRPC channel holds all of a client's watches
    with contextlib.suppress(AttributeError):
        config.include_server_header = False
    return config
