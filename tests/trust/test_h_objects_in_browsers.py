"""What tasks store is shown by no browser in the backend's own origin (issue 12, H)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import boto3
import pytest
from botocore.config import Config as BotoConfig

from flyte_bridge.embedded.objects import ObjectStore, Signer
from flyte_bridge.embedded_client import snippets

from .conftest import Answer, ask

if TYPE_CHECKING:
    from pathlib import Path

    from flyte_bridge.embedded_client import instance

EVIL = b"<script>fetch('/')</script>"


@pytest.fixture(scope="module")
def s3(backend: instance.Instance) -> object:
    """Its objects, one of them a page."""
    key, secret = snippets.s3_keys(backend)
    session = boto3.session.Session(region_name="us-east-1", aws_access_key_id=key, aws_secret_access_key=secret)
    s3 = session.client("s3", endpoint_url=backend.url, config=BotoConfig(s3={"addressing_style": "path"}))
    s3.put_object(
        Bucket="flyte", Key="page", Body=EVIL, ContentType="text/html", ContentDisposition="inline; filename=p.html"
    )
    return s3


def _got(backend: instance.Instance, url: str) -> Answer:
    answer = ask(backend, "GET", url.removeprefix(backend.url))
    assert (answer.status, answer.body) == (200, EVIL)
    assert "sandbox" in answer.headers["content-security-policy"]
    assert "allow-same-origin" not in answer.headers["content-security-policy"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    return answer


@pytest.mark.parametrize("asked", [{}, {"ResponseContentType": "text/html", "ResponseContentDisposition": "inline"}])
def test_a_page_from_the_store_is_saved_and_not_shown(
    backend: instance.Instance, s3: object, asked: dict[str, str]
) -> None:
    """A pre-signed URL, whatever it asks for, is answered as an attachment, in a sandbox, and typed as it says."""
    url = s3.generate_presigned_url("get_object", Params={"Bucket": "flyte", "Key": "page", **asked}, ExpiresIn=60)  # type: ignore[attr-defined]
    assert _got(backend, url).headers["content-disposition"].startswith("attachment")


def test_only_a_report_is_shown(backend: instance.Instance, s3: object, tmp_path: Path) -> None:
    """The URL that was signed for a report shows it, in a sandbox; one that was signed for a download does not."""
    signer = Signer(ObjectStore(_objects(backend)))
    until = 4_000_000_000_000_000
    report = signer.url(backend.url, "GET", "s3://flyte/page", until, content_type="text/html; charset=utf-8")
    assert "content-disposition" not in _got(backend, report).headers or _got(backend, report).headers[
        "content-disposition"
    ].startswith("inline")
    bundle = signer.url(backend.url, "GET", "s3://flyte/page", until)
    assert _got(backend, bundle).headers["content-disposition"].startswith("attachment")


def _objects(backend: instance.Instance) -> Path:
    from pathlib import Path

    return Path(backend.data_dir) / "objects"


def test_no_header_can_be_smuggled_in(backend: instance.Instance, s3: object) -> None:
    """A line break in a response header that a URL asks for is left out of it."""
    asked = {"ResponseContentType": "text/plain\r\nset-cookie: a=b"}
    url = s3.generate_presigned_url("get_object", Params={"Bucket": "flyte", "Key": "page", **asked}, ExpiresIn=60)  # type: ignore[attr-defined]
    assert "set-cookie" not in _got(backend, url).headers
