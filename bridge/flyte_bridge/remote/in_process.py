"""Where the façade lives in a process of synchronous callers: a thread with an event loop, started by the first call.

One home per process and settings, whoever asks and from whichever thread. A forked child has none of its parent's
threads, so it starts with an empty home and connects anew. So does its parent: gRPC's core cannot be forked while one of
its threads runs (the child's first call hangs, grpcio 1.85), and with asyncio one always does; so whoever forks closes
the home first, unless another thread is in the middle of a call.
"""

from __future__ import annotations

import asyncio
import atexit
import gc
import os
import threading
import weakref
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from concurrent.futures import Future

    from flyte_bridge.admin.context import CallContext
    from flyte_bridge.admin.proof import Proof
    from flyte_bridge.admin.service import Facade
    from flyte_bridge.backend.client import BackendClient
    from flyte_bridge.backend.storage import Storage
    from flyte_bridge.config import Settings

_PATIENCE = 5.0
"""Seconds that the thread gets to end in, when the process does."""


class Home:
    """A façade on a thread of its own."""

    def __init__(self, make: Callable[[], Awaitable[Facade]], close: Callable[[Facade], Awaitable[None]]) -> None:
        """Starts nothing yet.

        Args:
            make: Makes the façade, on the thread; called again by the next call if it fails.
            close: Lets go of what the façade holds.
        """
        self._make, self._close = make, close
        self._empty()
        _homes.add(self)

    def _empty(self) -> None:
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._facade: asyncio.Task[Facade] | None = None
        self._open: set[Future[bytes]] = set()

    @property
    def busy(self) -> bool:
        """Whether a call is under way."""
        return bool(self._open)

    def submit(self, path: str, request: bytes, context: CallContext) -> Future[bytes]:
        """Hands a call over to the thread.

        Args:
            path: The RPC's full name.
            request: Its message, serialized.
            context: What else is known of the call.

        Returns:
            The reply to come, serialized; cancelling it cancels the call.
        """
        reply = asyncio.run_coroutine_threadsafe(self._call(path, request, context), self._running())
        self._open.add(reply)
        reply.add_done_callback(self._open.discard)
        return reply

    async def _call(self, path: str, request: bytes, context: CallContext) -> bytes:
        # shielded, because the others who wait for the façade should not lose it with one impatient caller
        facade = await asyncio.wait_for(asyncio.shield(self._made()), context.remaining)
        return await facade.answer(path, request, context)

    def _made(self) -> asyncio.Task[Facade]:
        made = self._facade
        if made is None or (made.done() and (made.cancelled() or made.exception() is not None)):
            made = self._facade = asyncio.ensure_future(_awaited(self._make))
        return made

    def _running(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None or self._thread is None or not self._thread.is_alive():
                self._loop, self._facade = asyncio.new_event_loop(), None
                self._thread = threading.Thread(
                    target=_run, args=(self._loop,), name="flyte-bridge", daemon=True
                )  # a daemon: a script that ends must not wait for us
                self._thread.start()
            return self._loop

    def close(self) -> None:
        """Ends the thread and lets go of the connection; the next call starts anew."""
        with self._lock:
            loop, thread, made = self._loop, self._thread, self._facade
            self._loop = self._thread = self._facade = None
        if loop is None or thread is None or not thread.is_alive():
            return
        asyncio.run_coroutine_threadsafe(self._let_go(made), loop)
        thread.join(_PATIENCE)

    async def _let_go(self, made: asyncio.Task[Facade] | None) -> None:
        try:
            if made is not None and made.done() and not made.cancelled() and made.exception() is None:
                await asyncio.wait_for(self._close(made.result()), _PATIENCE / 2)
        finally:
            asyncio.get_running_loop().stop()


async def _awaited(make: Callable[[], Awaitable[Facade]]) -> Facade:
    return await make()


def _run(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    try:
        loop.run_forever()
    finally:
        left = asyncio.all_tasks(loop)
        for task in left:
            task.cancel()
        if left:
            loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()


_homes: weakref.WeakSet[Home] = weakref.WeakSet()
_known: list[tuple[Settings, Home]] = []
_known_lock = threading.Lock()


def home_of(settings: Settings) -> Home:
    """The home of the façade over the Flyte 2 that the settings mean: one per process."""
    with _known_lock:
        for known, home in _known:
            if known == settings:
                return home

        async def make() -> Facade:
            return await facade_of(settings)

        async def close(facade: Facade) -> None:
            await facade.backend.close()

        made = Home(make, close)
        _known.append((settings, made))
        return made


async def facade_of(settings: Settings) -> Facade:
    """The façade over the Flyte 2 that the settings mean, for this process; the embedded one is started if need be.

    Raises:
        BackendError: It cannot be started.
        ConfigError: The settings cannot be.
    """
    from flyte_bridge.backend.connect import connect
    from flyte_bridge.backend.storage import Storage

    if not settings.embedded:
        return _facade(settings, connect(settings), Storage(), None)
    from flyte_bridge.embedded_client import instance, snippets

    running = await asyncio.to_thread(instance.ensure, settings.data_dir)  # may take a while: not on the loop
    return _facade(settings, connect(settings), Storage(snippets.flyte_environment(running)), None)


def _facade(settings: Settings, backend: BackendClient, storage: Storage, proof: Proof | None) -> Facade:
    """The façade of Flyte 2; with a Flyte 1 beside it that of both."""
    from flyte_bridge.admin.service import Facade

    if settings.v1_endpoint is None:
        return Facade(backend, settings, storage=storage, proof=proof)
    from flyte_bridge.side_by_side.cutover_journal import CutoverJournal, path_of
    from flyte_bridge.side_by_side.following import FollowingFacade
    from flyte_bridge.side_by_side.sides import flyteadmin

    # others than this process reach flyteadmin with what they bring: only who has the embedded backend's token is us
    ours = proof is None or settings.embedded
    own = ours and (settings.embedded or settings.v1_token is not None or bool(settings.v1_token_command))
    following = FollowingFacade(backend, settings, storage=storage, proof=proof)
    return following.follow(flyteadmin(settings, ours=own), CutoverJournal(path_of(settings)), own_credentials=own)


async def gateway_of(settings: Settings) -> Facade:
    """As `facade_of`, for others than this process: each call proves its caller, and only named buckets are touched."""
    from flyte_bridge.admin.proof import ByFlyte2, ByToken
    from flyte_bridge.backend.buckets import NamedBuckets
    from flyte_bridge.backend.connect import connect
    from flyte_bridge.backend.storage import Storage

    if not settings.embedded:
        backend = connect(settings)

        async def uploads() -> str:
            """Where Flyte 2 would have a file uploaded; nothing is."""
            place = await backend.create_upload_location(
                project=settings.project, domain=settings.domain, filename="where", filename_root="flyte-bridge"
            )
            return str(place.native_url)

        storage = NamedBuckets(Storage(), settings.buckets, uploads)
        return _facade(settings, backend, storage, ByFlyte2(backend))
    from flyte_bridge.embedded_client import instance, snippets

    running = await asyncio.to_thread(instance.ensure, settings.data_dir)
    access = running.access
    objects = Storage(snippets.flyte_environment(running))
    return _facade(
        settings,
        connect(settings),
        NamedBuckets(objects, ("s3://", *settings.buckets)),  # all of S3 is the embedded store's
        None if access is None else ByToken(access.opens),
    )


def _before_fork() -> None:
    idle = [home for home in list(_homes) if home._loop is not None and not home.busy]
    for home in idle:
        home.close()
    if idle:
        gc.collect()  # the channel's last references are in cycles, and its thread ends with them


def _after_fork() -> None:
    global _known_lock  # noqa: PLW0603 - a lock that another thread held while we were forked stays locked for ever
    _known_lock = threading.Lock()
    for home in list(_homes):
        home._empty()


def _at_exit() -> None:
    for home in list(_homes):
        home.close()


os.register_at_fork(before=_before_fork, after_in_child=_after_fork)
atexit.register(_at_exit)
