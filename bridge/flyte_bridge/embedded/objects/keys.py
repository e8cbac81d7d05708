"""Object keys as file paths: each S3 key has one place under its bucket's directory, none has one outside.

Ordinary keys keep their shape, so that a bucket can be read with `ls`. What a file system cannot hold is escaped:

| in the key | in the file name | why |
|---|---|---|
| `%` | `%25` | the escape character itself; so every `%` below is ours |
| a control character | `%XX` | NUL cannot be a name, the others make terminals lie |
| `\\` | `%5C` | a separator elsewhere |
| an empty segment (`a//b`, `a/`, `/a`) | `%-` | a file system folds them |
| a segment `.` or `..` | `%2E`, `%2E%2E` | the way out of the directory |
| a segment above 200 bytes | pieces, all but the last ending in `%+` | a file name has at most 255 bytes |
| an object `a` beside objects `a/…` | `a%=` | a name cannot be a file and a directory |

Source of the limits: S3's object key naming guide (1,024 bytes of UTF-8), POSIX `NAME_MAX`.
"""

from __future__ import annotations

import re
from urllib.parse import unquote

from flyte_bridge.errors import BadObjectName

MAX_KEY_BYTES = 1024
"""S3's limit on a key, in bytes of UTF-8."""

PIECE_BYTES = 200
"""A longer file name is split; leaves room for the marks and for temporary names below NAME_MAX (255)."""

EMPTY = "%-"
MORE = "%+"
BESIDE = "%="
"""Marks the file of an object whose name is also a directory."""

_ESCAPED = re.compile(r"[%\\\x00-\x1f\x7f]")
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]\Z")


def check_bucket(bucket: str) -> str:
    """Return the bucket's name if it is one.

    Raises:
        BadObjectName: It is not 3 to 63 of lower-case letters, digits, dots and hyphens (S3's rule), or has `..` in it.
    """
    if not _BUCKET.match(bucket) or ".." in bucket:
        raise BadObjectName(
            bucket, "a bucket's name has 3 to 63 lower-case letters, digits, dots and hyphens, and no two dots in a row"
        )
    return bucket


def split_uri(uri: str) -> tuple[str, str]:
    """Split `s3://bucket/key` into bucket and key; the key may be empty.

    Raises:
        BadObjectName: It is no `s3://` URI or its bucket is no bucket name.
    """
    if not uri.startswith("s3://"):
        raise BadObjectName(uri, "the embedded backend stores objects under s3:// only")
    bucket, _, key = uri[len("s3://") :].partition("/")
    return check_bucket(bucket), key


def to_parts(key: str) -> list[str]:
    """Return the file name parts for a key: directories first, the file last.

    Raises:
        BadObjectName: The key is empty, above 1,024 bytes, or not encodable as UTF-8.
    """
    if not key:
        raise BadObjectName(key, "an object's key cannot be empty")
    try:
        size = len(key.encode("utf-8"))
    except UnicodeEncodeError as error:
        raise BadObjectName(key, "an object's key must be UTF-8") from error
    if size > MAX_KEY_BYTES:
        raise BadObjectName(key, f"an object's key has at most {MAX_KEY_BYTES} bytes, this one has {size}")
    parts: list[str] = []
    for segment in key.split("/"):
        parts.extend(_encode(segment))
    return parts


def prefix_parts(prefix: str) -> tuple[list[str], str]:
    """Return the directory that holds every key starting with `prefix`, and that directory's own key prefix."""
    head, slash, _ = prefix.rpartition("/")
    if not slash:
        return [], ""
    parts: list[str] = []
    for segment in head.split("/"):
        parts.extend(_encode(segment))
    return parts, head + "/"


def from_name(name: str) -> tuple[str, str]:
    """Return what a directory entry stands for: its text and its mark (`""`, `MORE`, `BESIDE`)."""
    mark = ""
    if name.endswith((MORE, BESIDE)):
        name, mark = name[:-2], name[-2:]
    return ("" if name == EMPTY else unquote(name)), mark


def _encode(segment: str) -> list[str]:
    if segment == "":
        return [EMPTY]
    if segment in {".", ".."}:
        return [segment.replace(".", "%2E")]
    pieces: list[str] = []
    current, size = "", 0
    for character in segment:
        escaped = _ESCAPED.sub(lambda match: f"%{ord(match.group()):02X}", character)
        width = len(escaped.encode("utf-8"))
        if size + width > PIECE_BYTES:
            pieces.append(current + MORE)
            current, size = "", 0
        current += escaped
        size += width
    pieces.append(current)
    return [piece.replace(".", "%2E") if piece in {".", ".."} else piece for piece in pieces]
