"""hypercorn's protocols behind an accept loop of our own, for whatever of ours listens for HTTP.

hypercorn 0.18 answers; what it leaves to asyncio is done here, as both fail a server that many processes use:

- A connection that its client has closed keeps its descriptor until its idle timer ends (`TCPServer.run` waits for its
  task group, which holds the timer). Here it is let go at the end of its stream.
- `asyncio.start_server` answers an accept without free descriptors by 1,024 tracebacks a second (`backlog` of them, CPython
  3.11). Here one line is logged, and the next try waits.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import resource
import socket
from typing import TYPE_CHECKING

from hypercorn.asyncio.tcp_server import TCPServer
from hypercorn.asyncio.worker_context import WorkerContext
from hypercorn.events import Updated
from hypercorn.utils import wrap_app

if TYPE_CHECKING:
    import ssl

    from hypercorn.config import Config
    from hypercorn.events import Event
    from hypercorn.typing import AppWrapper

    from flyte_bridge.embedded.app import ASGI

_NO_ROOM = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
"""What `accept` says when the machine, not the connection, is at fault."""

_PAUSE, _LONGEST_PAUSE = 0.05, 1.0
"""Seconds until an accept is tried again, doubled up to the second."""

_SHARE = 0.75
"""Of the descriptors that this process may have, how many connections may take: the rest is for files and tasks."""

_READ_BUFFER = 1 << 16

_log = logging.getLogger("flyte_bridge.embedded.http")


class _Connection(TCPServer):
    """One connection, which lives no longer than its client wants it."""

    _closed_by_client = False

    async def _read_data(self) -> None:
        await super()._read_data()
        self._closed_by_client = True
        await self.idle_task.stop()

    async def protocol_send(self, event: Event) -> None:
        """Sends; the last answers to a client that is gone do not start the idle timer again."""
        if not (self._closed_by_client and isinstance(event, Updated)):
            await super().protocol_send(event)


class HttpServer:
    """Answers on one listening socket."""

    def __init__(self, app: ASGI, config: Config, listener: socket.socket) -> None:
        """Accepts nothing yet.

        Args:
            app: Answers requests; it is told nothing of the server's start and end.
            config: hypercorn's; `bind` and what belongs to its processes is not looked at.
            listener: Bound and listening; this server's from now on.
        """
        self._app: AppWrapper = wrap_app(app, config.wsgi_max_body_size, "asgi")
        self._config = config
        self._listener = listener
        self._context = WorkerContext(None)
        self._connections: set[asyncio.Task[None]] = set()
        self._room = asyncio.Semaphore(_most_connections())
        self._crowded = False

    async def serve(self, stop: asyncio.Event) -> None:
        """Answers until `stop` is set, then gives connections `graceful_timeout` to end.

        Raises:
            OSError: Nothing can be accepted any more.
        """
        self._listener.setblocking(False)
        self._listener.listen(self._config.backlog)
        tls = self._config.create_ssl_context() if self._config.ssl_enabled else None
        accepting = asyncio.ensure_future(self._accept(tls))
        stopping = asyncio.ensure_future(stop.wait())
        try:
            await asyncio.wait({accepting, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if accepting.done():
                accepting.result()
        finally:
            for task in (accepting, stopping):
                task.cancel()
            await asyncio.gather(accepting, stopping, return_exceptions=True)
            self._listener.close()
            await self._end_connections()

    async def _end_connections(self) -> None:
        await self._context.terminated.set()
        if self._connections:
            await asyncio.wait(self._connections, timeout=self._config.graceful_timeout)
        for connection in self._connections:
            connection.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    async def _accept(self, tls: ssl.SSLContext | None) -> None:
        loop = asyncio.get_running_loop()
        pause = _PAUSE
        while True:
            await self._free_place()
            try:
                accepted, _ = await loop.sock_accept(self._listener)
            except OSError as error:
                self._room.release()
                if error.errno not in _NO_ROOM:
                    if not isinstance(error, ConnectionError):
                        raise
                    continue  # the client has gone before it was accepted
                if pause == _PAUSE:
                    _log.warning("%s, with %d connections: new ones wait", error.strerror, len(self._connections))
                await asyncio.sleep(pause)
                pause = min(2 * pause, _LONGEST_PAUSE)
                continue
            pause = _PAUSE
            connection = asyncio.ensure_future(self._answer(accepted, tls))
            self._connections.add(connection)
            connection.add_done_callback(self._ended)
            await asyncio.sleep(0)  # a flood of connections does not keep the loop from its work

    async def _free_place(self) -> None:
        if self._room.locked() and not self._crowded:
            _log.warning("%d connections are open, as many as may be: new ones wait", len(self._connections))
        self._crowded = self._room.locked()
        await self._room.acquire()

    def _ended(self, connection: asyncio.Task[None]) -> None:
        self._connections.discard(connection)
        self._room.release()
        if not connection.cancelled() and (error := connection.exception()) is not None:
            _log.warning("a connection broke: %s", error, exc_info=error)

    async def _answer(self, accepted: socket.socket, tls: ssl.SSLContext | None) -> None:
        loop = asyncio.get_running_loop()
        # asyncio does so itself only for sockets that say their protocol; without, each call waits 40 ms for the other's ACK
        accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        reader = asyncio.StreamReader(_READ_BUFFER, loop)
        protocol = asyncio.StreamReaderProtocol(reader, loop=loop)
        try:
            transport, _ = await loop.connect_accepted_socket(
                lambda: protocol,
                accepted,
                ssl=tls,
                ssl_handshake_timeout=self._config.ssl_handshake_timeout if tls else None,
            )
        except (OSError, asyncio.TimeoutError) as error:  # the handshake's, for the most part
            accepted.close()
            _log.debug("a connection was not made: %s", error)
            return
        writer = asyncio.StreamWriter(transport, protocol, reader, loop)
        with contextlib.suppress(ConnectionError):
            await _Connection(self._app, loop, self._config, self._context, {}, reader, writer)


def _most_connections() -> int:
    allowed, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return 1 << 16 if allowed == resource.RLIM_INFINITY else max(16, int(allowed * _SHARE))
