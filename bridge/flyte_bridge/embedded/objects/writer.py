"""An object on its way in, and what the operating system's refusals mean for it."""

from __future__ import annotations

import errno
import os
from contextlib import suppress
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Protocol

from flyte_bridge.errors import BadObjectName, StoreError, StoreFull

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path
    from types import TracebackType

    from flyte_bridge.embedded.objects.store import ObjectInfo

CHUNK = 1 << 20
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class Place(Protocol):
    """What makes a finished file the object: `ObjectStore.place`."""

    def __call__(self, writer: Writer, check: Callable[[ObjectInfo | None], None] | None) -> ObjectInfo: ...


@dataclass
class Writer:
    """An object on its way in. Leaving the `with` block without `commit` discards it.

    Attributes:
        bucket: The bucket it goes to.
        key: Its key there.
        path: The temporary file.
        content_type: What to store with it.
        headers: What else to store with it.
        size: Bytes written so far.
    """

    bucket: str
    key: str
    path: Path
    content_type: str
    headers: Mapping[str, str]
    _file: IO[bytes]
    _place: Place
    size: int = 0

    @property
    def uri(self) -> str:
        """The URI the object will have."""
        return f"s3://{self.bucket}/{self.key}"

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Append bytes.

        Raises:
            StoreError: The disk is full or cannot be written.
        """
        view = memoryview(data)
        try:
            while view:
                written = self._file.write(view)
                view = view[written:]
                self.size += written
        except OSError as error:
            raise store_error(error, self.uri) from error

    def append(self, file: IO[bytes], start: int = 0, count: int | None = None) -> None:
        """Append an open file's bytes from `start` on, all or `count` of them; the kernel copies where it can.

        Raises:
            StoreError: The disk is full or cannot be written.
        """
        left = os.fstat(file.fileno()).st_size - start if count is None else count
        in_kernel = hasattr(os, "copy_file_range")
        try:
            while left > 0:
                if in_kernel:
                    try:
                        done = os.copy_file_range(file.fileno(), self._file.fileno(), min(left, 64 * CHUNK), start)
                    except OSError as error:
                        if error.errno not in {errno.EXDEV, errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP}:
                            raise
                        in_kernel = False
                        continue
                    self.size += done
                else:
                    piece = os.pread(file.fileno(), min(left, CHUNK), start)
                    done = len(piece)
                    self.write(piece)
                if done == 0:
                    return
                start, left = start + done, left - done
        except OSError as error:
            raise store_error(error, self.uri) from error

    def commit(self, check: Callable[[ObjectInfo | None], None] | None = None) -> ObjectInfo:
        """Make it the object.

        Args:
            check: Called with the object that is there now, or None, while nobody can replace it; raises to refuse.

        Raises:
            StoreError: The disk is full or cannot be written; the object that was there before still is.
        """
        self.finish()
        try:
            return self._place(self, check)
        except OSError as error:
            raise store_error(error, self.uri) from error

    def finish(self) -> None:
        """Close the file: all bytes are in it.

        Raises:
            StoreError: The disk is full or cannot be written.
        """
        try:
            self._file.close()
        except OSError as error:
            raise store_error(error, self.uri) from error

    def discard(self) -> None:
        """Forget what was written; after `commit` there is nothing to forget."""
        with suppress(OSError):
            self._file.close()
        self.path.unlink(missing_ok=True)

    def __enter__(self) -> Writer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.discard()


def store_error(error: OSError, name: str) -> StoreError | BadObjectName:
    """Say what the operating system's error means for an object, and what to do about it."""
    if error.errno in _FULL:
        return StoreFull(f"{name}: not stored, the disk is full ({error.strerror}); free some space and try again")
    if error.errno == errno.ENAMETOOLONG:
        return BadObjectName(name, "its path would be longer than the file system allows; use a shorter data directory")
    return StoreError(f"{name}: {error.strerror or error}; check the data directory and its permissions")
