"""A `grpc.Channel` whose other end is in this process.

Flytekit's stubs, interceptors, retries and error mapping stay on top of it as they are, so a caller sees what it would
see on the wire. Messages cross as bytes: what the caller gets is its own, and what it sends, too (flytekit caches
replies and changes them in place).
"""

from __future__ import annotations

import threading
from concurrent import futures
from typing import TYPE_CHECKING, Any

import grpc
from grpc import _channel as grpc_channel

from flyte_bridge.admin import status
from flyte_bridge.admin.context import CallContext
from flyte_bridge.admin.methods import missing
from flyte_bridge.errors import Unimplemented

if TYPE_CHECKING:
    from collections.abc import Callable

    from flyte_bridge.remote.in_process import Home

_PEER = "inproc"


class Channel(grpc.Channel):  # type: ignore[misc]
    """Calls of a façade in this process. Has no connection to open or to lose, so it is always ready."""

    def __init__(self, home: Home) -> None:
        """Calls nothing yet.

        Args:
            home: Where the façade lives.
        """
        self._home = home
        self._closed = False

    def unary_unary(
        self,
        method: str,
        request_serializer: Callable[[Any], bytes] | None = None,
        response_deserializer: Callable[[bytes], Any] | None = None,
        _registered_method: bool | None = False,
    ) -> _UnaryUnary:
        """A function that calls one RPC."""
        return _UnaryUnary(self, method, request_serializer, response_deserializer)

    def unary_stream(
        self,
        method: str,
        request_serializer: Callable[[Any], bytes] | None = None,
        response_deserializer: Callable[[bytes], Any] | None = None,
        _registered_method: bool | None = False,
    ) -> _Streaming:
        """A function that refuses: no RPC of Flyte 1's that the bridge answers is a stream."""
        return _Streaming(method)

    def stream_unary(
        self,
        method: str,
        request_serializer: Callable[[Any], bytes] | None = None,
        response_deserializer: Callable[[bytes], Any] | None = None,
        _registered_method: bool | None = False,
    ) -> _Streaming:
        """As `unary_stream`."""
        return _Streaming(method)

    def stream_stream(
        self,
        method: str,
        request_serializer: Callable[[Any], bytes] | None = None,
        response_deserializer: Callable[[bytes], Any] | None = None,
        _registered_method: bool | None = False,
    ) -> _Streaming:
        """As `unary_stream`."""
        return _Streaming(method)

    def subscribe(
        self, callback: Callable[[grpc.ChannelConnectivity], None], try_to_connect: bool | None = None
    ) -> None:
        """Tells at once that the channel is ready; there is nothing else to tell later."""
        callback(grpc.ChannelConnectivity.READY)

    def unsubscribe(self, callback: Callable[[grpc.ChannelConnectivity], None]) -> None:
        """Does nothing: nothing more would have been told."""

    def close(self) -> None:
        """Refuses all further calls; the façade stays for others."""
        self._closed = True

    def __enter__(self) -> Channel:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def start(self, method: str, data: bytes, context: CallContext) -> futures.Future[bytes]:
        """Begins a call.

        Args:
            method: The RPC's full name.
            data: The request.
            context: What else is known of the call.

        Raises:
            ValueError: The channel is closed, as grpc's own says it.
        """
        if self._closed:
            raise ValueError("Cannot invoke RPC on closed channel!")
        return self._home.submit(method, data, context)


class _Call(grpc.Call, grpc.Future):  # type: ignore[misc]
    """A call under way, or ended; what `future()` and `with_call()` give."""

    def __init__(self, reply: futures.Future[bytes], deserialize: Callable[[bytes], Any], context: CallContext) -> None:
        self._reply, self._deserialize, self._context = reply, deserialize, context
        self._lock = threading.Lock()
        self._value: Any = None
        self._read = False

    # -- grpc.Future --------------------------------------------------------------------------------------------------

    def cancel(self) -> bool:
        return self._reply.cancel()

    def cancelled(self) -> bool:
        return self._reply.cancelled()

    def running(self) -> bool:
        return not self._reply.done()

    def done(self) -> bool:
        return self._reply.done()

    def result(self, timeout: float | None = None) -> Any:
        error = self.exception(timeout)
        if error is not None:
            raise error
        with self._lock:
            if not self._read:
                self._value, self._read = self._deserialize(self._reply.result()), True
            return self._value

    def exception(self, timeout: float | None = None) -> RpcError | None:
        try:
            error = self._reply.exception(timeout)
        except futures.CancelledError:
            raise grpc.FutureCancelledError from None
        except futures.TimeoutError:
            raise grpc.FutureTimeoutError from None
        return None if error is None else RpcError(error, self._context)

    def traceback(self, timeout: float | None = None) -> Any:
        error = self.exception(timeout)
        return None if error is None else error.__traceback__

    def add_done_callback(self, fn: Callable[[Any], None]) -> None:
        self._reply.add_done_callback(lambda _: fn(self))

    # -- grpc.Call ----------------------------------------------------------------------------------------------------

    def initial_metadata(self) -> tuple[()]:
        self._wait()
        return ()

    def trailing_metadata(self) -> Any:
        error = self._wait()
        return () if error is None else error.trailing_metadata()

    def code(self) -> grpc.StatusCode:
        error = self._wait()
        return grpc.StatusCode.OK if error is None else error.code()

    def details(self) -> str:
        error = self._wait()
        return "" if error is None else error.details()

    def _wait(self) -> RpcError | None:
        try:
            return self.exception()
        except grpc.FutureCancelledError:
            return RpcError(futures.CancelledError(), self._context)

    def is_active(self) -> bool:
        return not self._reply.done()

    def time_remaining(self) -> float | None:
        return self._context.remaining

    def add_callback(self, callback: Callable[[], None]) -> bool:
        if self._reply.done():
            return False
        self._reply.add_done_callback(lambda _: callback())
        return True


class RpcError(grpc_channel._InactiveRpcError):  # type: ignore[misc]
    """A call that has failed: an exception, a call and a future in one.

    Of the class that grpc's own calls raise, which is no public name, but one that pyflyte and many scripts ask for.
    """

    def __init__(self, error: BaseException, context: CallContext) -> None:
        """Says what `error` says on the wire.

        Args:
            error: What the façade raised.
            context: The call.
        """
        cancelled = isinstance(error, futures.CancelledError)
        code = grpc.StatusCode.CANCELLED if cancelled else status.code_of(error)
        message = status.message_of(error)
        state = grpc_channel._RPCState((), (), status.trailers_of(error), code, message)
        state.debug_error_string = f"in process: {context.method}: {code.name}: {message}"
        super().__init__(state)
        self._context = context

    def is_active(self) -> bool:
        """Never: it has failed."""
        return False

    def time_remaining(self) -> float | None:
        """Seconds that were left."""
        return self._context.remaining

    def add_callback(self, callback: Callable[[], None]) -> bool:
        """Never: nothing more happens."""
        return False


class _UnaryUnary(grpc.UnaryUnaryMultiCallable):  # type: ignore[misc]
    """One RPC of the channel's."""

    def __init__(
        self,
        channel: Channel,
        method: str,
        serialize: Callable[[Any], bytes] | None,
        deserialize: Callable[[bytes], Any] | None,
    ) -> None:
        self._channel, self._method = channel, method
        self._serialize = serialize or bytes
        self._deserialize = deserialize or bytes

    def __call__(
        self,
        request: Any,
        timeout: float | None = None,
        metadata: Any = None,
        credentials: grpc.CallCredentials | None = None,
        wait_for_ready: bool | None = None,
        compression: grpc.Compression | None = None,
    ) -> Any:
        return self.with_call(request, timeout, metadata, credentials, wait_for_ready, compression)[0]

    def with_call(
        self,
        request: Any,
        timeout: float | None = None,
        metadata: Any = None,
        credentials: grpc.CallCredentials | None = None,
        wait_for_ready: bool | None = None,
        compression: grpc.Compression | None = None,
    ) -> tuple[Any, grpc.Call]:
        call = self.future(request, timeout, metadata, credentials, wait_for_ready, compression)
        try:
            return call.result(), call
        except grpc.FutureCancelledError:
            raise RpcError(futures.CancelledError(), call._context) from None
        except BaseException:
            call.cancel()  # Ctrl-C while waiting
            raise

    def future(
        self,
        request: Any,
        timeout: float | None = None,
        metadata: Any = None,
        credentials: grpc.CallCredentials | None = None,
        wait_for_ready: bool | None = None,
        compression: grpc.Compression | None = None,
    ) -> _Call:
        context = CallContext.of(self._method, metadata, timeout=timeout, peer=_PEER)
        if credentials is not None:  # opaque objects of grpc's core: no token can be read from them
            refusal = Unimplemented(
                "credentials=: call credentials cannot be read in process; give the token as metadata "
                "(('authorization', 'Bearer …'),), or use `flyte-bridge serve`"
            )
            return _Call(_failed(refusal), self._deserialize, context)
        return _Call(self._channel.start(self._method, self._serialize(request), context), self._deserialize, context)


class _Streaming:
    """An RPC with streams, which is refused when it is called."""

    def __init__(self, method: str) -> None:
        self._method = method

    def __call__(self, *_: Any, **__: Any) -> Any:
        raise RpcError(missing(self._method), CallContext.of(self._method))

    with_call = future = __call__


def _failed(error: Exception) -> futures.Future[bytes]:
    failed: futures.Future[bytes] = futures.Future()
    failed.set_exception(error)
    return failed
