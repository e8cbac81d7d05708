"""Pages of a bucket's keys: ListObjects, version 1 and 2.

| | version 1 | version 2 |
|---|---|---|
| where a page begins | `marker` | `continuation-token`, else `start-after` |
| where the next one does | `NextMarker` | `NextContinuationToken` |
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import quote

from flyte_bridge.embedded.objects import keys, xml
from flyte_bridge.embedded.objects.faults import S3Fault

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from flyte_bridge.embedded.objects.store import ObjectInfo, ObjectStore

MAX_KEYS = 1000
"""S3's limit on a page, and its size if none is asked for."""


@dataclass
class Page:
    """A page of a listing.

    Attributes:
        objects: The objects, in key order.
        prefixes: What stands for all keys that share it up to the delimiter, in order.
        next: Where the next page begins; None on the last.
    """

    objects: list[ObjectInfo] = field(default_factory=list)
    prefixes: list[str] = field(default_factory=list)
    next: str | None = None


def page(store: ObjectStore, uri: str, *, delimiter: str, after: str, limit: int) -> Page:
    """Return at most `limit` objects and common prefixes behind the key `after`; the URI's key is the prefix."""
    found = Page()
    last = ""
    if limit == 0:
        return found
    for entry in _entries(store, uri, delimiter, after):
        if len(found.objects) + len(found.prefixes) == limit:
            found.next = last
            break
        if isinstance(entry, str):
            found.prefixes.append(entry)
            last = entry
        else:
            found.objects.append(entry)
            last = entry.key
    return found


def _entries(store: ObjectStore, uri: str, delimiter: str, after: str) -> Iterator[ObjectInfo | str]:
    if delimiter == "/":
        yield from store.list_level(uri, after=after)
        return
    common = None
    prefix = keys.split_uri(uri)[1]
    for info in store.list(uri, after=after):
        head, found, _ = info.key[len(prefix) :].partition(delimiter) if delimiter else (info.key, "", "")
        if not found:
            yield info
        elif (shared := prefix + head + delimiter) != common and not after.startswith(shared):
            common = shared
            yield shared


def answer(store: ObjectStore, bucket: str, query: Mapping[str, str]) -> bytes:
    """Return the document for a listing's request.

    Raises:
        S3Fault: A parameter cannot be.
    """
    version2 = query.get("list-type") == "2"
    prefix, delimiter = query.get("prefix", ""), query.get("delimiter", "")
    limit = _limit(query)
    encoding = query.get("encoding-type", "")
    if encoding not in {"", "url"}:
        raise S3Fault("InvalidArgument", f"encoding-type: {encoding!r} is not url")
    start = query.get("start-after" if version2 else "marker", "")
    after = _untoken(query["continuation-token"]) if version2 and "continuation-token" in query else start

    def text(value: str) -> str:
        return quote(value, safe="/") if encoding else value

    found = page(store, f"s3://{bucket}/{prefix}", delimiter=delimiter, after=after, limit=limit)
    head: list[tuple[str, object]] = [("Name", bucket), ("Prefix", text(prefix)), ("MaxKeys", limit)]
    if delimiter:
        head.append(("Delimiter", text(delimiter)))
    if encoding:
        head.append(("EncodingType", encoding))
    head.append(("IsTruncated", found.next is not None))
    if version2:
        head.append(("KeyCount", len(found.objects) + len(found.prefixes)))
        if "start-after" in query:
            head.append(("StartAfter", text(start)))
        if "continuation-token" in query:
            head.append(("ContinuationToken", query["continuation-token"]))
        if found.next is not None:
            head.append(("NextContinuationToken", _token(found.next)))
    else:
        head.append(("Marker", text(start)))
        if found.next is not None:
            head.append(("NextMarker", text(found.next)))
    contents = [("Contents", _content(info, text(info.key))) for info in found.objects]
    prefixes = [("CommonPrefixes", [("Prefix", text(each))]) for each in found.prefixes]
    return xml.document("ListBucketResult", [*head, *contents, *prefixes])


def _content(info: ObjectInfo, key: str) -> list[tuple[str, object]]:
    return [
        ("Key", key),
        ("LastModified", stamp(info)),
        ("ETag", f'"{info.etag}"'),
        ("Size", info.size),
        ("StorageClass", "STANDARD"),
    ]


def stamp(info: ObjectInfo) -> str:
    """Return when an object was stored, as S3 writes it."""
    return info.modified.strftime("%Y-%m-%dT%H:%M:%S.") + f"{info.modified.microsecond // 1000:03d}Z"


def _limit(query: Mapping[str, str]) -> int:
    value = query.get("max-keys", str(MAX_KEYS))
    if not value.isascii() or not value.isdigit():
        raise S3Fault("InvalidArgument", f"max-keys: {value!r} is not a count")
    return min(int(value), MAX_KEYS)


def _token(key: str) -> str:
    return base64.urlsafe_b64encode(key.encode("utf-8")).decode("ascii")


def _untoken(token: str) -> str:
    try:
        return base64.b64decode(token, altchars=b"-_", validate=True).decode("utf-8")
    except (binascii.Error, ValueError) as error:
        raise S3Fault("InvalidArgument", "continuation-token: not one of ours; begin the listing anew") from error
