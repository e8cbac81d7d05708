"""S3's operations on multipart uploads."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING

from flyte_bridge.embedded.objects import object_operations, transfer, xml
from flyte_bridge.embedded.objects.faults import S3Fault
from flyte_bridge.embedded.objects.multipart import MAX_PART

if TYPE_CHECKING:
    from datetime import datetime

    from flyte_bridge.embedded.objects.multipart import Upload, UploadPart
    from flyte_bridge.embedded.objects.s3 import Call

_XML_LIMIT = 4 << 20
_RANGE = re.compile(r"bytes=(\d+)-(\d+)\Z")


async def begin(call: Call) -> None:
    """CreateMultipartUpload."""
    await call.request.drain()
    content_type, headers = object_operations.stored_headers(call.request.headers)
    name = call.uploads.begin(call.bucket, call.key, content_type, headers)
    document = [("Bucket", call.bucket), ("Key", call.key), ("UploadId", name)]
    await call.answer(200, xml.document("InitiateMultipartUploadResult", document))


async def put(call: Call) -> None:
    """UploadPart and UploadPartCopy."""
    upload, number = _upload(call), _number(call)
    with call.store.create(call.uri) as writer:
        if "x-amz-copy-source" not in call.request.headers:
            await transfer.receive(call.request, call.store, writer)
            part = call.uploads.put(upload, number, writer)
            await call.answer(200, headers=[("etag", f'"{part.etag}"')])
            return
        await call.request.drain()
        source = object_operations.copy_source(call)

        def work() -> UploadPart:
            file, info = call.store.open(source)
            with file:
                object_operations.check_source(call.request.headers, info)
                first, count = _copied(call, info.size)
                call.store.check_room(writer.uri, count)
                writer.append(file, first, count)
            return call.uploads.put(upload, number, writer)

        part = await asyncio.to_thread(work)
        document = [("LastModified", _stamp(part.modified)), ("ETag", f'"{part.etag}"')]
        await call.answer(200, xml.document("CopyPartResult", document))


async def complete(call: Call) -> None:
    """CompleteMultipartUpload."""
    upload = _upload(call)
    data = await transfer.small_body(call.request, _XML_LIMIT)
    try:
        tree = xml.parse(data, "CompleteMultipartUpload")
        wanted = [
            (int(element.findtext("PartNumber") or ""), (element.findtext("ETag") or "").strip().strip('"'))
            for element in tree.findall("Part")
        ]
    except ValueError as error:
        raise S3Fault("MalformedXML", str(error)) from error
    check = transfer.write_check(call.request)
    info = await asyncio.to_thread(call.uploads.complete, upload, wanted, check)
    location = f"http://{call.request.headers.get('host', 'localhost')}/{call.bucket}/{call.key}"
    document = [("Location", location), ("Bucket", call.bucket), ("Key", call.key), ("ETag", f'"{info.etag}"')]
    await call.answer(200, xml.document("CompleteMultipartUploadResult", document))


async def abort(call: Call) -> None:
    """AbortMultipartUpload."""
    await asyncio.to_thread(call.uploads.abort, _upload(call))
    await call.answer(204)


async def list_parts(call: Call) -> None:
    """ListParts, all on one page."""
    upload = _upload(call)
    found: list[tuple[str, object]] = [
        (
            "Part",
            [
                ("PartNumber", part.number),
                ("LastModified", _stamp(part.modified)),
                ("ETag", f'"{part.etag}"'),
                ("Size", part.size),
            ],
        )
        for part in call.uploads.parts(upload)
    ]
    head: list[tuple[str, object]] = [
        ("Bucket", call.bucket),
        ("Key", call.key),
        ("UploadId", upload.id),
        ("MaxParts", MAX_PART),
        ("IsTruncated", False),
    ]
    await call.answer(200, xml.document("ListPartsResult", [*head, *found]))


async def list_uploads(call: Call) -> None:
    """ListMultipartUploads, all on one page."""
    prefix = call.request.query.get("prefix", "")
    found: list[tuple[str, object]] = [
        ("Upload", [("Key", each.key), ("UploadId", each.id), ("Initiated", _stamp(each.started))])
        for each in call.uploads.under_way(call.bucket)
        if each.key.startswith(prefix)
    ]
    head: list[tuple[str, object]] = [("Bucket", call.bucket), ("Prefix", prefix), ("IsTruncated", False)]
    await call.answer(200, xml.document("ListMultipartUploadsResult", [*head, *found]))


def _upload(call: Call) -> Upload:
    return call.uploads.get(call.request.query["uploadId"], call.bucket, call.key)


def _number(call: Call) -> int:
    value = call.request.query.get("partNumber", "")
    number = int(value) if value.isascii() and value.isdigit() and len(value) < 9 else 0
    if not 1 <= number <= MAX_PART:
        raise S3Fault("InvalidArgument", f"partNumber: {value!r} is not 1 to {MAX_PART}")
    return number


def _copied(call: Call, size: int) -> tuple[int, int]:
    value = call.request.headers.get("x-amz-copy-source-range")
    if value is None:
        return 0, size
    match = _RANGE.match(value)
    first, last = (int(match[1]), int(match[2])) if match else (0, -1)
    if match is None or last < first or last >= size:
        raise S3Fault("InvalidArgument", f"x-amz-copy-source-range: {value} is not within the {size} bytes there are")
    return first, last - first + 1


def _stamp(when: datetime) -> str:
    return when.strftime("%Y-%m-%dT%H:%M:%S.000Z")
