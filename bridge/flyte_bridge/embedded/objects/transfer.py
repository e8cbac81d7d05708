"""Bytes between a connection and the store: streamed, in pieces of a megabyte, with the checks HTTP and S3 ask for."""

from __future__ import annotations

import asyncio
import re
from datetime import datetime, timezone
from email.utils import format_datetime, parsedate_to_datetime
from typing import IO, TYPE_CHECKING

from flyte_bridge.embedded.objects import chunked, http
from flyte_bridge.embedded.objects.digests import Digests
from flyte_bridge.embedded.objects.faults import S3Fault

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from flyte_bridge.embedded.objects.http import HttpRequest, Send
    from flyte_bridge.embedded.objects.store import ObjectInfo, ObjectStore
    from flyte_bridge.embedded.objects.writer import Writer

PIECE = 1 << 20
"""Bytes that go through a worker thread at once; smaller bodies are written on the spot."""

MAX_OBJECT = 5 << 40
"""S3's limit on an object: 5 TiB."""

_RANGE = re.compile(r"bytes=(\d*)-(\d*)\Z")

KEPT = ("cache-control", "content-disposition", "content-encoding", "content-language", "expires")
"""Headers of an upload that its downloads are answered with."""


_NEVER_OURS = (
    # scripts may run, in an origin of their own, which reaches nothing of ours
    ("content-security-policy", "sandbox allow-scripts allow-popups; base-uri 'none'; form-action 'none'"),
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
)
"""What every object is answered with."""


def _opens_in_browsers(request: HttpRequest) -> bool:
    """Whether the URL alone opens the object: it is signed, where other requests have a signature in a header."""
    return not request.query.keys().isdisjoint({"signature", "X-Amz-Signature", "AWSAccessKeyId"})


def _is_report(content_type: str, request: HttpRequest) -> bool:
    """Whether a browser may show it rather than save it: a report, by the URL that was signed for one."""
    return content_type.startswith("text/html") and "type" in request.query and "signature" in request.query


async def receive(request: HttpRequest, store: ObjectStore, writer: Writer) -> None:
    """Write a request's body, decoded and checked.

    Raises:
        S3Fault: It is not what its headers promise.
        StoreFull: The disk has no room for it; said before the body is read, if its length is known.
        ClientGone: The client hung up.
    """
    trailer: dict[str, str] = {}
    pieces: AsyncIterator[bytes | memoryview] = request.pieces()
    expected = _length(request, "content-length")
    if chunked.is_chunked(request.headers):
        pieces = chunked.decode(request.pieces(), trailer)
        expected = _length(request, "x-amz-decoded-content-length")
    if expected is not None:
        check_size(expected)
        store.check_room(writer.uri, expected)
    digests = Digests(request.headers)
    buffer = bytearray()
    async for piece in pieces:
        buffer += piece
        if len(buffer) >= PIECE:
            await asyncio.to_thread(_take, writer, digests, buffer)
            buffer = bytearray()
    _take(writer, digests, buffer)
    if expected is not None and writer.size != expected:
        raise S3Fault("IncompleteBody", f"{expected} bytes were announced and {writer.size} came; send it again")
    digests.check(trailer)


def check_size(size: int) -> None:
    """Refuse what S3 refuses.

    Raises:
        S3Fault: It is above S3's limit.
    """
    if size > MAX_OBJECT:
        raise S3Fault("EntityTooLarge", f"an object has at most {MAX_OBJECT} bytes, this one would have {size}")


def _take(writer: Writer, digests: Digests, data: bytearray) -> None:
    writer.write(data)
    digests.update(data)


def _length(request: HttpRequest, name: str) -> int | None:
    value = request.headers.get(name)
    if value is None:
        return None
    if not value.isascii() or not value.isdigit():
        raise S3Fault("InvalidArgument", f"{name}: {value!r} is not a length")
    return int(value)


async def small_body(request: HttpRequest, limit: int) -> bytes:
    """Return a body that belongs in memory, checked like any other.

    Raises:
        S3Fault: It is above the limit, or not what its headers promise.
        ClientGone: The client hung up.
    """
    trailer: dict[str, str] = {}
    pieces: AsyncIterator[bytes | memoryview] = request.pieces()
    if chunked.is_chunked(request.headers):
        pieces = chunked.decode(request.pieces(), trailer)
    digests = Digests(request.headers)
    data = bytearray()
    async for piece in pieces:
        data += piece
        if len(data) > limit:
            raise S3Fault("EntityTooLarge", f"this request's body has at most {limit} bytes")
    digests.update(data)
    digests.check(trailer)
    return bytes(data)


async def deliver(request: HttpRequest, send: Send, file: IO[bytes], info: ObjectInfo) -> None:
    """Answer a GET or HEAD with an object, or with the part of it that is asked for.

    What the store holds is anybody's, and this is the backend's origin: a browser that is led here runs nothing of it.

    Raises:
        S3Fault: A precondition is not met, or the range is outside the object.
    """
    headers = [
        ("content-type", http.field_value(request.query.get("response-content-type", info.content_type))),
        *_NEVER_OURS,
        ("etag", f'"{info.etag}"'),
        ("last-modified", format_datetime(info.modified.replace(microsecond=0), usegmt=True)),
        ("accept-ranges", "bytes"),
    ]
    stored = dict(info.headers)
    for name in KEPT:
        if f"response-{name}" in request.query:
            stored[name] = http.field_value(request.query[f"response-{name}"])
    headers.extend(stored.items())
    if _opens_in_browsers(request) and not _is_report(headers[0][1], request):
        headers = [(name, value) for name, value in headers if name != "content-disposition"]
        _, semicolon, parameters = stored.get("content-disposition", "").partition(";")
        headers.append(("content-disposition", f"attachment{semicolon}{parameters}"))
    if _unchanged(request, info):
        await http.answer(send, 304, headers=headers)
        return
    first, count = 0, info.size
    status = 200
    wanted = _range(request.headers.get("range", ""), info.size)
    if wanted is not None:
        first, count = wanted
        status = 206
        headers.append(("content-range", f"bytes {first}-{first + count - 1}/{info.size}"))
    await http.start(send, status, [*headers, ("content-length", str(count))])
    if request.method == "HEAD" or count == 0:
        await http.body(send)
        return
    file.seek(first)
    if count < PIECE:
        await http.body(send, file.read(count))
        return
    await request.drain()
    # hypercorn takes what is sent to a client that is gone and keeps it: the rest of an object, measured at 200 MB
    gone = asyncio.ensure_future(request.hung_up())
    try:
        while count and not gone.done():
            piece = await asyncio.to_thread(file.read, min(count, PIECE))
            if not piece:  # what is open is never changed, only replaced: somebody else cut the file
                raise RuntimeError(f"{info.uri}: became shorter while it was read")
            count -= len(piece)
            await http.body(send, piece, more=count > 0)
    finally:
        gone.cancel()


def _range(header: str, size: int) -> tuple[int, int] | None:
    """Return first byte and count of a range; None for all of it: no range, one we cannot read, or several."""
    match = _RANGE.match(header)
    if match is None or match.groups() == ("", ""):
        return None
    first, last = match.groups()
    if first == "":
        count = min(int(last), size)
        start = size - count
    else:
        start = int(first)
        count = min(int(last), size - 1) - start + 1 if last else size - start
        if last and int(last) < start:
            return None
    if count <= 0 or start >= size:
        raise S3Fault(
            "InvalidRange",
            f"the object has {size} bytes; {header} is outside it",
            (("content-range", f"bytes */{size}"),),
        )
    return start, count


def _unchanged(request: HttpRequest, info: ObjectInfo) -> bool:
    """Tell whether the client has the object already; RFC 9110 section 13.2.2 has the order of the four headers.

    Raises:
        S3Fault: The object is not the one the client means.
    """
    headers = request.headers
    if "if-match" in headers:
        if not _matches(headers["if-match"], info):
            raise S3Fault("PreconditionFailed", "If-Match: the object has another ETag")
    elif (since := _date(headers.get("if-unmodified-since"))) and info.modified.replace(microsecond=0) > since:
        raise S3Fault("PreconditionFailed", "If-Unmodified-Since: the object is newer")
    if "if-none-match" in headers:
        return _matches(headers["if-none-match"], info)
    since = _date(headers.get("if-modified-since"))
    return since is not None and info.modified.replace(microsecond=0) <= since


def write_check(request: HttpRequest) -> Callable[[ObjectInfo | None], None] | None:
    """Return the check an upload's or deletion's `If-Match` or `If-None-Match` asks for.

    Raises:
        S3Fault: S3 has no such condition.
    """
    match, none_match = request.headers.get("if-match"), request.headers.get("if-none-match")
    if none_match is not None and none_match.strip() != "*":
        raise S3Fault("NotImplemented", "If-None-Match: for a write, S3 knows only *")
    if match is None and none_match is None:
        return None

    def check(current: ObjectInfo | None) -> None:
        if none_match is not None and current is not None:
            raise S3Fault("PreconditionFailed", "If-None-Match: there is such an object")
        if match is not None and current is None:
            raise S3Fault("NoSuchKey", "If-Match: there is no such object")
        if match is not None and current is not None and not _matches(match, current):
            raise S3Fault("PreconditionFailed", "If-Match: the object has another ETag")

    return check


def _matches(header: str, info: ObjectInfo) -> bool:
    return any(tag.strip().removeprefix("W/").strip('"') in {"*", info.etag} for tag in header.split(","))


def _date(header: str | None) -> datetime | None:
    if header is None:
        return None
    try:
        date = parsedate_to_datetime(header)
    except ValueError:  # RFC 9110: a date that is none is as if it were not there
        return None
    return date if date.tzinfo else date.replace(tzinfo=timezone.utc)
