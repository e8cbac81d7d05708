"""Content types and other headers of the few objects that have any, in files beside the buckets.

A directory per object and in it a file per generation, named by size and time of the bytes it belongs to: written
before those appear, and meaningless if they never do. So an object's bytes and headers change together, and a backup
that keeps modification times keeps both.
"""

from __future__ import annotations

import hashlib
import json
import os
from contextlib import suppress
from typing import TYPE_CHECKING

from flyte_bridge.embedded.objects.writer import store_error

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

DEFAULT_CONTENT_TYPE = "binary/octet-stream"
"""What S3 answers for an object stored without a content type."""


class HeaderFiles:
    """The headers of all objects of a store.

    Args:
        root: Where to keep them; made when the first is written.
    """

    def __init__(self, root: Path) -> None:
        self._root = root

    def write(
        self, bucket: str, key: str, status: os.stat_result, content_type: str, headers: Mapping[str, str]
    ) -> str:
        """Store the headers of the bytes with that status; return the generation's name, empty if there are none.

        Raises:
            StoreError: The disk is full or cannot be written.
        """
        if content_type == DEFAULT_CONTENT_TYPE and not headers:
            return ""
        path = self._directory(bucket, key) / _generation(status)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            text = json.dumps({"key": key, "content_type": content_type, "headers": dict(headers)})
            path.write_text(text, encoding="utf-8")
        except OSError as error:
            with suppress(OSError):
                path.unlink()
            raise store_error(error, f"s3://{bucket}/{key}") from error
        return path.name

    def read(self, bucket: str, key: str, status: os.stat_result) -> tuple[str, dict[str, str]]:
        """Return content type and other headers of the bytes with that status."""
        try:
            stored = json.loads((self._directory(bucket, key) / _generation(status)).read_text(encoding="utf-8"))
            return str(stored["content_type"]), dict(stored["headers"])
        except (OSError, ValueError, KeyError):
            return DEFAULT_CONTENT_TYPE, {}

    def drop(self, bucket: str, key: str, *, keep: str = "") -> None:
        """Forget an object's headers, but for one generation's."""
        directory = self._directory(bucket, key)
        with suppress(OSError):
            for name in os.listdir(directory):  # noqa: PTH208 - names, not paths
                if name != keep:
                    (directory / name).unlink()
            directory.rmdir()

    def _directory(self, bucket: str, key: str) -> Path:
        digest = hashlib.blake2b(key.encode("utf-8"), digest_size=20).hexdigest()
        return self._root / bucket / digest[:2] / digest


def _generation(status: os.stat_result) -> str:
    return f"{status.st_size}-{status.st_mtime_ns}"
