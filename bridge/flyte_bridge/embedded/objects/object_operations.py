"""S3's operations on objects, but for multipart uploads."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from urllib.parse import unquote

from flyte_bridge.embedded.objects import listing, transfer, xml
from flyte_bridge.embedded.objects.faults import S3Fault, fault_of
from flyte_bridge.embedded.objects.headers import DEFAULT_CONTENT_TYPE
from flyte_bridge.errors import BridgeError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flyte_bridge.embedded.objects.s3 import Call
    from flyte_bridge.embedded.objects.store import ObjectInfo

_XML_LIMIT = 4 << 20
"""Bytes of a request's document; a batch deletion of 1,000 keys of 1,024 bytes, all escaped, stays below."""

_BATCH = 1000

# Headers that ask for what the store does not do, and the values that ask for nothing.
_REFUSED: dict[str, frozenset[str]] = {
    "x-amz-acl": frozenset({"private", "bucket-owner-full-control"}),
    "x-amz-storage-class": frozenset({"STANDARD"}),
    "x-amz-tagging": frozenset({""}),
    "x-amz-website-redirect-location": frozenset(),
    "x-amz-server-side-encryption": frozenset(),
    "x-amz-server-side-encryption-customer-algorithm": frozenset(),
    "x-amz-object-lock-mode": frozenset(),
    "x-amz-object-lock-legal-hold": frozenset({"OFF"}),
    "x-amz-grant-full-control": frozenset(),
    "x-amz-grant-read": frozenset(),
    "x-amz-write-offset-bytes": frozenset(),
}


def stored_headers(headers: Mapping[str, str]) -> tuple[str, dict[str, str]]:
    """Return content type and other headers to store with an upload.

    Raises:
        S3Fault: A header asks for what the store does not do.
    """
    for name, harmless in _REFUSED.items():
        if name in headers and headers[name] not in harmless:
            raise S3Fault(
                "NotImplemented", f"{name}: {headers[name]} is more than the embedded store does; leave it out"
            )
    kept = {name: headers[name] for name in transfer.KEPT if name in headers}
    kept.update({name: value for name, value in headers.items() if name.startswith("x-amz-meta-")})
    encodings = [each.strip() for each in kept.pop("content-encoding", "").split(",")]
    encoding = ",".join(each for each in encodings if each not in {"", "aws-chunked"})
    if encoding:
        kept["content-encoding"] = encoding
    return headers.get("content-type", DEFAULT_CONTENT_TYPE), kept


async def get(call: Call) -> None:
    """GetObject and HeadObject."""
    file, info = call.store.open(call.uri)
    with file:
        await transfer.deliver(call.request, call.send, file, info)


async def put(call: Call) -> None:
    """PutObject and CopyObject."""
    if "x-amz-copy-source" in call.request.headers:
        await _copy(call)
        return
    content_type, headers = stored_headers(call.request.headers)
    check = transfer.write_check(call.request)
    with call.store.create(call.uri, content_type=content_type, headers=headers) as writer:
        await transfer.receive(call.request, call.store, writer)
        info = writer.commit(check)
    await call.answer(200, headers=[("etag", f'"{info.etag}"')])


async def _copy(call: Call) -> None:
    await call.request.drain()
    headers = call.request.headers
    directive = headers.get("x-amz-metadata-directive", "COPY")
    if directive not in {"COPY", "REPLACE"}:
        raise S3Fault("InvalidArgument", f"x-amz-metadata-directive: {directive!r} is neither COPY nor REPLACE")
    content_type, kept = stored_headers(headers)
    source = copy_source(call)
    if source == call.uri and directive == "COPY":
        raise S3Fault("InvalidRequest", "a copy of an object to itself has to replace its metadata")
    check = transfer.write_check(call.request)

    def work() -> ObjectInfo:
        file, info = call.store.open(source)
        check_source(headers, info)
        what, other = (content_type, kept) if directive == "REPLACE" else (info.content_type, info.headers)
        with file, call.store.create(call.uri, content_type=what, headers=other) as writer:
            call.store.check_room(writer.uri, info.size)
            writer.append(file)
            return writer.commit(check)

    info = await asyncio.to_thread(work)
    document = [("LastModified", listing.stamp(info)), ("ETag", f'"{info.etag}"')]
    await call.answer(200, xml.document("CopyObjectResult", document))


def copy_source(call: Call) -> str:
    """Return the URI a copy reads.

    Raises:
        S3Fault: The header does not name an object.
    """
    value = call.request.headers["x-amz-copy-source"]
    path, _, query = value.partition("?")
    if query not in {"", "versionId=null"}:
        raise S3Fault("NotImplemented", f"x-amz-copy-source: {query}: the embedded store has no versions")
    source = unquote(path, errors="strict").removeprefix("/")
    if "/" not in source:
        raise S3Fault("InvalidArgument", f"x-amz-copy-source: {value!r} is not bucket/key")
    return f"s3://{source}"


def check_source(headers: Mapping[str, str], info: ObjectInfo) -> None:
    """Hold a copy to what it expects of its source.

    Raises:
        S3Fault: The source is another, or the condition is one we do not know.
    """
    match = headers.get("x-amz-copy-source-if-match")
    none_match = headers.get("x-amz-copy-source-if-none-match")
    if match is not None and match.strip('"') not in {"*", info.etag}:
        raise S3Fault("PreconditionFailed", "x-amz-copy-source-if-match: the source has another ETag")
    if none_match is not None and none_match.strip('"') in {"*", info.etag}:
        raise S3Fault("PreconditionFailed", "x-amz-copy-source-if-none-match: the source has that ETag")
    for name in ("x-amz-copy-source-if-modified-since", "x-amz-copy-source-if-unmodified-since"):
        if name in headers:
            raise S3Fault("NotImplemented", f"{name}: copy by ETag instead")


async def delete(call: Call) -> None:
    """DeleteObject; that there was none is no error."""
    call.store.delete(call.uri, transfer.write_check(call.request))
    await call.answer(204)


async def delete_many(call: Call) -> None:
    """DeleteObjects: one answer per key."""
    data = await transfer.small_body(call.request, _XML_LIMIT)
    try:
        tree = xml.parse(data, "Delete")
    except ValueError as error:
        raise S3Fault("MalformedXML", str(error)) from error
    wanted = [element.findtext("Key") or "" for element in tree.findall("Object")]
    versions = {element.findtext("VersionId") or "null" for element in tree.findall("Object")}
    if not 0 < len(wanted) <= _BATCH:
        raise S3Fault("MalformedXML", f"a batch deletes 1 to {_BATCH} objects, this one {len(wanted)}")
    if versions != {"null"}:
        raise S3Fault("NotImplemented", "VersionId: the embedded store has no versions")
    quiet = (tree.findtext("Quiet") or "").strip().lower() == "true"
    if not call.store.has_bucket(call.bucket):
        raise S3Fault("NoSuchBucket", f"there is no bucket {call.bucket}")

    def work() -> bytes:
        answers: list[tuple[str, object]] = []
        for key in wanted:
            try:
                call.store.delete(f"s3://{call.bucket}/{key}")
            except BridgeError as error:  # noqa: PERF203 - one key's error is no other's
                fault = fault_of(error)
                answers.append(("Error", [("Key", key), ("Code", fault.code), ("Message", fault.message)]))
            else:
                if not quiet:
                    answers.append(("Deleted", [("Key", key)]))
        return xml.document("DeleteResult", answers)

    await call.answer(200, await asyncio.to_thread(work))
