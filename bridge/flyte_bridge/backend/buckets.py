"""Storage that keeps to named buckets: what a gateway touches for its callers, it touches with its own rights."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from flyte_bridge.backend.storage import Storage
from flyte_bridge.errors import BadObjectName, StatusError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
    from datetime import timedelta

    from flyte_bridge.backend.storage import ObjectHead


class NamedBuckets(Storage):
    """Another storage's objects, as far as they lie where the installation names."""

    def __init__(
        self, objects: Storage, named: Iterable[str], uploads: Callable[[], Awaitable[str]] | None = None
    ) -> None:
        """Asks nothing yet.

        Args:
            objects: Reads, writes and signs.
            named: Buckets or prefixes in them, as URIs; `s3://` is every bucket of S3.
            uploads: Tells where uploads go, which counts as named where nothing else is; asked once it answers.
        """
        super().__init__()
        self._objects = objects
        self._named = tuple(name if name.endswith("/") else f"{name}/" for name in named)
        self._uploads = None if self._named else uploads
        self._lock: asyncio.Lock | None = None

    async def read(self, uri: str) -> bytes:
        """See `Storage`."""
        return await self._objects.read(await self._checked(uri))

    async def write(self, uri: str, data: bytes) -> None:
        """See `Storage`."""
        await self._objects.write(await self._checked(uri), data)

    async def exists(self, uri: str) -> bool:
        """See `Storage`."""
        return await self._objects.exists(await self._checked(uri))

    async def head(self, uri: str) -> ObjectHead:
        """See `Storage`."""
        return await self._objects.head(await self._checked(uri))

    async def blocks(self, uri: str) -> AsyncIterator[bytes]:
        """See `Storage`."""
        async for block in self._objects.blocks(await self._checked(uri)):
            yield block

    async def list(self, uri: str) -> list[str]:
        """See `Storage`."""
        return await self._objects.list(await self._checked(uri))

    async def sign(self, uri: str, life: timedelta) -> str:
        """See `Storage`."""
        return await self._objects.sign(await self._checked(uri), life)

    async def _checked(self, uri: str) -> str:
        """The URI, if it lies in a named bucket.

        Raises:
            BadObjectName: It does not; no library has seen it.
        """
        named = await self._all_named()
        if not uri.startswith(named) or "/../" in f"{uri}/":
            where = ", ".join(named) or "none"
            raise BadObjectName(
                uri, f"not in a bucket that this installation names ({where}); name it with FLYTE_BRIDGE_BUCKETS"
            )
        return uri

    async def _all_named(self) -> tuple[str, ...]:
        if self._uploads is None:
            return self._named
        self._lock = self._lock or asyncio.Lock()
        async with self._lock:
            if self._uploads is not None:
                try:
                    scheme, _, rest = (await self._uploads()).partition("://")
                except StatusError:
                    return ()  # this caller may not upload; another's call tells
                self._named, self._uploads = (f"{scheme}://{rest.partition('/')[0]}/",), None
        return self._named
