"""The embedded backend for who lives in its process: the same calls and objects as on the wire, without a socket."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

from flyte_bridge.backend.caller import error_of
from flyte_bridge.backend.storage import ObjectHead, Storage
from flyte_bridge.embedded.faults import to_status
from flyte_bridge.embedded.rpc import method_name
from flyte_bridge.errors import DeadlineExceeded, StatusError, Unimplemented

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping

    from google.protobuf.descriptor import ServiceDescriptor
    from google.protobuf.message import Message

    from flyte_bridge.backend.caller import M
    from flyte_bridge.embedded.objects import ObjectStore


_BLOCK = 1024 * 1024
"""Bytes of an object that are held at once."""


class LocalCaller:
    """Calls implementations; see `backend.caller.Caller`. Belongs to the backend's event loop."""

    def __init__(self, services: Iterable[tuple[ServiceDescriptor, object | None]]) -> None:
        """Makes the table of methods.

        Args:
            services: Descriptors and who implements them, as `services.catalogue` has them.
        """
        self._methods: dict[str, Callable[..., Any]] = {}
        for descriptor, implementation in services:
            for method in descriptor.methods:
                function = getattr(implementation, method_name(method.name), None)
                if function is not None:
                    self._methods[f"/{descriptor.full_name}/{method.name}"] = function

    async def unary(self, method: str, request: Message, reply: type[M], *, timeout: float | None = None) -> M:
        """Calls it with a copy of the request."""
        call: Awaitable[M] = self._find(method)(_copied(request), None)
        try:
            return await (call if timeout is None else asyncio.wait_for(call, timeout))
        except asyncio.TimeoutError:
            raise DeadlineExceeded(f"the embedded backend did not answer {method} in time") from None
        except Exception as error:
            raise _ours(error) from error

    async def stream(
        self, method: str, request: Message, reply: type[M], *, timeout: float | None = None
    ) -> AsyncIterator[M]:
        """Calls it with a copy of the request."""
        messages = self._find(method)(_copied(request), None)
        until = None if timeout is None else time.monotonic() + timeout
        try:
            while True:
                left = None if until is None else max(0.0, until - time.monotonic())
                yield await asyncio.wait_for(messages.__anext__(), left)
        except StopAsyncIteration:
            return
        except asyncio.TimeoutError:
            raise DeadlineExceeded(f"{method} was to end by now") from None
        except Exception as error:
            raise _ours(error) from error
        finally:
            await messages.aclose()

    async def close(self) -> None:
        """There is nothing to let go of."""

    def _find(self, method: str) -> Callable[..., Any]:
        found = self._methods.get(method)
        if found is None:
            raise Unimplemented(f"{method} is not part of flyte-bridge's embedded backend (see docs/embedded.md)")
        return found


def _copied(request: Message) -> Any:
    copy = type(request)()
    copy.CopyFrom(request)
    return copy


def _ours(error: Exception) -> StatusError:
    """What a client over gRPC would get."""
    if isinstance(error, StatusError):
        return error
    status = to_status(error)
    return error_of(status.code.name.replace("CANCELED", "CANCELLED"), status.message)


class LocalStorage(Storage):
    """Storage for who lives in the backend's process: its own objects without a request, all others as everybody."""

    def __init__(self, objects: ObjectStore, environ: Mapping[str, str]) -> None:
        """Takes the objects.

        Args:
            objects: The backend's; all of S3, as tasks are told.
            environ: What tasks are told of where they are, for what others shall fetch.
        """
        super().__init__(environ)
        self._objects = objects

    async def read(self, uri: str) -> bytes:
        """An object; see `Storage`."""
        return self._objects.read(uri) if _is_ours(uri) else await super().read(uri)

    async def write(self, uri: str, data: bytes) -> None:
        """Writes an object; see `Storage`."""
        if not _is_ours(uri):
            await super().write(uri, data)
            return
        self._objects.write(uri, data)

    async def exists(self, uri: str) -> bool:
        """Whether there is such an object; see `Storage`."""
        return self._objects.exists(uri) if _is_ours(uri) else await super().exists(uri)

    async def head(self, uri: str) -> ObjectHead:
        """An object's size; see `Storage`."""
        if not _is_ours(uri):
            return await super().head(uri)
        return ObjectHead(self._objects.info(uri).size)

    async def blocks(self, uri: str) -> AsyncIterator[bytes]:
        """An object's content in pieces; see `Storage`."""
        if not _is_ours(uri):
            async for block in super().blocks(uri):
                yield block
            return
        file, _ = self._objects.open(uri)
        with file:
            while block := await asyncio.to_thread(file.read, _BLOCK):
                yield block

    async def list(self, uri: str) -> list[str]:
        """The URIs under a prefix; see `Storage`."""
        if not _is_ours(uri):
            return await super().list(uri)
        return sorted(info.uri for info in self._objects.list(f"{uri.rstrip('/')}/"))


def _is_ours(uri: str) -> bool:
    return uri.startswith("s3://")
