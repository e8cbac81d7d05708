"""The backend as one object: its parts, wired; and hypercorn in front of them on one port."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import socket
from dataclasses import dataclass, field
from email.utils import format_datetime
from typing import TYPE_CHECKING, Any

from flyteidl2.task import common_pb2
from hypercorn.config import Config as HypercornConfig

from flyte_bridge.backend.moments import to_datetime
from flyte_bridge.embedded import oauth
from flyte_bridge.embedded.admission import Admission
from flyte_bridge.embedded.app import Dispatcher, proves_itself
from flyte_bridge.embedded.attempt_loop import Parts
from flyte_bridge.embedded.behaviour import Behaviour
from flyte_bridge.embedded.cache import Cache
from flyte_bridge.embedded.cached_results import Memo
from flyte_bridge.embedded.clock import Clock, SystemClock
from flyte_bridge.embedded.console_app import ConsoleApplication
from flyte_bridge.embedded.engine import Engine
from flyte_bridge.embedded.enqueue import Intake
from flyte_bridge.embedded.executor import Executor, ExecutorOptions
from flyte_bridge.embedded.executor.environment import backend as task_environment
from flyte_bridge.embedded.facade import FacadeApplication
from flyte_bridge.embedded.go_like import POLL, GoLike
from flyte_bridge.embedded.http_server import HttpServer
from flyte_bridge.embedded.inputs import inputs_file
from flyte_bridge.embedded.layout import Layout
from flyte_bridge.embedded.ledger import Ledger
from flyte_bridge.embedded.local import LocalCaller
from flyte_bridge.embedded.objects import ObjectStore, S3App, SignedApp, Signer, Verifier
from flyte_bridge.embedded.objects.signed import SEGMENT as SIGNED
from flyte_bridge.embedded.registry import Projects, Tasks
from flyte_bridge.embedded.rpc import ServiceApplication
from flyte_bridge.embedded.secret_injection import SecretInjector
from flyte_bridge.embedded.secret_store import SecretStore
from flyte_bridge.embedded.services import catalogue
from flyte_bridge.embedded.services.identity import local_user
from flyte_bridge.embedded.services.settings import SettingsLevels
from flyte_bridge.embedded.store import Store
from flyte_bridge.embedded.triggers.launch_plan import LaunchPlanTriggers
from flyte_bridge.embedded.triggers.repository import TriggerRepository
from flyte_bridge.embedded.triggers.scheduler import Scheduler
from flyte_bridge.embedded.watch import Hub
from flyte_bridge.embedded_client import access

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from flyteidl2.workflow import run_service_pb2

    from flyte_bridge.backend.keys import ActionKey
    from flyte_bridge.console.compare_page import Comparer

_GRACE = 0.5
"""Seconds that requests under way have to end when the backend stops; watches are told at once."""

_READ_HERE = ("FLYTE_BRIDGE_TASK_", "FLYTE_BRIDGE_EMBEDDED_", "FLYTE_BRIDGE_HOSTS", "FLYTE_BRIDGE_REQUIRE_TOKEN")
"""How the names of the settings begin that a backend reads when it starts."""

_log = logging.getLogger("flyte_bridge.embedded.server")


@dataclass(frozen=True)
class BackendOptions:
    """How to run a backend.

    Attributes:
        data_dir: Where everything lies; made if it is not there.
        executor: How to run tasks.
        warm: The forkservers to start with the server rather than with the first task: `flyte`, `flytekit`.
        go_like: Behave as the Go backend does where it differs, for tests; None for this backend's own way.
        require_token: Whether clients need the installation's token; without, whoever reaches the port runs code here.
        hosts: Names under which clients may know this server, besides those of loopback.
        comparer: Compares two runs for the console.
        ahead: Seconds by which its clock is ahead of the machine's, for tests.
    """

    data_dir: Path
    executor: ExecutorOptions = field(default_factory=ExecutorOptions)
    warm: tuple[str, ...] = ("flyte",)
    go_like: GoLike | None = None
    require_token: bool = True
    hosts: tuple[str, ...] = ()
    comparer: Comparer | None = None
    ahead: float = 0.0


class Backend:
    """A Flyte 2 in this process.

    `async with Backend(options) as backend:` serves until the block ends.

    Attributes:
        store, hub, ledger, projects, tasks, triggers, cache, settings, objects, secrets: The state.
        engine, executor, scheduler: What works on it.
        access: What opens it; `None` where nothing has to.
        app: What answers requests.
        caller: Calls the services in this process, without the port.
        facade: Flyte 1's control plane over it, on the same port.
        host, port: What is listened on, once started. Not `localhost`: the SDK's image builder treats that specially.
    """

    def __init__(self, options: BackendOptions, clock: Clock | None = None) -> None:
        """Opens the data directory. Nothing listens yet.

        Raises:
            StoreError: The database is damaged, newer than this version, or cannot be written.
        """
        self.options = options
        self.clock = clock or SystemClock(options.ahead)
        options.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.layout = Layout(options.data_dir.resolve())
        self.store = Store(self.layout.database, self.clock)
        self.hub = Hub()
        self.ledger = Ledger(self.store, self.hub)
        self.projects = Projects(self.store)
        self.tasks = Tasks(self.store, self.ledger)
        self.triggers = TriggerRepository(self.store)
        self.cache = Cache(self.store)
        self.settings = SettingsLevels(self.store)
        self.objects = ObjectStore(self.layout.objects)
        self.signer = Signer(self.objects)
        self.secrets = SecretStore(self.layout.secrets, self.clock)
        self.injector = SecretInjector(self.secrets, self.layout.secrets / "mounts")
        self.executor = Executor(self.objects, self.layout.data_dir / "logs", options.executor, clock=self.clock)
        self.intake = Intake(
            self.ledger,
            self.projects,
            self.tasks,
            self.objects,
            self.objects.uri("runs"),
            self.clock,
            triggers=self.triggers,
            settings=self.settings,
        )
        self.behaviour = Behaviour() if options.go_like is None else _go_behaviour(self, options.go_like)
        parts = Parts(
            ledger=self.ledger,
            objects=self.objects,
            executor=self.executor,
            memo=Memo(self.cache, self.objects, self.clock),
            layout=self.layout,
            clock=self.clock,
            secrets=self.injector.environment,
            console=self.console_url,
            behaviour=self.behaviour,
        )
        self.engine = Engine(parts, self.intake, self.hub)
        poll = 0.0 if options.go_like is None else POLL
        self.scheduler = Scheduler(self.triggers, self._fire, self._read_inputs, self.clock, poll=poll)
        self.access = access.ensure(self.layout.data_dir) if options.require_token else None
        self.admission = Admission(self.access, options.hosts)
        self.app = Dispatcher(self.admission)
        self.host, self.port = "127.0.0.1", 0
        self._stop = asyncio.Event()
        self._serving: asyncio.Task[None] | None = None
        self._sweeping: asyncio.Task[None] | None = None
        self._wire()

    @property
    def endpoint(self) -> str:
        """`host:port`, as the SDK's `--endpoint` wants it."""
        return f"{self.host}:{self.port}"

    @property
    def url(self) -> str:
        """`http://host:port`."""
        return f"http://{self.endpoint}"

    def console_url(self, key: ActionKey, attempt: int) -> str:
        """The console's page of an attempt's log."""
        page = f"{self.url}/v2/domain/{key.domain}/project/{key.project}/runs/{key.run}"
        return f"{page}?i={key.name}#attempt-{attempt}"

    def _wire(self) -> None:
        services = tuple(catalogue.services(self))
        self.caller = LocalCaller(services)
        self.launch_plan_triggers = LaunchPlanTriggers(self.caller)
        for descriptor, implementation in services:
            service: Any = ServiceApplication(descriptor, implementation)
            if self.options.go_like is not None:
                from flyte_bridge.embedded.go_like.compressed import Compressed

                service = Compressed(service)
            self.app.mount(descriptor.full_name, service)
        self.facade = FacadeApplication(self)
        self.app.fall_back(self.facade.claims, self.facade)
        verifier = None if self.access is None else Verifier(self.access.s3_key, self.access.s3_secret)
        s3 = S3App(self.objects, verifier, self.clock)
        self.app.mount(oauth.SEGMENT, oauth.answer)
        self.app.mount(SIGNED, SignedApp(self.objects, self.signer, self.clock), proves_itself)
        self.app.fall_back(s3.claims, s3, proves_itself)
        console = ConsoleApplication(self)
        self.app.mount("v2", console, proves_itself)
        self.app.mount("console", console, proves_itself)
        # boto3's ListBuckets goes there, too
        self.app.fall_back(lambda scope: scope["path"] == "/", console, proves_itself)

    async def _fire(self, request: run_service_pb2.CreateRunRequest) -> object:
        async with self.launch_plan_triggers.room(request.trigger_name):
            return self.engine.create_run(request, local_user())

    async def _read_inputs(self, uri: str) -> common_pb2.Inputs:
        return common_pb2.Inputs.FromString(self.objects.read(inputs_file(uri)))

    # -- life ---------------------------------------------------------------------------------------------------------

    async def start(self, listener: socket.socket | None = None) -> None:
        """Takes up what an earlier process left open, and serves.

        Args:
            listener: A bound socket, the backend's from now on; one on a free port of 127.0.0.1 is made without.
        """
        self.projects.seed()
        listener = listener or socket.create_server(("127.0.0.1", 0))
        self.host, self.port = listener.getsockname()[:2]
        self.admission.listens(self.host, self.port)
        environment = task_environment(
            self.endpoint,
            self.access,
            access.path_of(self.layout.data_dir),
            tells_driver=self.behaviour.tells_driver,
        )
        await self.executor.start(environment, warm=self.options.warm)
        self._serving = asyncio.create_task(HttpServer(self.app, _hypercorn(self.clock), listener).serve(self._stop))
        self._sweeping = asyncio.create_task(self.injector.sweep(self.ledger, self.hub))
        await self.engine.start()
        await self.scheduler.start()

    async def wait(self) -> None:
        """Waits until the server ends; raises what ended it."""
        if self._serving is not None:
            await asyncio.shield(self._serving)

    async def stop(self) -> None:
        """Ends all streams, stops listening, closes the store."""
        self.hub.close()
        await self.scheduler.stop()
        await self.engine.stop()
        await self.executor.stop()
        if self._sweeping is not None:
            self._sweeping.cancel()
        await self.app.close(_GRACE)
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


async def serve(options: BackendOptions, listener: socket.socket, announce: Callable[[], None]) -> None:
    """Runs a backend until SIGTERM or SIGINT: the body of `flyte-bridge up`.

    Args:
        options: What to serve; the caller holds the data directory's lock.
        listener: Bound; the backend closes it.
        announce: Called once requests are answered.

    Raises:
        StoreError: The database is damaged, newer than this version, or cannot be written.
        ConfigError: What the settings say of tasks cannot be.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    backend = Backend(options)
    await backend.start(listener)
    try:
        announce()
        asked = asyncio.ensure_future(stop.wait())
        broken = asyncio.ensure_future(backend.wait())
        await asyncio.wait({asked, broken}, return_when=asyncio.FIRST_COMPLETED)
        asked.cancel()
    finally:  # a full disk may keep the announcement from being written
        await backend.stop()
    await broken


def options_of(data_dir: Path, *, require_token: bool | None = None) -> BackendOptions:
    """What the user's settings say. Reading them takes a fifth of the start-up time, so only if there are any.

    Args:
        data_dir: Where everything lies.
        require_token: Goes before the settings.

    Raises:
        ConfigError: The settings cannot be.
    """
    if not any(name.startswith(_READ_HERE) for name in os.environ):
        return BackendOptions(data_dir, require_token=require_token is not False)
    from flyte_bridge import config

    settings = config.load()
    return BackendOptions(
        data_dir,
        executor=ExecutorOptions.of(settings),
        require_token=settings.require_token if require_token is None else require_token,
        hosts=settings.hosts,
        go_like=GoLike(forgets_after=settings.embedded_forgets) if settings.embedded_like == "go" else None,
        ahead=settings.embedded_clock,
    )


def _go_behaviour(backend: Backend, like: GoLike) -> Behaviour:
    from flyte_bridge.embedded.go_like.behaviour import GoBehaviour
    from flyte_bridge.embedded.go_like.recovery import NoRecovery

    backend.intake.recovery = NoRecovery(backend.ledger, backend.objects)
    return GoBehaviour(like)


class _ClockedConfig(HypercornConfig):
    """hypercorn's, which says the time of our clock."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self._clock = clock

    def response_headers(self, protocol: str) -> list[tuple[bytes, bytes]]:
        told = (b"date", format_datetime(to_datetime(self._clock.now()), usegmt=True).encode())
        return [told, *(header for header in super().response_headers(protocol) if header[0] != b"date")]


def _hypercorn(clock: Clock) -> HypercornConfig:
    config = _ClockedConfig(clock)
    config.backlog = 1024
    config.accesslog = None
    config.errorlog = logging.getLogger("flyte_bridge.embedded.http")
    config.graceful_timeout = _GRACE
    config.keep_alive_timeout = 300  # pooled connections of waiting tasks stay usable
    config.keep_alive_max_requests = 10_000_000  # the default of 1000 cuts busy clients off in the middle
    # One gRPC channel holds all of a client's watches and calls. Beyond 1,000 hypercorn 0.18 drops the whole connection
    # (its priority tree refuses the next stream); told fewer, clients queue the others.
    config.h2_max_concurrent_streams = 990
    with contextlib.suppress(AttributeError):
        config.include_server_header = False
    return config
