"""Multipart uploads: parts in files of their own until the upload is completed, aborted or forgotten.

```
<root>/.uploads/<id>/upload.json      what was asked for
<root>/.uploads/<id>/00001 ...        the parts
```
"""

from __future__ import annotations

import itertools
import json
import os
import re
import secrets
import shutil
import time
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from flyte_bridge.embedded.objects.faults import S3Fault
from flyte_bridge.embedded.objects.store import etag_of
from flyte_bridge.embedded.objects.transfer import check_size
from flyte_bridge.embedded.objects.writer import store_error

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from flyte_bridge.embedded.objects.store import ObjectInfo, ObjectStore
    from flyte_bridge.embedded.objects.writer import Writer

MAX_PART = 10_000
MIN_PART_BYTES = 5 << 20
"""S3's limits: parts are numbered 1 to 10,000, and all but the last have at least 5 MiB."""

FORGOTTEN = 7 * 24 * 3600.0
"""Seconds after which an upload nobody touches is given up, at the next start."""

_ID = re.compile(r"[0-9a-f]{32}\Z")
_PART = re.compile(r"\d{5}\Z")


@dataclass(frozen=True)
class UploadPart:
    """A stored part."""

    number: int
    size: int
    etag: str
    modified: datetime
    path: Path


@dataclass(frozen=True)
class Upload:
    """An upload that has begun."""

    id: str
    bucket: str
    key: str
    content_type: str
    headers: dict[str, str]
    started: datetime
    directory: Path


class Uploads:
    """The multipart uploads of a store.

    Args:
        store: Where completed uploads become objects.
    """

    def __init__(self, store: ObjectStore) -> None:
        self._store = store
        self._root = store.root / ".uploads"
        self._forget()

    def begin(self, bucket: str, key: str, content_type: str, headers: Mapping[str, str]) -> str:
        """Begin an upload and return its id.

        Raises:
            NoSuchObject: There is no such bucket.
            BadObjectName: The key cannot be.
            StoreError: The disk is full or cannot be written.
        """
        self._store.create(f"s3://{bucket}/{key}").discard()  # refuse now what could not be completed
        name = secrets.token_hex(16)
        record = {"bucket": bucket, "key": key, "content_type": content_type, "headers": dict(headers)}
        try:
            (self._root / name).mkdir(parents=True)
            (self._root / name / "upload.json").write_text(json.dumps(record), encoding="utf-8")
        except OSError as error:
            shutil.rmtree(self._root / name, ignore_errors=True)
            raise store_error(error, f"s3://{bucket}/{key}") from error
        return name

    def get(self, name: str, bucket: str, key: str) -> Upload:
        """Return an upload of that object.

        Raises:
            S3Fault: There is none: NoSuchUpload.
        """
        upload = self._load(name) if _ID.match(name) else None
        if upload is None or (upload.bucket, upload.key) != (bucket, key):
            raise S3Fault("NoSuchUpload", "no such upload of this key: it was completed, aborted or never begun")
        return upload

    def under_way(self, bucket: str) -> list[Upload]:
        """Return the uploads to a bucket that are under way, by key."""
        names = sorted(path.name for path in self._root.iterdir()) if self._root.is_dir() else []
        uploads = [upload for name in names if _ID.match(name) and (upload := self._load(name)) is not None]
        return sorted((each for each in uploads if each.bucket == bucket), key=lambda each: (each.key, each.started))

    def put(self, upload: Upload, number: int, writer: Writer) -> UploadPart:
        """Keep what was written as a part.

        Raises:
            S3Fault: The upload is gone.
            StoreError: The disk cannot be written.
        """
        writer.finish()
        path = upload.directory / f"{number:05d}"
        try:
            now = time.time_ns()
            os.utime(writer.path, ns=(now, now))
            writer.path.replace(path)
            return _part(path)
        except FileNotFoundError as error:
            raise S3Fault("NoSuchUpload", "the upload was completed or aborted meanwhile") from error
        except OSError as error:
            raise store_error(error, writer.uri) from error

    def parts(self, upload: Upload) -> list[UploadPart]:
        """Return the parts that came, in order."""
        try:
            paths = sorted(path for path in upload.directory.iterdir() if _PART.match(path.name))
            return [_part(path) for path in paths]
        except FileNotFoundError as error:
            raise S3Fault("NoSuchUpload", "the upload was completed or aborted meanwhile") from error

    def complete(
        self, upload: Upload, wanted: Sequence[tuple[int, str]], check: Callable[[ObjectInfo | None], None] | None
    ) -> ObjectInfo:
        """Make the object of the wanted parts, given as number and ETag.

        Raises:
            S3Fault: A part is missing, another than meant, too small, or out of order.
            StoreError: The disk is full or cannot be written; the upload can be completed later.
        """
        parts = _chosen({part.number: part for part in self.parts(upload)}, wanted)
        uri = f"s3://{upload.bucket}/{upload.key}"
        with self._store.create(uri, content_type=upload.content_type, headers=upload.headers) as writer:
            size = sum(part.size for part in parts)
            check_size(size)
            self._store.check_room(uri, size)
            for part in parts:
                with part.path.open("rb", buffering=0) as file:
                    writer.append(file)
            info = writer.commit(check)
        self.abort(upload)
        return info

    def abort(self, upload: Upload) -> None:
        """Forget an upload."""
        shutil.rmtree(upload.directory, ignore_errors=True)

    def _load(self, name: str) -> Upload | None:
        directory = self._root / name
        try:
            record = json.loads((directory / "upload.json").read_text(encoding="utf-8"))
            started = datetime.fromtimestamp((directory / "upload.json").stat().st_mtime, tz=timezone.utc)
        except (OSError, ValueError):
            return None
        return Upload(
            name, record["bucket"], record["key"], record["content_type"], record["headers"], started, directory
        )

    def _forget(self) -> None:
        if not self._root.is_dir():
            return
        for directory in self._root.iterdir():
            if time.time() - directory.stat().st_mtime > FORGOTTEN:
                shutil.rmtree(directory, ignore_errors=True)


def _part(path: Path) -> UploadPart:
    status = path.stat()
    modified = datetime.fromtimestamp(status.st_mtime, tz=timezone.utc)
    return UploadPart(int(path.name), status.st_size, etag_of(status), modified, path)


def _chosen(parts: Mapping[int, UploadPart], wanted: Sequence[tuple[int, str]]) -> list[UploadPart]:
    if not wanted:
        raise S3Fault("MalformedXML", "an upload is completed with at least one part")
    if any(left >= right for (left, _), (right, _) in itertools.pairwise(wanted)):
        raise S3Fault("InvalidPartOrder", "parts are listed in ascending order, each once")
    chosen = []
    for number, etag in wanted:
        part = parts.get(number)
        if part is None or part.etag != etag:
            raise S3Fault("InvalidPart", f"part {number} did not come, or has another ETag; upload it again")
        chosen.append(part)
    for part in chosen[:-1]:
        if part.size < MIN_PART_BYTES:
            raise S3Fault("EntityTooSmall", f"part {part.number} has {part.size} bytes; all but the last have 5 MiB")
    return chosen
