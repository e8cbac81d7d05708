"""The object store: a directory per bucket, plain files in it, every write all or nothing.

```
<root>/<bucket>/...       the objects (see `keys` for how a key becomes a path)
<root>/.meta/<bucket>/... content type and other headers, for the few objects that have any
<root>/.tmp/              bytes on their way in; emptied at start
<root>/.uploads/<id>/     parts of multipart uploads
```

An object comes into being by renaming a finished temporary file, so a reader sees the old bytes or the new, and a crash
or a full disk leaves the old. Nothing is fsynced: a killed server loses nothing, a killed kernel may.
One process owns the directory (the instance lock sees to that), so a lock around the renames is enough.
"""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import stat
import tempfile
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import IO, TYPE_CHECKING

from flyte_bridge.embedded.objects import keys
from flyte_bridge.embedded.objects.headers import DEFAULT_CONTENT_TYPE, HeaderFiles
from flyte_bridge.embedded.objects.walk import children, walk
from flyte_bridge.embedded.objects.writer import Writer, store_error
from flyte_bridge.errors import BadObjectName, NoSuchObject, StoreFull

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

DEFAULT_BUCKET = "flyte"

ROOM_LEFT = 16 << 20
"""Bytes of the disk that no object may take, so that the rest of the backend can still write."""

_NOT_THERE = (FileNotFoundError, NotADirectoryError, IsADirectoryError)


@dataclass(frozen=True)
class ObjectInfo:
    """What is known of an object without reading it.

    Attributes:
        bucket: Its bucket.
        key: Its key in the bucket.
        size: Bytes.
        modified: When it was stored, UTC.
        etag: Opaque, without quotes, different for every write. No MD5, which S3 clients see by its ending `-1`.
        content_type: As stored.
        headers: What else to answer a download with, names in lower case: `x-amz-meta-*`, `cache-control` and the like.
    """

    bucket: str
    key: str
    size: int
    modified: datetime
    etag: str
    content_type: str = DEFAULT_CONTENT_TYPE
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def uri(self) -> str:
        """The object's `s3://` URI."""
        return f"s3://{self.bucket}/{self.key}"


class ObjectStore:
    """Objects under a local directory, addressed by `s3://bucket/key`.

    All methods are synchronous and safe to call from any thread; on the event loop, call them directly for small
    objects and through `asyncio.to_thread` for large ones.

    Args:
        root: The directory that holds the buckets; made if missing.
        bucket: The bucket the backend itself uses; made if missing.

    Raises:
        StoreError: The directory cannot be made or written.
    """

    def __init__(self, root: Path, *, bucket: str = DEFAULT_BUCKET) -> None:
        self.bucket = keys.check_bucket(bucket)
        self._commit = threading.RLock()
        try:
            root.mkdir(parents=True, exist_ok=True)
            self.root = root.resolve()
            self._temporary = self.root / ".tmp"
            shutil.rmtree(self._temporary, ignore_errors=True)
            self._temporary.mkdir(exist_ok=True)
            (self.root / bucket).mkdir(exist_ok=True)
            self._headers = HeaderFiles(self.root / ".meta")
            self._last = 0
        except OSError as error:
            raise store_error(error, str(root)) from error

    # Names

    def uri(self, *parts: str) -> str:
        """Return the URI of a key in the backend's own bucket: `uri("a", "b")` is `s3://flyte/a/b`."""
        return f"s3://{self.bucket}/" + "/".join(parts)

    def buckets(self) -> list[str]:
        """Return the names of all buckets, sorted."""
        with os.scandir(self.root) as entries:
            return sorted(e.name for e in entries if e.is_dir(follow_symlinks=False) and not e.name.startswith("."))

    def has_bucket(self, bucket: str) -> bool:
        """Tell whether there is such a bucket; a name that cannot be one is none."""
        with suppress(BadObjectName):
            return (self.root / keys.check_bucket(bucket)).is_dir()
        return False

    def create_bucket(self, bucket: str) -> bool:
        """Make a bucket; return False if it was there.

        Raises:
            BadObjectName: The name cannot be a bucket's.
        """
        try:
            (self.root / keys.check_bucket(bucket)).mkdir()
        except FileExistsError:
            return False
        except OSError as error:
            raise store_error(error, bucket) from error
        return True

    def delete_bucket(self, bucket: str) -> bool:
        """Delete an empty bucket; return False if it holds objects or is the backend's own.

        Raises:
            NoSuchObject: There is no such bucket.
        """
        if not self.has_bucket(bucket):
            raise NoSuchObject(f"s3://{bucket}")
        with self._commit:
            if bucket == self.bucket or next(self.list(f"s3://{bucket}/"), None) is not None:
                return False
            shutil.rmtree(self.root / bucket)
        return True

    # Reading

    def open(self, uri: str) -> tuple[IO[bytes], ObjectInfo]:
        """Open an object for reading; what is read stays that object's bytes even if it is replaced meanwhile.

        Raises:
            NoSuchObject: There is none.
            BadObjectName: The URI cannot name one.
        """
        bucket, key = keys.split_uri(uri)
        for path in self._candidates(bucket, key):
            try:
                file = os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC), "rb", buffering=0)
            except _NOT_THERE:
                continue
            except OSError as error:
                if error.errno in {errno.ELOOP, errno.ENXIO}:
                    continue
                raise store_error(error, uri) from error
            status = os.fstat(file.fileno())
            if stat.S_ISREG(status.st_mode):
                return file, self._info(bucket, key, status)
            file.close()
        raise NoSuchObject(uri)

    def read(self, uri: str) -> bytes:
        """Return an object's bytes.

        Raises:
            NoSuchObject: There is none.
            BadObjectName: The URI cannot name one.
        """
        file, _ = self.open(uri)
        with file:
            return file.read()

    def info(self, uri: str) -> ObjectInfo:
        """Return what is known of an object.

        Raises:
            NoSuchObject: There is none.
            BadObjectName: The URI cannot name one.
        """
        file, info = self.open(uri)
        file.close()
        return info

    def exists(self, uri: str) -> bool:
        """Tell whether there is such an object."""
        try:
            self.open(uri)[0].close()
        except (NoSuchObject, BadObjectName):
            return False
        return True

    def list(self, prefix_uri: str, *, after: str = "") -> Iterator[ObjectInfo]:
        """Yield the objects whose key starts with the URI's key, in key order, those behind the key `after` only.

        A prefix is text: `s3://flyte/a` finds `a`, `ab` and `a/b`. Content type and headers are not filled in.
        """
        bucket, prefix = keys.split_uri(prefix_uri)
        for key, status in walk(self.root / bucket, prefix, after=after):
            yield self._info(bucket, key, status, listed=True)

    def list_level(self, prefix_uri: str, *, after: str = "") -> Iterator[ObjectInfo | str]:
        """As `list`, but only to the next slash behind the prefix: what is deeper comes once, as the text up to it."""
        bucket, prefix = keys.split_uri(prefix_uri)
        for key, status in children(self.root / bucket, prefix, after=after):
            yield key if status is None else self._info(bucket, key, status, listed=True)

    # Writing

    def check_room(self, uri: str, size: int) -> None:
        """Refuse an object that cannot fit, before its bytes are there.

        Raises:
            StoreFull: The disk has no room for `size` bytes.
        """
        free = shutil.disk_usage(self.root).free
        if size > max(free - ROOM_LEFT, 0):
            raise StoreFull(f"{uri}: not stored, it has {size} bytes and the disk {free} free; free some and try again")

    def create(
        self, uri: str, *, content_type: str = DEFAULT_CONTENT_TYPE, headers: Mapping[str, str] | None = None
    ) -> Writer:
        """Begin an object: write to it, then commit it; a context manager that discards what was not committed.

        Raises:
            NoSuchObject: There is no such bucket.
            BadObjectName: The URI cannot name an object.
            StoreError: The disk is full or cannot be written.
        """
        bucket, key = keys.split_uri(uri)
        keys.to_parts(key)
        if not self.has_bucket(bucket):
            raise NoSuchObject(f"s3://{bucket}")
        try:
            descriptor, name = tempfile.mkstemp(dir=self._temporary)
        except OSError as error:
            raise store_error(error, uri) from error
        os.fchmod(descriptor, 0o644)
        file = os.fdopen(descriptor, "wb", buffering=0)
        return Writer(bucket, key, Path(name), content_type, headers or {}, file, self._place)

    def write(
        self,
        uri: str,
        data: bytes,
        *,
        content_type: str = DEFAULT_CONTENT_TYPE,
        headers: Mapping[str, str] | None = None,
    ) -> ObjectInfo:
        """Store an object, replacing one of that name: all of it or, on an error, nothing of it.

        Raises:
            NoSuchObject: There is no such bucket.
            BadObjectName: The URI cannot name an object.
            StoreError: The disk is full or cannot be written.
        """
        with self.create(uri, content_type=content_type, headers=headers) as writer:
            writer.write(data)
            return writer.commit()

    def copy(self, source: str, target: str) -> ObjectInfo:
        """Copy an object with its content type and headers.

        Raises:
            NoSuchObject: There is no such source or target bucket.
            BadObjectName: A URI cannot name an object.
            StoreError: The disk is full or cannot be written.
        """
        file, info = self.open(source)
        with file, self.create(target, content_type=info.content_type, headers=info.headers) as writer:
            writer.append(file)
            return writer.commit()

    def delete(self, uri: str, check: Callable[[ObjectInfo | None], None] | None = None) -> bool:
        """Delete an object; return False if there was none. Directories left empty go with it.

        Args:
            uri: The object.
            check: As for `Writer.commit`.

        Raises:
            BadObjectName: The URI cannot name an object.
        """
        bucket, key = keys.split_uri(uri)
        found = False
        with self._commit:
            if check is not None:
                check(self._current(uri))
            for path in self._candidates(bucket, key):
                try:
                    path.unlink()
                except (*_NOT_THERE, PermissionError):  # macOS answers EPERM for a directory
                    continue
                found = True
                _prune(path.parent, self.root / bucket)
            self._headers.drop(bucket, key)
        return found

    # Within

    def _path(self, bucket: str, key: str) -> Path:
        return self.root.joinpath(bucket, *keys.to_parts(key))

    def _candidates(self, bucket: str, key: str) -> tuple[Path, ...]:
        """Return where an object may be: its own path, or beside it; nowhere, if a symbolic link leads the way out."""
        path = self._path(bucket, key)
        if os.path.realpath(path.parent) != str(path.parent):
            return ()
        return path, path.with_name(path.name + keys.BESIDE)

    def _place(self, writer: Writer, check: Callable[[ObjectInfo | None], None] | None) -> ObjectInfo:
        """Make a finished temporary file the object; the last step of every write."""
        bucket, key = writer.bucket, writer.key
        path = self._path(bucket, key)
        with self._commit:
            if check is not None:
                check(self._current(writer.uri))
            if not self.has_bucket(bucket):
                raise NoSuchObject(f"s3://{bucket}")
            if os.path.realpath(path.parent) != str(path.parent):
                raise BadObjectName(key, "a symbolic link stands in its way")
            _make_directories(path.parent, self.root / bucket)
            # File systems keep time by the tick (4 ms here); an ETag has to differ for writes within one.
            self._last = max(time.time_ns(), self._last + 1)
            os.utime(writer.path, ns=(self._last, self._last))
            generation = self._headers.write(bucket, key, writer.path.stat(), writer.content_type, writer.headers)
            beside = path.with_name(path.name + keys.BESIDE)
            if path.is_dir():
                writer.path.replace(beside)
                path = beside
            else:
                writer.path.replace(path)
                beside.unlink(missing_ok=True)
            self._headers.drop(bucket, key, keep=generation)
            return self._info(bucket, key, path.stat())

    def _current(self, uri: str) -> ObjectInfo | None:
        try:
            return self.info(uri)
        except NoSuchObject:
            return None

    def _info(self, bucket: str, key: str, status: os.stat_result, *, listed: bool = False) -> ObjectInfo:
        content_type, headers = (DEFAULT_CONTENT_TYPE, {}) if listed else self._headers.read(bucket, key, status)
        return ObjectInfo(
            bucket,
            key,
            status.st_size,
            datetime.fromtimestamp(status.st_mtime, tz=timezone.utc),
            etag_of(status),
            content_type,
            headers,
        )


def etag_of(status: os.stat_result) -> str:
    """Return the ETag of the bytes with that status."""
    identity = f"{status.st_ino}-{status.st_mtime_ns}-{status.st_size}".encode()
    return hashlib.blake2b(identity, digest_size=16).hexdigest() + "-1"


def _make_directories(directory: Path, bucket: Path) -> None:
    """Make an object's directories; an object that stands where one must be moves beside it."""
    try:
        directory.mkdir(parents=True, exist_ok=True)
        return
    except (FileExistsError, NotADirectoryError):
        pass
    for parent in reversed([directory, *directory.parents]):
        if bucket in parent.parents and parent.is_file() and not parent.is_symlink():
            parent.replace(parent.with_name(parent.name + keys.BESIDE))
            parent.mkdir()
    directory.mkdir(parents=True, exist_ok=True)


def _prune(directory: Path, bucket: Path) -> None:
    """Remove directories that hold nothing any more, up to the bucket."""
    while directory != bucket and bucket in directory.parents:
        try:
            directory.rmdir()
        except OSError:
            return
        directory = directory.parent
