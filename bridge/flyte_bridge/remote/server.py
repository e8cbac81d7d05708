"""The façade on the wire: gRPC, plain or TLS, as Flyte 1's clients expect of flyteadmin."""

from __future__ import annotations

import asyncio
import ipaddress
import signal
import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import grpc
import grpc.aio

from flyte_bridge.admin import status
from flyte_bridge.admin.context import CallContext
from flyte_bridge.errors import PermissionDenied, PortInUse, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from flyte_bridge.admin.service import Facade

MAX_MESSAGE = 64 * 1024 * 1024
"""Largest message in bytes, either way. flytekit receives up to 20 MiB; compiled workflows that it sends may be larger."""

OPTIONS: tuple[tuple[str, int], ...] = (
    ("grpc.max_receive_message_length", MAX_MESSAGE),
    ("grpc.max_send_message_length", MAX_MESSAGE),
    ("grpc.max_metadata_size", 64 * 1024),
    # flytekit pings every 30 s, calls or not; by default a server calls that too many pings and hangs up after 100 s
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.min_recv_ping_interval_without_data_ms", 5_000),
    ("grpc.http2.min_ping_interval_without_data_ms", 5_000),
    ("grpc.http2.max_ping_strikes", 0),
    ("grpc.so_reuseport", 0),  # else two gateways share a port, and each gets every other call
)


@dataclass(frozen=True)
class Address:
    """Where to listen, and how.

    Attributes:
        host: A name or an address of this machine.
        port: 0 lets the kernel choose.
        certificate, key: PEM files; both, for TLS, or neither.
    """

    host: str = "127.0.0.1"
    port: int = 0
    certificate: Path | None = None
    key: Path | None = None

    @property
    def tls(self) -> bool:
        """Whether to speak TLS."""
        return self.certificate is not None

    @property
    def local(self) -> bool:
        """Whether only this machine can reach it."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"

    def check(self) -> None:
        """Whether TLS can be spoken, if it is asked for.

        Raises:
            UsageError: One of the two files is missing, or the other's, or cannot be read.
        """
        if self.certificate is None and self.key is None:
            return
        if self.certificate is None or self.key is None:
            raise UsageError("TLS needs a certificate and its key: give both files, or neither")
        try:
            # grpc only logs what it dislikes of a certificate; Python's ssl says it
            ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(self.certificate, self.key, password="")
        except (OSError, ValueError) as error:
            raise UsageError(
                f"cannot serve TLS with {self.certificate} and {self.key}: {error}; give a certificate chain and its "
                "key, both PEM, the key without password"
            ) from error

    def credentials(self) -> grpc.ServerCredentials | None:
        """What proves to clients who we are; None without TLS.

        Raises:
            UsageError: As `check`.
        """
        self.check()
        if self.certificate is None or self.key is None:
            return None
        return grpc.ssl_server_credentials([(self.key.read_bytes(), self.certificate.read_bytes())])


class Server:
    """A façade behind a port. `async with Server(facade, address) as server:` serves until the block ends."""

    def __init__(self, facade: Facade, address: Address) -> None:
        """Listens to nothing yet.

        Args:
            facade: Who answers.
            address: Where to listen.
        """
        self.address = address
        self.port = address.port
        self._server = grpc.aio.server(options=OPTIONS)
        self._server.add_generic_rpc_handlers((_Handlers(facade),))

    @property
    def endpoint(self) -> str:
        """`host:port`, once started."""
        host = self.address.host
        return f"[{host}]:{self.port}" if ":" in host else f"{host}:{self.port}"

    async def start(self) -> None:
        """Listens and answers.

        Raises:
            PortInUse: Something else listens there, or the host is not this machine's.
            UsageError: The certificate or its key cannot be used.
        """
        target = self.endpoint
        credentials = self.address.credentials()
        try:
            if credentials is None:
                self.port = self._server.add_insecure_port(target)
            else:
                self.port = self._server.add_secure_port(target, credentials)
        except RuntimeError as error:
            raise PortInUse(
                f"{target} cannot be listened on: {error}; choose another port, or stop what listens there"
            ) from error
        await self._server.start()

    async def stop(self, grace: float = 10.0) -> None:
        """Takes no new calls, and gives those under way `grace` seconds to end."""
        await self._server.stop(grace)

    async def __aenter__(self) -> Server:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()


class _Handlers(grpc.GenericRpcHandler):  # type: ignore[misc]
    """Every RPC there is, as bytes; what the façade does not know, it refuses by name."""

    def __init__(self, facade: Facade) -> None:
        self._facade = facade

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler:
        path = handler_call_details.method
        path = path.decode() if isinstance(path, bytes) else path

        async def answer(request: bytes, context: Any) -> bytes:
            told = CallContext.of(path, context.invocation_metadata(), timeout=_patience(context), peer=context.peer())
            try:
                if told.value("origin"):  # gRPC's own clients send none
                    raise PermissionDenied("pages of other sites have no access to Flyte 1's control plane")
                return await self._facade.answer(path, request, told)
            except asyncio.CancelledError:
                raise
            except Exception as error:
                await context.abort(
                    status.code_of(error), status.fitting(status.message_of(error)), trailing_metadata=_trailers(error)
                )
                raise AssertionError("abort raises") from error

        return grpc.unary_unary_rpc_method_handler(answer)


def _patience(context: Any) -> float | None:
    """Seconds the caller waits; grpc gives centuries where there is no deadline."""
    left = context.time_remaining()
    return None if left is None or left > 10 * 365 * 86_400 else max(0.0, left)


def _trailers(error: BaseException) -> tuple[tuple[str, bytes], ...]:
    return tuple((key, value) for key, value in status.trailers_of(error) if len(value) <= status.MAX_STATUS)


class Door(Protocol):
    """A port that the façade is behind."""

    async def start(self) -> None:
        """Listens and answers."""

    async def stop(self, grace: float = 10.0) -> None:
        """Takes no new calls, and gives those under way `grace` seconds to end."""


async def serve(doors: Sequence[Door], announce: Callable[[], None], grace: float = 10.0) -> None:
    """Serves until SIGTERM or SIGINT, then lets the calls under way end.

    Args:
        doors: Who answers.
        announce: Called once calls are answered.
        grace: Seconds that calls under way get.

    Raises:
        PortInUse: Something else listens there.
        UsageError: The certificate or its key cannot be used.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    open_doors: list[Door] = []
    try:
        for door in doors:
            await door.start()
            open_doors.append(door)
        announce()
        await stop.wait()
    finally:
        await asyncio.gather(*(door.stop(grace) for door in open_doors))
