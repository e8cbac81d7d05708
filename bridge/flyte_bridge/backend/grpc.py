"""Calls over gRPC. The channel is made with the first call, on the event loop that makes it."""

from __future__ import annotations

import ssl
import time
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import grpc
import grpc.aio
from google.protobuf.message import DecodeError

from flyte_bridge.backend.caller import Backoff, error_of, repeatable
from flyte_bridge.backend.credentials import Token, bearer
from flyte_bridge.errors import ConfigError, DeadlineExceeded, StatusError, Unauthenticated, Unavailable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from google.protobuf.message import Message

    from flyte_bridge.backend.caller import M
    from flyte_bridge.backend.credentials import Credentials

MAX_MESSAGE = 64 * 1024 * 1024
"""Largest message (bytes) either way, as the embedded backend has it; gRPC's own 4 MiB are less than a large workflow."""

TIMEOUT = 60.0
"""Seconds that a call has when its caller names no limit."""

PATIENCE = 20.0
"""Seconds in which a repeatable call is tried again while the Flyte 2 cannot be reached."""

_OPTIONS = (
    ("grpc.max_receive_message_length", MAX_MESSAGE),
    ("grpc.max_send_message_length", MAX_MESSAGE),
    # only the first bit, identity: the Go backend's gzip answers reach grpc.aio undecoded now and then (1 in 2,700, 1.76)
    ("grpc.compression_enabled_algorithms_bitset", 1),
    # a restarted server is found again within this; the default grows to two minutes
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 1000),
    ("grpc.max_reconnect_backoff_ms", 5000),
    # a watch whose other end has gone without a word is noticed
    ("grpc.keepalive_time_ms", 60_000),
    ("grpc.keepalive_timeout_ms", 20_000),
    # each caller has its own connections: tests and tenants do not share what the core would pool
    ("grpc.use_local_subchannel_pool", 1),
)


class GrpcCaller:
    """Calls one endpoint. Belongs to the event loop of its first call."""

    def __init__(
        self,
        endpoint: str,
        *,
        insecure: bool = False,
        ca_cert: Path | None = None,
        credentials: Credentials | None = None,
        patience: float = PATIENCE,
        name: str = "Flyte 2",
        setting: str = "FLYTE_BRIDGE_ENDPOINT",
    ) -> None:
        """Nothing is connected yet.

        Args:
            endpoint: `host:port`.
            insecure: No TLS.
            ca_cert: A PEM file of the authorities to trust instead of the system's.
            credentials: Where tokens come from; a caller's own (`credentials.bearer`) goes first.
            patience: Seconds in which repeatable calls are tried again while the endpoint cannot be reached.
            name: What messages call the other side.
            setting: The environment variable that names the endpoint, for messages.

        Raises:
            ConfigError: The file cannot be read.
        """
        self.endpoint = endpoint
        self._insecure = insecure
        self._roots = None if insecure else trusted(ca_cert)
        self._credentials = credentials
        self._patience = patience
        self._name = name
        self._setting = setting
        self._channel: grpc.aio.Channel | None = None
        self._methods: dict[tuple[str, bool], Any] = {}

    def _method(self, name: str, reply: type[M], *, streams: bool) -> Any:
        found = self._methods.get((name, streams))
        if found is None:
            if self._channel is None:
                self._channel = (
                    grpc.aio.insecure_channel(self.endpoint, options=_OPTIONS)
                    if self._insecure
                    else grpc.aio.secure_channel(
                        self.endpoint, grpc.ssl_channel_credentials(self._roots), options=_OPTIONS
                    )
                )
            make = self._channel.unary_stream if streams else self._channel.unary_unary
            found = make(name, request_serializer=_serialized, response_deserializer=partial(_parsed, reply))
            self._methods[name, streams] = found
        return found

    async def unary(self, method: str, request: Message, reply: type[M], *, timeout: float | None = None) -> M:
        """See `Caller`. What is UNAVAILABLE is tried again if it may be; a refused token is renewed once."""
        call = self._method(method, reply, streams=False)
        until = time.monotonic() + (TIMEOUT if timeout is None else timeout)
        backoff = Backoff(self._patience)
        renewed = False
        while True:
            left = until - time.monotonic()
            token = await self._token()
            try:
                answer = await call(request, timeout=max(left, 0.0), metadata=_metadata(token))
                return self._read(method, reply, answer)
            except grpc.aio.AioRpcError as failure:
                error = self._error(method, failure)
                if isinstance(error, Unauthenticated) and not renewed and await self._renew(token):
                    renewed = True
                    continue
            except Unavailable as unreadable:
                error = unreadable
            again = isinstance(error, Unavailable) and repeatable(method) and time.monotonic() < until
            if not again or not await backoff.pause():
                raise error from None

    async def stream(
        self, method: str, request: Message, reply: type[M], *, timeout: float | None = None
    ) -> AsyncIterator[M]:
        """See `Caller`. A token refused at the beginning is renewed once; a stream that breaks is its reader's to reopen."""
        begun = renewed = False
        while True:
            token = await self._token()
            call = self._method(method, reply, streams=True)(request, timeout=timeout, metadata=_metadata(token))
            try:
                async for message in call:
                    begun = True
                    yield self._read(method, reply, message)
            except grpc.aio.AioRpcError as failure:
                error = self._error(method, failure)
                if isinstance(error, Unauthenticated) and not begun and not renewed and await self._renew(token):
                    renewed = True
                    continue
                raise error from None
            else:
                return
            finally:
                call.cancel()

    async def close(self) -> None:
        """Ends the connection, and every call on it."""
        self._methods.clear()
        if self._channel is not None:
            channel, self._channel = self._channel, None
            await channel.close()

    async def _token(self) -> Token | None:
        own = bearer.get()
        if own is not None:
            return Token(own)
        return await self._credentials.token() if self._credentials is not None else None

    async def _renew(self, refused: Token | None) -> bool:
        if refused is None or self._credentials is None or bearer.get() is not None:
            return False
        return await self._credentials.renew(refused)

    def _read(self, method: str, reply: type[M], answer: object) -> M:
        """An answer as its message.

        Raises:
            Unavailable: It is none. Whether the call was done is unknown, as when its connection breaks.
        """
        if isinstance(answer, reply):
            return answer
        said = answer.said if isinstance(answer, _Unreadable) else f"{answer!r}"
        raise Unavailable(
            f"Flyte 2 at {self.endpoint} answered {method.rpartition('/')[2]} with what is no "
            f"{reply.DESCRIPTOR.full_name} ({said}); whether it was done is unknown: look before trying again"
        )

    def _error(self, method: str, failure: grpc.aio.AioRpcError) -> StatusError:
        code, said = failure.code().name, failure.details() or ""
        if code == Unavailable.code:
            return Unavailable(
                f"{self._name} at {self.endpoint} cannot be reached ({said}); see whether it runs, and whether "
                f"{self._setting} and {self._setting.replace('ENDPOINT', 'INSECURE')} are right"
            )
        if code == DeadlineExceeded.code:
            return DeadlineExceeded(
                f"{self._name} at {self.endpoint} did not answer {method.rpartition('/')[2]} in time"
            )
        return error_of(code, said or f"{method} ended with {code}")


def tls_context(ca_cert: Path | None) -> ssl.SSLContext | None:
    """Whom to trust over HTTP; `None` for the system's authorities.

    Raises:
        ConfigError: As `trusted`.
    """
    return None if ca_cert is None else ssl.create_default_context(cadata=(trusted(ca_cert) or b"").decode())


def trusted(ca_cert: Path | None) -> bytes | None:
    """The certificate authorities to trust, as PEM; `None` for those that gRPC brings along.

    Args:
        ca_cert: A file that names them; the system's (or `SSL_CERT_FILE`'s) if `None`.

    Raises:
        ConfigError: The file cannot be read, or holds no certificate.
    """
    if ca_cert is None:
        system = ssl.get_default_verify_paths().cafile
        if system is None:
            return None
        with open(system, "rb") as file:  # noqa: PTH123 - a path of OpenSSL's
            return file.read()
    try:
        pem = ca_cert.read_bytes()
    except OSError as error:
        raise ConfigError(f"{ca_cert}: the certificate authorities cannot be read: {error.strerror}") from None
    if b"-----BEGIN CERTIFICATE-----" not in pem:
        raise ConfigError(f"{ca_cert}: holds no certificate in PEM format")
    return pem


@dataclass(frozen=True)
class _Unreadable:
    """Bytes that came as an answer and are no message. grpc.aio would log what a deserializer raises, and answer None."""

    said: str


def _parsed(reply: type[Message], data: bytes) -> Message | _Unreadable:
    try:
        return reply.FromString(data)
    except DecodeError as error:
        return _Unreadable(f"{len(data)} bytes that begin with {data[:8].hex()}: {error}")


def _serialized(message: Message) -> bytes:
    return bytes(message.SerializeToString())


def _metadata(token: Token | None) -> tuple[tuple[str, str], ...]:
    return () if token is None else (token.metadata,)
