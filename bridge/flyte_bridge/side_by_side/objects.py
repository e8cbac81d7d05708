"""The store of a side whose credentials nobody has here: single objects by URLs that its control plane signs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..backend.storage import ObjectHead
from ..errors import BackendError, NoSuchObject, ObjectError
from .control_plane import fetched

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from ..backend.storage import Storage


class SignedObjects:
    """Reads objects through signed URLs, and what is in no object store as everybody; see `verify.contents.ReadableObjects`."""

    def __init__(self, sign: Callable[[str], Awaitable[str]], others: Storage, hint: str) -> None:
        """Signs nothing yet.

        Args:
            sign: Gives the URL of an object.
            others: Reads what has no signed URL: local files.
            hint: What to set to have the store's own credentials here, for messages.
        """
        self._sign = sign
        self._others = others
        self._hint = hint

    async def read(self, uri: str) -> bytes:
        """An object."""
        if not _stored(uri):
            return await self._others.read(uri)
        data, _ = await self._fetched(uri)
        return data

    async def head(self, uri: str) -> ObjectHead:
        """Its size; a signed URL tells no checksum that could be trusted."""
        if not _stored(uri):
            return await self._others.head(uri)
        _, size = await self._fetched(uri, most=1)
        return ObjectHead(size)

    async def blocks(self, uri: str) -> AsyncIterator[bytes]:
        """Its content, in one piece."""
        yield await self.read(uri)

    async def list(self, uri: str) -> list[str]:
        """Refuses: a URL is signed for one object.

        Raises:
            ObjectError: Always, for what is in an object store.
        """
        if not _stored(uri):
            return await self._others.list(uri)
        raise ObjectError(uri, f"directories can be listed only with the store's credentials: {self._hint}")

    async def _fetched(self, uri: str, most: int | None = None) -> tuple[bytes, int]:
        try:
            return await fetched(await self._sign(uri), most=most)
        except ObjectError as error:
            if "HTTP 404" in str(error):
                raise NoSuchObject(uri) from None
            raise
        except BackendError as error:
            raise ObjectError(uri, f"no URL was signed for it ({error}); {self._hint}") from None


def _stored(uri: str) -> bool:
    return "://" in uri and not uri.startswith("file://")
