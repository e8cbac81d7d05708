"""The object store: a directory per bucket, plain files in it, every write all or nothing.

```
<root>/<bucket>/...       the objects (see `keys` for how a key becomes a path)
<root>/.meta/<bucket>/... content type and user metadata, for the few objects that have any
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
import json
import os
import shutil
import stat
import tempfile
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import IO, TYPE_CHECKING

from flyte_bridge.embedded.objects import keys
from flyte_bridge.embedded.objects.walk import walk
from flyte_bridge.errors import BadObjectName, NoSuchObject, StoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from types import TracebackType

DEFAULT_BUCKET = "flyte"
DEFAULT_CONTENT_TYPE = "binary/octet-stream"
"""What S3 answers for an object stored without a content type."""

CHUNK = 1 << 20
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
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
        metadata: The user's `x-amz-meta-*`, names in lower case and without the prefix.
    """

    bucket: str
    key: str
    size: int
    modified: datetime
    etag: str
    content_type: str = DEFAULT_CONTENT_TYPE
    metadata: Mapping[str, str] = field(default_factory=dict)

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

        A prefix is text: `s3://flyte/a` finds `a`, `ab` and `a/b`.
        """
        bucket, prefix = keys.split_uri(prefix_uri)
        for key, status in walk(self.root / bucket, prefix, after=after):
            yield self._info(bucket, key, status)

    # Writing

    def create(
        self, uri: str, *, content_type: str = DEFAULT_CONTENT_TYPE, metadata: Mapping[str, str] | None = None
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
        return Writer(
            self, bucket, key, os.fdopen(descriptor, "wb", buffering=0), Path(name), content_type, metadata or {}
        )

    def write(
        self,
        uri: str,
        data: bytes,
        *,
        content_type: str = DEFAULT_CONTENT_TYPE,
        metadata: Mapping[str, str] | None = None,
    ) -> ObjectInfo:
        """Store an object, replacing one of that name: all of it or, on an error, nothing of it.

        Raises:
            NoSuchObject: There is no such bucket.
            BadObjectName: The URI cannot name an object.
            StoreError: The disk is full or cannot be written.
        """
        with self.create(uri, content_type=content_type, metadata=metadata) as writer:
            writer.write(data)
            return writer.commit()

    def copy(self, source: str, target: str) -> ObjectInfo:
        """Copy an object with its content type and metadata.

        Raises:
            NoSuchObject: There is no such source or target bucket.
            BadObjectName: A URI cannot name an object.
            StoreError: The disk is full or cannot be written.
        """
        file, info = self.open(source)
        with file, self.create(target, content_type=info.content_type, metadata=info.metadata) as writer:
            writer.append(file)
            return writer.commit()

    def delete(self, uri: str) -> bool:
        """Delete an object; return False if there was none. Directories left empty go with it.

        Raises:
            BadObjectName: The URI cannot name an object.
        """
        bucket, key = keys.split_uri(uri)
        found = False
        with self._commit:
            for path in self._candidates(bucket, key):
                try:
                    path.unlink()
                except (*_NOT_THERE, PermissionError):  # macOS answers EPERM for a directory
                    continue
                found = True
                _prune(path.parent, self.root / bucket)
            self._drop_metadata(bucket, key)
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

    def place(
        self, temporary: Path, bucket: str, key: str, content_type: str, metadata: Mapping[str, str]
    ) -> ObjectInfo:
        """Make a finished temporary file the object; the last step of every write."""
        path = self._path(bucket, key)
        status = temporary.stat()
        with self._commit:
            _make_directories(path.parent, self.root / bucket)
            if os.path.realpath(path.parent) != str(path.parent):
                raise BadObjectName(key, "a symbolic link stands in its way")
            generation = self._write_metadata(bucket, key, status, content_type, metadata)
            beside = path.with_name(path.name + keys.BESIDE)
            if path.is_dir():
                temporary.replace(beside)
                path = beside
            else:
                temporary.replace(path)
                beside.unlink(missing_ok=True)
            self._drop_metadata(bucket, key, keep=generation)
            return self._info(bucket, key, path.stat())

    def _info(self, bucket: str, key: str, status: os.stat_result) -> ObjectInfo:
        content_type, metadata = self._read_metadata(bucket, key, status)
        identity = f"{status.st_ino}-{status.st_mtime_ns}-{status.st_size}".encode()
        return ObjectInfo(
            bucket,
            key,
            status.st_size,
            datetime.fromtimestamp(status.st_mtime, tz=timezone.utc),
            hashlib.blake2b(identity, digest_size=16).hexdigest() + "-1",
            content_type,
            metadata,
        )

    # Metadata lies in its own tree, one directory per object and one file per generation of it, named by size and
    # time of the bytes it belongs to: written before those appear, and meaningless if they never do.

    def _metadata_directory(self, bucket: str, key: str) -> Path:
        digest = hashlib.blake2b(key.encode("utf-8"), digest_size=20).hexdigest()
        return self.root / ".meta" / bucket / digest[:2] / digest

    def _write_metadata(
        self, bucket: str, key: str, status: os.stat_result, content_type: str, metadata: Mapping[str, str]
    ) -> str:
        name = f"{status.st_size}-{status.st_mtime_ns}"
        if content_type == DEFAULT_CONTENT_TYPE and not metadata:
            return ""
        directory = self._metadata_directory(bucket, key)
        try:
            directory.mkdir(parents=True, exist_ok=True)
            text = json.dumps({"key": key, "content_type": content_type, "metadata": dict(metadata)})
            (directory / name).write_text(text, encoding="utf-8")
        except OSError as error:
            with suppress(OSError):
                (directory / name).unlink()
            raise store_error(error, f"s3://{bucket}/{key}") from error
        return name

    def _read_metadata(self, bucket: str, key: str, status: os.stat_result) -> tuple[str, dict[str, str]]:
        path = self._metadata_directory(bucket, key) / f"{status.st_size}-{status.st_mtime_ns}"
        try:
            stored = json.loads(path.read_text(encoding="utf-8"))
            return str(stored["content_type"]), dict(stored["metadata"])
        except (OSError, ValueError, KeyError):
            return DEFAULT_CONTENT_TYPE, {}

    def _drop_metadata(self, bucket: str, key: str, *, keep: str = "") -> None:
        directory = self._metadata_directory(bucket, key)
        with suppress(OSError):
            for name in os.listdir(directory):  # noqa: PTH208 - names, not paths
                if name != keep:
                    (directory / name).unlink()
            directory.rmdir()


@dataclass
class Writer:
    """An object on its way in. Leaving the `with` block without `commit` discards it.

    Attributes:
        path: The temporary file.
        size: Bytes written so far.
    """

    _store: ObjectStore
    _bucket: str
    _key: str
    _file: IO[bytes]
    path: Path
    _content_type: str
    _metadata: Mapping[str, str]
    size: int = 0

    @property
    def uri(self) -> str:
        """The URI the object will have."""
        return f"s3://{self._bucket}/{self._key}"

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

    def append(
        self, file: IO[bytes], *, count: int | None = None, watch: Callable[[bytes], None] | None = None
    ) -> None:
        """Append the rest of an open file, or `count` bytes of it, in pieces.

        Raises:
            StoreError: The disk is full or cannot be written.
        """
        while count is None or count > 0:
            piece = file.read(CHUNK if count is None else min(CHUNK, count))
            if not piece:
                return
            if watch is not None:
                watch(piece)
            self.write(piece)
            if count is not None:
                count -= len(piece)

    def commit(self) -> ObjectInfo:
        """Make it the object.

        Raises:
            StoreError: The disk is full or cannot be written; the object that was there before still is.
        """
        try:
            self._file.close()
            return self._store.place(self.path, self._bucket, self._key, self._content_type, self._metadata)
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
        return StoreError(f"{name}: not stored, the disk is full ({error.strerror}); free some space and try again")
    if error.errno == errno.ENAMETOOLONG:
        return BadObjectName(name, "its path would be longer than the file system allows; use a shorter data directory")
    return StoreError(f"{name}: {error.strerror or error}; check the data directory and its permissions")


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
