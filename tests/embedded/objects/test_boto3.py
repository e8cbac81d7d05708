"""boto3 as the oracle of S3: what it sends is answered as it expects."""

from __future__ import annotations

import hashlib
import io
import os
from typing import TYPE_CHECKING, Any

import pytest
from boto3.s3.transfer import TransferConfig
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from .conftest import Served

BUCKET = "flyte"
MIB = 1 << 20


@pytest.fixture
def s3(served: Served) -> Any:
    return served.boto()


def _code(error: pytest.ExceptionInfo[ClientError]) -> str:
    return str(error.value.response["Error"]["Code"])


def test_put_and_get(s3: Any) -> None:
    """Bytes, content type, user metadata and the headers of HTTP come back as they were sent."""
    put = s3.put_object(
        Bucket=BUCKET,
        Key="a/b",
        Body=b"hello",
        ContentType="text/plain",
        CacheControl="no-store",
        ContentEncoding="identity",
        Metadata={"who": "me"},
    )
    got = s3.get_object(Bucket=BUCKET, Key="a/b")
    assert got["Body"].read() == b"hello"
    assert (got["ContentType"], got["CacheControl"], got["ContentEncoding"]) == ("text/plain", "no-store", "identity")
    assert got["Metadata"] == {"who": "me"}
    assert got["ETag"] == put["ETag"]


@pytest.mark.parametrize("size", [0, 1, MIB - 1, MIB, MIB + 1, 5 * MIB])
def test_sizes(s3: Any, size: int) -> None:
    """Empty objects and those around the size of a piece come back whole."""
    data = os.urandom(size)
    s3.put_object(Bucket=BUCKET, Key="k", Body=data)
    assert s3.head_object(Bucket=BUCKET, Key="k")["ContentLength"] == size
    assert s3.get_object(Bucket=BUCKET, Key="k")["Body"].read() == data


@pytest.mark.parametrize(
    ("header", "wanted", "content_range"),
    [
        ("bytes=0-0", b"0", "bytes 0-0/10"),
        ("bytes=2-5", b"2345", "bytes 2-5/10"),
        ("bytes=7-", b"789", "bytes 7-9/10"),
        ("bytes=-3", b"789", "bytes 7-9/10"),
        ("bytes=-99", b"0123456789", "bytes 0-9/10"),
        ("bytes=5-99", b"56789", "bytes 5-9/10"),
    ],
)
def test_ranges(s3: Any, header: str, wanted: bytes, content_range: str) -> None:
    """A range of bytes is answered with exactly it, cut to what there is."""
    s3.put_object(Bucket=BUCKET, Key="k", Body=b"0123456789")
    got = s3.get_object(Bucket=BUCKET, Key="k", Range=header)
    assert (got["Body"].read(), got["ContentRange"]) == (wanted, content_range)
    assert got["ResponseMetadata"]["HTTPStatusCode"] == 206


@pytest.mark.parametrize("header", ["bytes=5-2", "bytes=0-1,4-5", "lines=0-1", "bytes=-", "bytes=x-y"])
def test_ranges_that_are_none_are_passed_over(s3: Any, header: str) -> None:
    """What is no single range of bytes is answered with the whole object."""
    s3.put_object(Bucket=BUCKET, Key="k", Body=b"0123456789")
    got = s3.get_object(Bucket=BUCKET, Key="k", Range=header)
    assert got["Body"].read() == b"0123456789"
    assert got["ResponseMetadata"]["HTTPStatusCode"] == 200


@pytest.mark.parametrize("header", ["bytes=10-", "bytes=99-100", "bytes=-0"])
def test_a_range_outside_is_refused(s3: Any, header: str) -> None:
    """A range behind the object's end is InvalidRange."""
    s3.put_object(Bucket=BUCKET, Key="k", Body=b"0123456789")
    with pytest.raises(ClientError) as error:
        s3.get_object(Bucket=BUCKET, Key="k", Range=header)
    assert _code(error) == "InvalidRange"


def test_what_is_not_there(s3: Any) -> None:
    """Missing objects and buckets have S3's codes; HEAD has the status only; a deletion is content."""
    with pytest.raises(s3.exceptions.NoSuchKey, match="s3://flyte/nothing"):
        s3.get_object(Bucket=BUCKET, Key="nothing")
    for call in (s3.head_object, s3.delete_object):
        with pytest.raises(ClientError) as error:
            call(Bucket="no-such-bucket", Key="k")
        assert error.value.response["ResponseMetadata"]["HTTPStatusCode"] == 404
    with pytest.raises(s3.exceptions.NoSuchBucket):
        s3.list_objects_v2(Bucket="no-such-bucket")
    assert s3.delete_object(Bucket=BUCKET, Key="nothing")["ResponseMetadata"]["HTTPStatusCode"] == 204


def test_listing(s3: Any) -> None:
    """Keys come in the order of their bytes; a delimiter folds; pages continue where they ended."""
    for key in ("a/1", "a/2", "a-b", "b", "c/d/e", "ä", "z z+%&"):
        s3.put_object(Bucket=BUCKET, Key=key, Body=b"x")
    everything = s3.list_objects_v2(Bucket=BUCKET)
    assert [each["Key"] for each in everything["Contents"]] == ["a-b", "a/1", "a/2", "b", "c/d/e", "z z+%&", "ä"]
    folded = s3.list_objects_v2(Bucket=BUCKET, Delimiter="/")
    assert [each["Prefix"] for each in folded["CommonPrefixes"]] == ["a/", "c/"]
    assert [each["Key"] for each in folded["Contents"]] == ["a-b", "b", "z z+%&", "ä"]
    deeper = s3.list_objects_v2(Bucket=BUCKET, Delimiter="/", Prefix="c/")
    assert [each["Prefix"] for each in deeper["CommonPrefixes"]] == ["c/d/"]
    after = s3.list_objects_v2(Bucket=BUCKET, StartAfter="a/2")
    assert [each["Key"] for each in after["Contents"]] == ["b", "c/d/e", "z z+%&", "ä"]
    other = s3.list_objects_v2(Bucket=BUCKET, Delimiter="-")
    assert [each["Prefix"] for each in other["CommonPrefixes"]] == ["a-"]


@pytest.mark.parametrize("operation", ["list_objects_v2", "list_objects"])
@pytest.mark.parametrize("size", [1, 2, 3, 7])
def test_pages(s3: Any, operation: str, size: int) -> None:
    """However long the pages, together they are the listing: nothing twice, nothing missing."""
    some = ["a", "a/1", "a/2/x", "b/1", "b/2", "c", "d/1/2"]
    for key in some:
        s3.put_object(Bucket=BUCKET, Key=key, Body=b"")
    pages = s3.get_paginator(operation).paginate(Bucket=BUCKET, PaginationConfig={"PageSize": size})
    assert [each["Key"] for page in pages for each in page.get("Contents", [])] == sorted(some)
    folded = s3.get_paginator(operation).paginate(Bucket=BUCKET, Delimiter="/", PaginationConfig={"PageSize": size})
    found = list(folded)
    assert [each["Key"] for page in found for each in page.get("Contents", [])] == ["a", "c"]
    prefixes = [each["Prefix"] for page in found for each in page.get("CommonPrefixes", [])]
    assert prefixes == ["a/", "b/", "d/"]


def test_more_than_a_thousand(s3: Any, served: Served) -> None:
    """A page has at most 1,000 keys, whatever is asked for, and says that there are more."""
    for number in range(1003):
        served.store.write(f"s3://flyte/many/{number:04d}", b"")
    page = s3.list_objects_v2(Bucket=BUCKET, MaxKeys=5000)
    assert (page["KeyCount"], page["MaxKeys"], page["IsTruncated"]) == (1000, 1000, True)
    rest = s3.list_objects_v2(Bucket=BUCKET, ContinuationToken=page["NextContinuationToken"])
    assert [each["Key"] for each in rest["Contents"]] == ["many/1000", "many/1001", "many/1002"]
    with pytest.raises(ClientError) as error:
        s3.list_objects_v2(Bucket=BUCKET, ContinuationToken="not one of ours!")
    assert _code(error) == "InvalidArgument"


def test_copy(s3: Any) -> None:
    """A copy has the source's headers, or those it brings; onto itself it has to bring some."""
    s3.put_object(Bucket=BUCKET, Key="söurce +", Body=b"hello", ContentType="text/plain", Metadata={"k": "v"})
    source = {"Bucket": BUCKET, "Key": "söurce +"}
    s3.copy_object(Bucket=BUCKET, Key="copy", CopySource=source)
    assert s3.head_object(Bucket=BUCKET, Key="copy")["Metadata"] == {"k": "v"}
    s3.copy_object(Bucket=BUCKET, Key="söurce +", CopySource=source, MetadataDirective="REPLACE", Metadata={"k": "w"})
    assert s3.head_object(Bucket=BUCKET, Key="söurce +")["Metadata"] == {"k": "w"}
    with pytest.raises(ClientError) as error:
        s3.copy_object(Bucket=BUCKET, Key="söurce +", CopySource=source)
    assert _code(error) == "InvalidRequest"
    with pytest.raises(s3.exceptions.NoSuchKey):
        s3.copy_object(Bucket=BUCKET, Key="x", CopySource={"Bucket": BUCKET, "Key": "nothing"})


def test_batch_delete(s3: Any) -> None:
    """A batch deletes what is there, is content with what is not, and may be quiet."""
    for key in ("a", "b", "c&<>"):
        s3.put_object(Bucket=BUCKET, Key=key, Body=b"x")
    wanted = {"Objects": [{"Key": "a"}, {"Key": "nothing"}, {"Key": "c&<>"}]}
    done = s3.delete_objects(Bucket=BUCKET, Delete=wanted)
    assert [each["Key"] for each in done["Deleted"]] == ["a", "nothing", "c&<>"]
    quiet = s3.delete_objects(Bucket=BUCKET, Delete={**wanted, "Quiet": True})
    assert "Deleted" not in quiet
    assert [each["Key"] for each in s3.list_objects_v2(Bucket=BUCKET)["Contents"]] == ["b"]


def test_multipart(s3: Any) -> None:
    """A large upload goes in parts and comes back whole, with its headers, and leaves no parts."""
    data = os.urandom(17 * MIB + 3)
    config = TransferConfig(multipart_threshold=5 * MIB, multipart_chunksize=5 * MIB)
    s3.upload_fileobj(io.BytesIO(data), BUCKET, "big", Config=config, ExtraArgs={"ContentType": "text/x"})
    back = io.BytesIO()
    s3.download_fileobj(BUCKET, "big", back, Config=config)
    assert hashlib.sha256(back.getvalue()).digest() == hashlib.sha256(data).digest()
    assert s3.head_object(Bucket=BUCKET, Key="big")["ContentType"] == "text/x"
    assert "Uploads" not in s3.list_multipart_uploads(Bucket=BUCKET)


def test_multipart_by_hand(s3: Any) -> None:
    """Parts may come in any order and again; they can be listed, copied from objects, and left out."""
    upload = {"Bucket": BUCKET, "Key": "k", "UploadId": s3.create_multipart_upload(Bucket=BUCKET, Key="k")["UploadId"]}
    s3.put_object(Bucket=BUCKET, Key="source", Body=b"s" * 6 * MIB)
    last = s3.upload_part(**upload, PartNumber=7, Body=b"last")
    s3.upload_part(**upload, PartNumber=2, Body=b"replaced")
    second = s3.upload_part(**upload, PartNumber=2, Body=b"b" * 5 * MIB)
    source = {"Bucket": BUCKET, "Key": "source"}
    first = s3.upload_part_copy(**upload, PartNumber=1, CopySource=source, CopySourceRange=f"bytes=1-{5 * MIB}")
    s3.upload_part(**upload, PartNumber=5, Body=b"left out")
    listed = s3.list_parts(**upload)["Parts"]
    assert [(each["PartNumber"], each["Size"]) for each in listed] == [(1, 5 * MIB), (2, 5 * MIB), (5, 8), (7, 4)]
    assert [each["Key"] for each in s3.list_multipart_uploads(Bucket=BUCKET)["Uploads"]] == ["k"]
    parts = [
        {"PartNumber": 1, "ETag": first["CopyPartResult"]["ETag"]},
        {"PartNumber": 2, "ETag": second["ETag"]},
        {"PartNumber": 7, "ETag": last["ETag"]},
    ]
    s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": parts})
    assert s3.get_object(Bucket=BUCKET, Key="k")["Body"].read() == b"s" * 5 * MIB + b"b" * 5 * MIB + b"last"


@pytest.mark.parametrize(
    ("numbers", "code"),
    [([], "MalformedXML"), ([2, 1], "InvalidPartOrder"), ([1, 1], "InvalidPartOrder"), ([3], "InvalidPart"),
     ([1, 2], "EntityTooSmall")],
)  # fmt: skip
def test_an_upload_that_cannot_be_completed(s3: Any, numbers: list[int], code: str) -> None:
    """Wrong parts are refused by S3's codes, and the upload can still be completed rightly."""
    upload = {"Bucket": BUCKET, "Key": "k", "UploadId": s3.create_multipart_upload(Bucket=BUCKET, Key="k")["UploadId"]}
    tags = {number: s3.upload_part(**upload, PartNumber=number, Body=b"small")["ETag"] for number in (1, 2)}
    wanted = [{"PartNumber": number, "ETag": tags.get(number, '"x"')} for number in numbers]
    with pytest.raises(ClientError) as error:
        s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": wanted})
    assert _code(error) == code
    s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": tags[1]}]})
    assert s3.get_object(Bucket=BUCKET, Key="k")["Body"].read() == b"small"


def test_an_aborted_upload_is_gone(s3: Any, served: Served) -> None:
    """An aborted upload leaves nothing on the disk and is NoSuchUpload, as one that never was."""
    name = s3.create_multipart_upload(Bucket=BUCKET, Key="k")["UploadId"]
    s3.upload_part(Bucket=BUCKET, Key="k", UploadId=name, PartNumber=1, Body=b"x")
    s3.abort_multipart_upload(Bucket=BUCKET, Key="k", UploadId=name)
    assert list((served.store.root / ".uploads").iterdir()) == []
    for wrong in (name, "../../etc", "0" * 32):
        with pytest.raises(ClientError) as error:
            s3.upload_part(Bucket=BUCKET, Key="k", UploadId=wrong, PartNumber=1, Body=b"x")
        assert _code(error) == "NoSuchUpload"


def test_conditions(s3: Any) -> None:
    """ETags guard reads and writes: not modified, precondition failed, create only once."""
    tag = s3.put_object(Bucket=BUCKET, Key="k", Body=b"1")["ETag"]
    assert s3.get_object(Bucket=BUCKET, Key="k", IfMatch=tag)["Body"].read() == b"1"
    for arguments, status in (({"IfNoneMatch": tag}, 304), ({"IfMatch": '"other"'}, 412)):
        with pytest.raises(ClientError) as error:
            s3.get_object(Bucket=BUCKET, Key="k", **arguments)
        assert error.value.response["ResponseMetadata"]["HTTPStatusCode"] == status
    with pytest.raises(ClientError) as error:
        s3.put_object(Bucket=BUCKET, Key="k", Body=b"2", IfNoneMatch="*")
    assert _code(error) == "PreconditionFailed"
    assert s3.get_object(Bucket=BUCKET, Key="k")["Body"].read() == b"1"
    s3.put_object(Bucket=BUCKET, Key="k", Body=b"2", IfMatch=tag)
    s3.put_object(Bucket=BUCKET, Key="new", Body=b"1", IfNoneMatch="*")


def test_buckets(s3: Any) -> None:
    """Buckets can be made, listed and, when empty, deleted; the backend's own stays."""
    s3.create_bucket(Bucket="another")
    assert [each["Name"] for each in s3.list_buckets()["Buckets"]] == ["another", "flyte"]
    s3.put_object(Bucket="another", Key="k", Body=b"")
    for bucket in ("another", "flyte"):
        with pytest.raises(ClientError) as error:
            s3.delete_bucket(Bucket=bucket)
        assert _code(error) == "BucketNotEmpty"
    s3.delete_object(Bucket="another", Key="k")
    s3.delete_bucket(Bucket="another")
    with pytest.raises(ClientError):
        s3.head_bucket(Bucket="another")
    s3.head_bucket(Bucket="flyte")
    assert s3.get_bucket_location(Bucket="flyte")["LocationConstraint"] is None


def test_a_wrong_checksum_is_refused(s3: Any) -> None:
    """Bytes that are not those promised are refused and not stored."""
    for arguments in ({"ContentMD5": "AAAAAAAAAAAAAAAAAAAAAA=="}, {"ChecksumCRC32": "AAAAAA=="}):
        with pytest.raises(ClientError) as error:
            s3.put_object(Bucket=BUCKET, Key="k", Body=b"hello", **arguments)
        assert _code(error) == "BadDigest"
    assert "Contents" not in s3.list_objects_v2(Bucket=BUCKET)


@pytest.mark.parametrize(
    ("operation", "arguments"),
    [
        ("get_object_acl", {"Key": "k"}),
        ("get_object_tagging", {"Key": "k"}),
        ("get_bucket_policy", {}),
        ("put_bucket_versioning", {"VersioningConfiguration": {"Status": "Enabled"}}),
        ("get_object", {"Key": "k", "VersionId": "x"}),
        ("put_object", {"Key": "k", "ACL": "public-read"}),
        ("put_object", {"Key": "k", "ServerSideEncryption": "AES256"}),
        ("put_object", {"Key": "k", "Tagging": "a=b"}),
    ],
)
def test_what_the_store_does_not_do_is_refused_by_name(s3: Any, operation: str, arguments: dict[str, Any]) -> None:
    """Nothing asked for is silently left out: it is NotImplemented."""
    with pytest.raises(ClientError) as error:
        getattr(s3, operation)(Bucket=BUCKET, **arguments)
    assert _code(error) == "NotImplemented"


@pytest.mark.parametrize("version", ["s3", "s3v4"])
def test_a_presigned_url_ends(served: Served, version: str) -> None:
    """boto3's own pre-signed URLs work until their time is over."""
    from datetime import datetime, timezone

    import httpx

    s3 = served.boto(signature_version=version)
    s3.put_object(Bucket=BUCKET, Key="k", Body=b"hello")
    url = s3.generate_presigned_url("get_object", Params={"Bucket": BUCKET, "Key": "k"}, ExpiresIn=60)
    now = int(datetime.now(timezone.utc).timestamp())
    served.clock.at = (now + 50) * 1_000_000
    assert httpx.get(url).content == b"hello"
    served.clock.at = (now + 70) * 1_000_000
    late = httpx.get(url)
    assert late.status_code == 403
    assert "Request has expired" in late.text
