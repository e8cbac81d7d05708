"""The wire itself: what no well-behaved client sends, and what clients send in their own formats."""

from __future__ import annotations

import socket
import zlib
from base64 import b64encode
from contextlib import closing
from typing import TYPE_CHECKING

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .conftest import serve_store

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flyte_bridge.embedded.objects import ObjectStore

    from .conftest import Served


@pytest.fixture
def served(store: ObjectStore) -> Iterator[Served]:
    """The store, served to everybody: what is sent here is written by hand, and signed by nobody."""
    yield from serve_store(store, None)


def _talk(served: Served, request: bytes) -> tuple[int, bytes]:
    """Send bytes, return the answer's status and body."""
    with closing(socket.create_connection((served.host, served.port), timeout=10)) as connection:
        connection.sendall(request)
        connection.shutdown(socket.SHUT_WR)
        answer = b""
        while piece := connection.recv(65536):
            answer += piece
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split()[1]), body


def _request(method: str, target: str, body: bytes = b"", **headers: str) -> bytes:
    lines = [f"{method} {target} HTTP/1.1", "host: x", "connection: close", f"content-length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


WAYS_OUT = [
    "/flyte/../../../../etc/passwd",
    "/flyte/..%2f..%2f..%2fetc%2fpasswd",
    "/flyte/%2e%2e/%2e%2e/%2e%2e/etc/passwd",
    "/flyte//etc/passwd",
    "/flyte/%2fetc%2fpasswd",
    "/flyte/..%5c..%5cetc",
    "/flyte/a/../../../etc/passwd",
    "/../etc/passwd",
    "/.tmp/x",
    "/.uploads/x",
    "/.meta/flyte",
    "/.signing-key",
    "/flyte/../.signing-key",
    "/flyte/%00",
    "/flyte/a%00b",
]


@pytest.mark.parametrize("target", WAYS_OUT)
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_no_path_leads_out(served: Served, method: str, target: str) -> None:
    """Dots, slashes, NULs and our own directories: read nothing, write nothing, delete nothing outside the bucket."""
    before = {path: path.read_bytes() for path in served.store.root.rglob("*") if path.is_file()}
    outside = {path for path in served.store.root.parent.rglob("*") if served.store.root / "flyte" not in path.parents}
    status, body = _talk(served, _request(method, target, b"evil" if method == "PUT" else b""))
    assert status != 500
    assert b"root:" not in body
    after = {path for path in served.store.root.parent.rglob("*") if served.store.root / "flyte" not in path.parents}
    assert after == outside
    assert all(path.read_bytes() == data for path, data in before.items())


@given(path=st.binary(min_size=1, max_size=60), method=st.sampled_from(["GET", "PUT", "DELETE", "HEAD", "POST"]))
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_path_is_answered(served: Served, path: bytes, method: str) -> None:
    """Whatever bytes a path has, the answer is S3's, never a failure of the server, and nothing is made outside."""
    quoted = "".join(f"%{byte:02X}" for byte in path)
    status, _ = _talk(served, _request(method, f"/flyte/{quoted}", b"x" if method == "PUT" else b""))
    assert status < 500 or status == 501
    names = {path.name for path in served.store.root.iterdir()}
    assert names <= {"flyte", ".tmp", ".meta", ".uploads", ".signing-key"}
    assert {path.name for path in served.store.root.parent.iterdir()} <= {"objects", "home"}


def _chunks(*chunks: bytes, trailer: bytes = b"") -> bytes:
    body = b"".join(f"{len(each):x};chunk-signature=0\r\n".encode() + each + b"\r\n" for each in chunks)
    return body + b"0;chunk-signature=0\r\n" + trailer + b"\r\n"


STREAMED = {"x_amz_content_sha256": "STREAMING-AWS4-HMAC-SHA256-PAYLOAD", "content_encoding": "aws-chunked"}


def test_aws_chunked(served: Served) -> None:
    """A signed chunked body is stored without its frame, and its encoding is not told to readers."""
    body = _chunks(b"hello ", b"world" * 30_000)
    sent = _request("PUT", "/flyte/k", body, **STREAMED, x_amz_decoded_content_length=str(6 + 5 * 30_000))
    assert _talk(served, sent)[0] == 200
    assert served.store.read("s3://flyte/k") == b"hello " + b"world" * 30_000
    assert "content-encoding" not in served.store.info("s3://flyte/k").headers


def test_a_trailer_is_checked(served: Served) -> None:
    """A checksum that comes behind the body is held against it; one that was announced has to come."""
    right = b64encode(zlib.crc32(b"hello").to_bytes(4, "big"))
    for value, status in ((right, 200), (b"AAAAAA==", 400)):
        body = _chunks(b"hello", trailer=b"x-amz-checksum-crc32:" + value + b"\r\n")
        assert (
            _talk(served, _request("PUT", "/flyte/k", body, **STREAMED, x_amz_trailer="x-amz-checksum-crc32"))[0]
            == status
        )
    missing = _request("PUT", "/flyte/k2", _chunks(b"hello"), **STREAMED, x_amz_trailer="x-amz-checksum-crc32")
    assert _talk(served, missing)[0] == 400
    assert not served.store.exists("s3://flyte/k2")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"zz\r\nhello\r\n0\r\n\r\n",
        b"-5\r\nhello\r\n0\r\n\r\n",
        b"5\r\nhel",
        b"5\r\nhello",
        b"5\r\nhelloX\r\n0\r\n\r\n",
        b"5\r\nhello\r\n",
        b"x" * 20_000,
    ],
)
def test_a_broken_chunked_body_is_refused(served: Served, body: bytes) -> None:
    """A body that is not what aws-chunked is leaves no object."""
    status, answer = _talk(served, _request("PUT", "/flyte/k", body, **STREAMED))
    assert status == 400
    assert b"<Code>" in answer
    assert not served.store.exists("s3://flyte/k")


def test_a_wrong_length_is_refused(served: Served) -> None:
    """A decoded length other than the body's is IncompleteBody."""
    sent = _request("PUT", "/flyte/k", _chunks(b"hello"), **STREAMED, x_amz_decoded_content_length="6")
    status, answer = _talk(served, sent)
    assert (status, b"IncompleteBody" in answer) == (400, True)


def test_a_client_that_hangs_up_leaves_nothing(served: Served) -> None:
    """A connection that ends in the middle of an upload leaves the old object and no temporary file."""
    served.store.write("s3://flyte/k", b"old")
    with closing(socket.create_connection((served.host, served.port))) as connection:
        connection.sendall(b"PUT /flyte/k HTTP/1.1\r\nhost: x\r\ncontent-length: 1000000\r\n\r\n" + b"x" * 300_000)
        while not list((served.store.root / ".tmp").iterdir()):
            pass
    for _ in range(500):
        if not list((served.store.root / ".tmp").iterdir()):
            break
        httpx.get(f"{served.url}/flyte/k")
    assert list((served.store.root / ".tmp").iterdir()) == []
    assert served.store.read("s3://flyte/k") == b"old"


def test_errors_are_s3s_xml(served: Served) -> None:
    """An error is XML with code, message and resource, and the connection goes on."""
    with httpx.Client() as client:
        missing = client.get(f"{served.url}/flyte/<&>")
        assert missing.headers["content-type"] == "application/xml"
        assert "<Code>NoSuchKey</Code>" in missing.text
        assert "<&>" not in missing.text
        assert client.put(f"{served.url}/flyte/k", content=b"x").status_code == 200
        assert client.request("PATCH", f"{served.url}/flyte/k").status_code == 405


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"<Delete",
        b"<Other/>",
        b"<Delete></Delete>",
        b"<!DOCTYPE x [<!ENTITY a 'aaaa'><!ENTITY b '&a;&a;'>]><Delete><Object><Key>&b;</Key></Object></Delete>",
        b"<Delete>" + b"<Object><Key>k</Key></Object>" * 1001 + b"</Delete>",
        b"\xff\xfe",
    ],
)
def test_a_document_that_is_none_is_refused(served: Served, document: bytes) -> None:
    """Broken XML, another root, entities, too many keys: MalformedXML."""
    answer = httpx.post(f"{served.url}/flyte?delete", content=document)
    assert answer.status_code == 400
    assert "MalformedXML" in answer.text


def test_a_refused_upload_is_heard_out(served: Served) -> None:
    """A client that sends megabytes before it reads still gets the error, not a broken connection."""
    answer = httpx.put(f"{served.url}/no-such-bucket/k", content=b"x" * 20_000_000)
    assert answer.status_code == 404
    assert "NoSuchBucket" in answer.text
