"""Signed URLs: for one object, one method and a while."""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import httpx
import pytest

from flyte_bridge.embedded.objects import Signer

if TYPE_CHECKING:
    from .conftest import Served

URI = "s3://flyte/p/development/ä b+c%/x.tgz"
HOUR = 3_600_000_000


def _url(served: Served, method: str, uri: str = URI, **options: object) -> str:
    return served.signer.url(served.url, method, uri, served.clock.at + HOUR, **options)  # type: ignore[arg-type]


def test_upload_and_download(served: Served) -> None:
    """What is uploaded by one URL is downloaded by another, with the content type the signer chose, or a part of it."""
    data = b"bundle" * 300_000
    assert httpx.put(_url(served, "PUT"), content=data).status_code == 200
    assert served.store.read(URI) == data
    got = httpx.get(_url(served, "GET", content_type="text/html; charset=utf-8"))
    assert got.content == data
    assert got.headers["content-type"] == "text/html; charset=utf-8"
    assert httpx.get(_url(served, "GET"), headers={"Range": "bytes=0-5"}).content == b"bundle"
    assert httpx.head(_url(served, "GET")).headers["content-length"] == str(len(data))


def test_a_url_ends(served: Served) -> None:
    """Behind its time a URL is refused in the words the SDK looks for."""
    url = _url(served, "PUT")
    served.clock.at += HOUR + 2_000_000
    late = httpx.put(url, content=b"x")
    assert late.status_code == 403
    assert "Request has expired" in late.text
    assert not served.store.exists(URI)


def test_a_url_is_for_its_digest(served: Served) -> None:
    """With an MD5 in it, a URL takes these bytes and no others, whatever the client says of them."""
    md5 = hashlib.md5(b"right").digest()
    url = _url(served, "PUT", md5=md5)
    assert httpx.put(url, content=b"wrong").status_code == 400
    lie = base64.b64encode(hashlib.md5(b"wrong").digest()).decode()
    assert httpx.put(url, content=b"wrong", headers={"Content-MD5": lie}).status_code == 403
    assert not served.store.exists(URI)
    told = base64.b64encode(md5).decode()
    assert httpx.put(url, content=b"right", headers={"Content-MD5": told}).status_code == 200
    assert httpx.put(url, content=b"right").status_code == 200


def test_a_content_md5_is_held_to(served: Served) -> None:
    """A client's own Content-MD5 is checked also where the URL asks for none."""
    lie = base64.b64encode(hashlib.md5(b"other").digest()).decode()
    refused = httpx.put(_url(served, "PUT"), content=b"bytes", headers={"Content-MD5": lie})
    assert refused.status_code == 400
    assert "BadDigest" in refused.text


def test_nothing_in_a_url_can_be_changed(served: Served) -> None:
    """Another method, key, time, digest, type or signature: refused; nothing is stored."""
    url = _url(served, "PUT", md5=hashlib.md5(b"x").digest())
    parts = urlsplit(url)
    expires = str((served.clock.at + HOUR) // 1_000_000)
    for changed in (
        url.replace(parts.path, "/_data/flyte/other"),
        url.replace(expires, str(int(expires) + 1)),
        url.replace("method=PUT", "method=GET"),
        url + "&type=text/html",
        url[:-1] + ("0" if url[-1] != "0" else "1"),
        url.partition("&signature")[0],
        f"{served.url}{parts.path}",
    ):
        assert httpx.put(changed, content=b"x").status_code == 403, changed
    assert httpx.get(url).status_code == 405
    assert httpx.put(_url(served, "GET"), content=b"x").status_code == 405
    assert httpx.delete(_url(served, "GET")).status_code == 405
    assert list(served.store.list("s3://flyte/")) == []


def test_urls_outlive_a_restart(served: Served) -> None:
    """The signing key is kept, for its owner only: URLs of the process before are good."""
    key = served.store.root / ".signing-key"
    assert key.stat().st_mode & 0o777 == 0o600
    url = Signer(served.store).url(served.url, "PUT", URI, served.clock.at + HOUR)
    assert httpx.put(url, content=b"x").status_code == 200


def test_what_is_not_there(served: Served) -> None:
    """A URL for a missing object is S3's NoSuchKey."""
    missing = httpx.get(_url(served, "GET"))
    assert missing.status_code == 404
    assert "NoSuchKey" in missing.text


@pytest.mark.parametrize("size", [0, 1, 3_000_000])
def test_a_streamed_upload_needs_no_length(served: Served, size: int) -> None:
    """A chunked upload, as of a stream, is taken too."""

    def stream() -> object:
        yield b"x" * size

    assert httpx.put(_url(served, "PUT"), content=stream()).status_code == 200  # type: ignore[arg-type]
    assert served.store.info(URI).size == size
