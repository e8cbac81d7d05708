"""Whoever holds a signed request can add nothing to it that changes what is done (issue 12)."""

from __future__ import annotations

import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config as BotoConfig

if TYPE_CHECKING:
    from flyte_bridge.embedded_client import instance

BUCKET = "flyte"
SECRET = b"what the holder of the URL may not read"


def _client(running: instance.Instance) -> Any:
    assert running.access is not None
    return boto3.client(
        "s3",
        endpoint_url=running.url,
        aws_access_key_id=running.access.s3_key,
        aws_secret_access_key=running.access.s3_secret,
        region_name="us-east-1",
        config=BotoConfig(signature_version="s3v4", s3={"addressing_style": "path"}),
    )


def _put(url: str, body: bytes, **headers: str) -> tuple[int, bytes]:
    told = {name.replace("_", "-"): value for name, value in headers.items()}
    request = urllib.request.Request(url, data=body, method="PUT", headers=told)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


@pytest.mark.parametrize(
    "added",
    [{"x_amz_copy_source": f"/{BUCKET}/secret"}, {"X_Amz_Meta_Owner": "me"}, {"x_amz_metadata_directive": "COPY"}],
)
def test_an_uploads_url_takes_no_header_that_is_not_signed(backend: instance.Instance, added: dict[str, str]) -> None:
    """A URL to upload to does not copy another object there, whatever header comes along; 403, as S3 says it."""
    s3 = _client(backend)
    s3.put_object(Bucket=BUCKET, Key="secret", Body=SECRET)
    s3.put_object(Bucket=BUCKET, Key="mine", Body=b"mine")
    url = s3.generate_presigned_url("put_object", Params={"Bucket": BUCKET, "Key": "mine"}, ExpiresIn=60)
    status, said = _put(url, b"", **added)
    assert status == 403
    assert b"headers present in the request which were not signed: x-amz-" in said
    assert s3.get_object(Bucket=BUCKET, Key="mine")["Body"].read() == b"mine"


def test_headers_that_are_signed_are_taken(backend: instance.Instance) -> None:
    """A copy that boto3 signs, and metadata that a URL was made for."""
    s3 = _client(backend)
    s3.put_object(Bucket=BUCKET, Key="from", Body=b"it")
    s3.copy_object(Bucket=BUCKET, Key="to", CopySource={"Bucket": BUCKET, "Key": "from"})
    assert s3.get_object(Bucket=BUCKET, Key="to")["Body"].read() == b"it"
    params = {"Bucket": BUCKET, "Key": "to", "Metadata": {"owner": "me"}}
    url = s3.generate_presigned_url("put_object", Params=params, ExpiresIn=60)
    assert _put(url, b"new", x_amz_meta_owner="me")[0] == 200
    assert s3.head_object(Bucket=BUCKET, Key="to")["Metadata"] == {"owner": "me"}
