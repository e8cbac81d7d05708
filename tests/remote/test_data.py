"""Uploads, downloads, logins and whoami: the façade's small services over a real embedded backend, by flytekit's stubs."""

from __future__ import annotations

import getpass
import hashlib
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import grpc
import pytest
import requests
from flyteidl.service import (
    auth_pb2,
    auth_pb2_grpc,
    dataproxy_pb2,
    dataproxy_pb2_grpc,
    identity_pb2,
    identity_pb2_grpc,
)

from flyte_bridge.remote.channel import Channel

if TYPE_CHECKING:
    from pathlib import Path

    from flyte_bridge.embedded_client import instance
    from flyte_bridge.remote.in_process import Home

PLACE = {"project": "flytesnacks", "domain": "development"}


@pytest.fixture
def channel(real_home: Home) -> Channel:
    """A channel to the façade."""
    return Channel(real_home)


@pytest.fixture
def stub(channel: Channel) -> Any:
    """DataProxyService."""
    return dataproxy_pb2_grpc.DataProxyServiceStub(channel)


def refusal(call: Any, request: Any) -> Any:
    """What a call that must fail fails with."""
    with pytest.raises(grpc.RpcError) as caught:
        call(request)
    return caught.value


def upload(**fields: Any) -> dataproxy_pb2.CreateUploadLocationRequest:
    """A request for a place to upload to."""
    return dataproxy_pb2.CreateUploadLocationRequest(**{**PLACE, **fields})


@pytest.mark.parametrize("content", [b"some bytes", b"", b"x" * 3_000_000], ids=["few", "none", "many"])
def test_up_and_down_again(stub: Any, content: bytes, tmp_path: Path) -> None:
    """What is uploaded as flytekit does it is downloaded again by its URI; an empty file, which `requests` sends with
    a length and chunked at once, too."""
    md5 = hashlib.md5(content).digest()
    place = stub.CreateUploadLocation(upload(filename="data.bin", content_md5=md5, add_content_md5_metadata=True))
    assert place.native_url.startswith("s3://")
    assert place.native_url.endswith("/data.bin")
    file = tmp_path / "data.bin"
    file.write_bytes(content)
    import base64

    headers = {**place.headers, "Content-Length": str(len(content)), "Content-MD5": base64.b64encode(md5)}
    with file.open("rb") as body:
        assert requests.put(place.signed_url, data=body, headers=headers, timeout=60).status_code in {200, 201}
    told = stub.CreateDownloadLocation(
        dataproxy_pb2.CreateDownloadLocationRequest(native_url=place.native_url, expires_in=timedelta(minutes=1))
    )
    assert requests.get(told.signed_url, timeout=60).content == content
    assert told.HasField("expires_at")


def test_a_wrong_checksum_is_not_stored(stub: Any) -> None:
    """An upload of other bytes than were announced is refused by the store."""
    place = stub.CreateUploadLocation(upload(filename="a", content_md5=hashlib.md5(b"these").digest()))
    assert requests.put(place.signed_url, data=b"those", timeout=60).status_code == 400


def test_names(stub: Any) -> None:
    """Without a name the file gets a random one; root and checksum alone will do; the root goes before the checksum."""
    md5 = hashlib.md5(b"1").digest()
    first, second = (stub.CreateUploadLocation(upload(filename_root="r")).native_url for _ in range(2))
    assert first != second
    assert len(first.rpartition("/")[2]) == 20
    assert "/r/" in first
    both = stub.CreateUploadLocation(upload(filename_root="r", filename="f", content_md5=md5))
    assert both.native_url.endswith("/flytesnacks/development/r/f")


def test_an_existing_file(stub: Any) -> None:
    """A root and name that are there already are refused, unless the content is the same."""
    md5 = hashlib.md5(b"first").digest()
    request = upload(filename_root="here", filename="already", content_md5=md5)
    assert requests.put(stub.CreateUploadLocation(request).signed_url, data=b"first", timeout=60).ok
    stub.CreateUploadLocation(request)
    for other in (b"", hashlib.md5(b"second").digest()):
        error = refusal(stub.CreateUploadLocation, upload(filename_root="here", filename="already", content_md5=other))
        assert error.code() is grpc.StatusCode.ALREADY_EXISTS


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"project": "", "filename_root": "r"}, "project and domain are required parameters"),
        ({"domain": "", "filename_root": "r"}, "project and domain are required parameters"),
        ({}, "content_md5 or filename_root is a required parameter"),
        ({"filename_root": "r", "expires_in": timedelta(hours=2)}, "cannot exceed max allowed expiration"),
        ({"filename_root": "r", "expires_in": timedelta(hours=-2)}, "must be above 0"),
        ({"filename_root": "../../etc", "filename": "passwd"}, "etc"),
        ({"content_md5": b"short"}, "16"),
    ],
)
def test_bad_uploads(stub: Any, fields: dict[str, Any], message: str) -> None:
    """What flyteadmin refuses is refused with its words; and paths that lead elsewhere, and digests that are none."""
    error = refusal(stub.CreateUploadLocation, upload(**fields))
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert message in error.details()


@pytest.mark.parametrize("uri", ["", "nothing", "/etc/passwd", "file:///etc/passwd", "s3://bucket", "s3://"])
def test_bad_downloads(stub: Any, uri: str) -> None:
    """Only objects of an object store can be downloaded, no files of the machine the bridge runs on."""
    error = refusal(stub.CreateDownloadLocation, dataproxy_pb2.CreateDownloadLocationRequest(native_url=uri))
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT


def test_who_has_the_token_may_log_in(channel: Channel, backend: instance.Instance) -> None:
    """The embedded backend asks nobody who they are; clients that must log in first get an answer all the same, if they
    have its token."""
    stub = auth_pb2_grpc.AuthMetadataServiceStub(channel)
    assert stub.GetPublicClientConfig(auth_pb2.PublicClientAuthConfigRequest()).authorization_metadata_key
    endpoint = stub.GetOAuth2Metadata(auth_pb2.OAuth2MetadataRequest()).token_endpoint
    login = {"data": {"grant_type": "client_credentials"}, "auth": ("id", "secret"), "timeout": 60}
    assert requests.post(endpoint, **login).status_code == 401
    assert backend.access is not None
    proof = {"proxy-authorization": f"Bearer {backend.access.token}"}
    assert requests.post(endpoint, headers=proof, **login).json()["token_type"] == "Bearer"
    assert requests.get(endpoint, headers=proof, timeout=60).status_code == 405
    assert requests.post(f"{endpoint}s", headers=proof, timeout=60).status_code == 404


def test_a_client_with_a_secret_gets_in(backend: instance.Instance) -> None:
    """flytekit with a client secret, which logs in before its first call, calls the embedded backend's port."""
    pytest.importorskip("flytekit", reason="flytekit stops at Python 3.12")
    from flytekit.clients.friendly import SynchronousFlyteClient
    from flytekit.configuration import AuthType, PlatformConfig

    platform = PlatformConfig(
        endpoint=backend.endpoint,
        insecure=True,
        auth_mode=AuthType.CLIENTSECRET,
        client_id="ci",
        client_credentials_secret="secret",
        proxy_command=["cat", str(backend.token_file)],
    )
    assert SynchronousFlyteClient(platform).list_projects_paginated(limit=10)[0][0].id == "flytesnacks"


def test_whoami(channel: Channel) -> None:
    """The embedded backend's only user is the one who runs it."""
    told = identity_pb2_grpc.IdentityServiceStub(channel).UserInfo(identity_pb2.UserInfoRequest())
    assert told.subject == getpass.getuser()
