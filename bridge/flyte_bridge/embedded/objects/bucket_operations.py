"""S3's operations on buckets."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from flyte_bridge.embedded.objects import listing, xml
from flyte_bridge.embedded.objects.faults import S3Fault
from flyte_bridge.errors import NoSuchObject

if TYPE_CHECKING:
    from flyte_bridge.embedded.objects.s3 import Call

REGION = "us-east-1"
"""The region the store is in; S3 writes this one as no region at all."""


async def list_buckets(call: Call) -> None:
    """ListBuckets."""
    found: list[tuple[str, object]] = [
        ("Bucket", [("Name", name), ("CreationDate", "2000-01-01T00:00:00.000Z")]) for name in call.store.buckets()
    ]
    owner = ("Owner", [("ID", "flyte-bridge"), ("DisplayName", "flyte-bridge")])
    await call.answer(200, xml.document("ListAllMyBucketsResult", [owner, ("Buckets", found)]))


async def create(call: Call) -> None:
    """CreateBucket."""
    await call.request.drain()
    if not call.store.create_bucket(call.bucket):
        raise S3Fault("BucketAlreadyOwnedByYou", f"{call.bucket} is there already")
    await call.answer(200, headers=[("location", f"/{call.bucket}")])


async def head(call: Call) -> None:
    """HeadBucket."""
    _exists(call)
    await call.answer(200, headers=[("x-amz-bucket-region", REGION)])


async def delete(call: Call) -> None:
    """DeleteBucket."""
    if not await asyncio.to_thread(call.store.delete_bucket, call.bucket):
        raise S3Fault("BucketNotEmpty", f"{call.bucket} holds objects, or is the one the backend itself needs")
    await call.answer(204)


async def list_objects(call: Call) -> None:
    """ListObjects and ListObjectsV2."""
    _exists(call)
    await call.answer(200, await asyncio.to_thread(listing.answer, call.store, call.bucket, call.request.query))


async def location(call: Call) -> None:
    """GetBucketLocation."""
    _exists(call)
    await call.answer(200, xml.document("LocationConstraint", []))


async def versioning(call: Call) -> None:
    """GetBucketVersioning: there never is any."""
    _exists(call)
    await call.answer(200, xml.document("VersioningConfiguration", []))


def _exists(call: Call) -> None:
    if not call.store.has_bucket(call.bucket):
        raise NoSuchObject(f"s3://{call.bucket}")
