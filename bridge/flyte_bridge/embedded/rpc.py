"""Service descriptors → ASGI applications that speak Connect, gRPC and gRPC-web.

A service is described by its protobuf descriptor and implemented by any object with one method per RPC
(`ListProjects` → `list_projects`); what the object lacks is answered UNIMPLEMENTED by name. Built from descriptors
rather than from the generated `*_connect.py`, so that flyteidl's Flyte 1 services, which have none, come in too.
"""

from __future__ import annotations

import logging
import re
import time
import zlib
from typing import TYPE_CHECKING, Any

from connectrpc.code import Code
from connectrpc.codec import Codec, proto_binary_codec, proto_json_codec
from connectrpc.compression.gzip import GzipCompression
from connectrpc.errors import ConnectError
from connectrpc.method import IdempotencyLevel, MethodInfo
from connectrpc.server import ConnectASGIApplication, Endpoint
from google.protobuf.json_format import ParseError
from google.protobuf.message import DecodeError
from google.protobuf.message_factory import GetMessageClass

from flyte_bridge.embedded.faults import to_status
from flyte_bridge_translators.wire.inflate import BadDeflate, TooMuch, inflate

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor

MAX_MESSAGE = 64 * 1024 * 1024
"""Largest request message (bytes). The SDK itself stops at 10 MiB of inputs; a spec comes on top."""

_GZIP = zlib.MAX_WBITS | 16
"""For zlib: a gzip header and trailer around the bytes."""

_WORD = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_log = logging.getLogger("flyte_bridge.embedded.rpc")


def method_name(rpc: str) -> str:
    """The method that implements an RPC: `GetActionDataURIs` → `get_action_data_uris`."""
    return _WORD.sub("_", rpc).lower()


class ServiceApplication(ConnectASGIApplication[Any]):
    """One service as an ASGI application."""

    def __init__(self, descriptor: ServiceDescriptor, implementation: object | None) -> None:
        """Binds what the implementation has; the rest refuses by name.

        Args:
            descriptor: The service.
            implementation: Has a coroutine (or, for streams, an async generator) per RPC it can do; None has none.
        """
        self._path = f"/{descriptor.full_name}"
        self._paths = {f"{self._path}/{method.name}" for method in descriptor.methods}
        super().__init__(
            service=implementation or object(),
            endpoints=lambda service: {
                f"/{descriptor.full_name}/{method.name}": _endpoint(descriptor, method, service)
                for method in descriptor.methods
            },
            read_max_bytes=MAX_MESSAGE,
            compressions=(_BoundedGzip(),),
            codecs=(_Strict(proto_binary_codec()), _Strict(proto_json_codec())),
        )

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Handles one request; an RPC the service has not is UNIMPLEMENTED by name, to gRPC clients too."""
        if scope["type"] == "http" and scope["path"] not in self._paths:
            await not_found(scope, receive, send)
            return
        await super().__call__(scope, receive, send)

    @property
    def path(self) -> str:
        """The prefix of the service's paths."""
        return self._path


def _endpoint(service: ServiceDescriptor, method: MethodDescriptor, implementation: object) -> Any:
    info: MethodInfo[Any, Any] = MethodInfo(
        name=method.name,
        service_name=service.full_name,
        input=GetMessageClass(method.input_type),
        output=GetMessageClass(method.output_type),
        idempotency_level=IdempotencyLevel.UNKNOWN,
    )
    name = f"{service.name}/{method.name}"
    function = getattr(implementation, method_name(method.name), None)
    if method.client_streaming and method.server_streaming:
        return Endpoint.bidi_stream(info, _stream(name, function))
    if method.client_streaming:
        return Endpoint.client_stream(info, _unary(name, function))
    if method.server_streaming:
        return Endpoint.server_stream(info, _stream(name, function))
    return Endpoint.unary(info, _unary(name, function))


def _missing(name: str) -> ConnectError:
    return ConnectError(
        Code.UNIMPLEMENTED, f"{name} is not part of flyte-bridge's embedded backend (see docs/embedded.md)"
    )


def _unary(name: str, function: Callable[..., Awaitable[Any]] | None) -> Callable[..., Awaitable[Any]]:
    async def call(request: Any, ctx: Any) -> Any:
        began = time.perf_counter()
        outcome = "ok"
        try:
            if function is None:
                raise _missing(name)
            return await function(request, ctx)
        except Exception as error:
            status = to_status(error)
            outcome = f"{status.code.value}: {status.message}"
            if status.code is Code.INTERNAL:
                _log.exception("%s", name)
            raise status from error
        finally:
            _log.debug("%s %.1f ms %s", name, (time.perf_counter() - began) * 1000, outcome)

    return call


def _stream(name: str, function: Callable[..., AsyncIterator[Any]] | None) -> Callable[..., AsyncIterator[Any]]:
    async def call(request: Any, ctx: Any) -> AsyncIterator[Any]:
        _log.debug("%s opened", name)
        outcome = "closed by the client"
        try:
            if function is None:
                raise _missing(name)
            async for message in function(request, ctx):
                yield message
            outcome = "ok"
        except Exception as error:
            status = to_status(error)
            outcome = f"{status.code.value}: {status.message}"
            if status.code is Code.INTERNAL:
                _log.exception("%s", name)
            raise status from error
        finally:
            _log.debug("%s ended: %s", name, outcome)

    return call


class _BoundedGzip(GzipCompression):
    """connectrpc's gzip, which (0.10) holds a message against the limit only when all of it is inflated."""

    def decompress(self, data: bytes | bytearray | memoryview) -> bytes:
        """A message's bytes.

        Raises:
            ConnectError: They are more than a message may have, or no gzip.
        """
        try:
            return inflate(bytes(data), MAX_MESSAGE, wbits=_GZIP)
        except TooMuch as error:
            raise ConnectError(Code.RESOURCE_EXHAUSTED, f"the message: {error}") from error
        except BadDeflate as error:
            raise ConnectError(Code.INVALID_ARGUMENT, f"the message: {error}") from error


class _Strict:
    """A codec of connectrpc's, for which bytes that are no message are the caller's mistake (0.10 says UNKNOWN)."""

    def __init__(self, codec: Codec[Any, Any]) -> None:
        self._codec = codec

    def name(self) -> str:
        """The subtype of the content type."""
        return self._codec.name()

    def encode(self, message: Any) -> bytes:
        """The message's bytes."""
        return self._codec.encode(message)

    def decode(self, data: bytes | bytearray, message: Any) -> Any:
        """Fills `message` from its bytes."""
        try:
            return self._codec.decode(data, message)
        except (DecodeError, ParseError, UnicodeDecodeError) as error:
            raise ConnectError(Code.INVALID_ARGUMENT, f"not a {message.DESCRIPTOR.full_name}: {error}") from error


async def not_found(scope: Any, _receive: Any, send: Any) -> None:
    """Answers what nobody answers: 404, which a Connect client reads as UNIMPLEMENTED, as on the real backend."""
    content_type = next((value for name, value in scope["headers"] if name == b"content-type"), b"")
    if not content_type.startswith(b"application/grpc"):
        await send({"type": "http.response.start", "status": 404, "headers": [(b"content-type", b"text/plain")]})
        await send({"type": "http.response.body", "body": b"", "more_body": False})
        return
    # a gRPC client reads the status from the trailers only
    text = f"{scope['path']} is not part of flyte-bridge's embedded backend".encode()
    headers = [(b"content-type", content_type)]
    trailers = [(b"grpc-status", b"12"), (b"grpc-message", text)]
    await send({"type": "http.response.start", "status": 200, "headers": headers, "trailers": True})
    await send({"type": "http.response.body", "body": b"", "more_body": False})
    await send({"type": "http.response.trailers", "headers": trailers, "more_trailers": False})
