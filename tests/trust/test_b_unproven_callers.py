"""A gateway does nothing for who has not proven to Flyte 2 who they are, nor where the installation names nothing (issue 12, B)."""

from __future__ import annotations

import asyncio
import http.client
from concurrent import futures
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from flyteidl.service import dataproxy_pb2, dataproxy_pb2_grpc
from flyteidl2.auth import identity_pb2, identity_pb2_grpc
from flyteidl2.dataproxy import dataproxy_service_pb2, dataproxy_service_pb2_grpc
from flyteidl2.project import project_service_pb2, project_service_pb2_grpc

from flyte_bridge import config
from flyte_bridge.admin.methods import METHODS
from flyte_bridge.admin.proof import OPEN
from flyte_bridge.backend.buckets import NamedBuckets
from flyte_bridge.backend.storage import Storage
from flyte_bridge.errors import BadObjectName
from flyte_bridge.remote.in_process import gateway_of
from flyte_bridge.remote.server import Address
from flyte_bridge.remote.web import WebServer
from remote.wire import served

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flyte_bridge.remote.server import Server


class Flyte2(  # type: ignore[misc]
    project_service_pb2_grpc.ProjectServiceServicer,
    identity_pb2_grpc.IdentityServiceServicer,
    dataproxy_service_pb2_grpc.DataProxyServiceServicer,
):
    """A Flyte 2 that wants a token, and counts whom it is asked about.

    `good` may do everything; `narrow` is known, and may not list projects; all others are nobody.
    """

    def __init__(self) -> None:
        self.asked: list[str] = []

    def _who(self, context: Any) -> str:
        token = str(dict(context.invocation_metadata()).get("authorization", "")).removeprefix("Bearer ")
        self.asked.append(token)
        if token not in {"good", "narrow"}:
            context.abort(grpc.StatusCode.UNAUTHENTICATED, "token missing or expired")
        return token

    def ListProjects(self, request: Any, context: Any) -> project_service_pb2.ListProjectsResponse:  # noqa: N802 - the RPC's name
        if self._who(context) == "narrow":
            context.abort(grpc.StatusCode.PERMISSION_DENIED, "no right to list projects")
        return project_service_pb2.ListProjectsResponse()

    def UserInfo(self, request: Any, context: Any) -> identity_pb2.UserInfoResponse:  # noqa: N802 - the RPC's name
        return identity_pb2.UserInfoResponse(subject=self._who(context))

    def CreateUploadLocation(  # noqa: N802 - the RPC's name
        self, request: Any, context: Any
    ) -> dataproxy_service_pb2.CreateUploadLocationResponse:
        self._who(context)
        return dataproxy_service_pb2.CreateUploadLocationResponse(
            native_url="s3://uploads/p/d/r/f", signed_url="http://x/"
        )


@pytest.fixture
def flyte2() -> Iterator[tuple[Flyte2, str]]:
    """It, and its address."""
    servicer = Flyte2()
    server = grpc.server(futures.ThreadPoolExecutor(8))
    project_service_pb2_grpc.add_ProjectServiceServicer_to_server(servicer, server)
    identity_pb2_grpc.add_IdentityServiceServicer_to_server(servicer, server)
    dataproxy_service_pb2_grpc.add_DataProxyServiceServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield servicer, f"127.0.0.1:{port}"
    server.stop(0).wait()


@pytest.fixture
def gateway(flyte2: tuple[Flyte2, str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """What `flyte-bridge serve` serves over it, with rights of its own at a cloud."""
    for name in ("FLYTE_AWS_ACCESS_KEY_ID", "FLYTE_AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "the-gateways-own")
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    facade = asyncio.run(gateway_of(config.load(endpoint=flyte2[1], insecure=True)))
    with served(facade) as server:
        yield server


def _sign(channel: grpc.Channel, uri: str, token: str = "") -> str:
    request = dataproxy_pb2.CreateDownloadLocationRequest(native_url=uri)
    metadata = (("authorization", f"Bearer {token}"),) if token else ()
    reply = dataproxy_pb2_grpc.DataProxyServiceStub(channel).CreateDownloadLocation(
        request, timeout=30, metadata=metadata
    )
    return str(reply.signed_url)


def test_no_rpc_is_answered_for_nobody(gateway: Server, flyte2: tuple[Flyte2, str]) -> None:
    """Every RPC there is refuses who has no token, or one that Flyte 2 refuses; but for where to log in, and health."""
    with grpc.insecure_channel(gateway.endpoint) as channel:
        for path, method in METHODS.items():
            if path.startswith(OPEN) or method.streams:
                continue
            for metadata in ((), (("authorization", "Bearer expired"),)):
                with pytest.raises(grpc.RpcError) as refused:
                    channel.unary_unary(path)(b"", timeout=30, metadata=metadata)
                assert refused.value.code() is grpc.StatusCode.UNAUTHENTICATED, path
        with pytest.raises(grpc.RpcError) as refused:
            _sign(channel, "s3://uploads/secret")
    assert refused.value.code() is grpc.StatusCode.UNAUTHENTICATED


def test_nobodys_message_is_read(gateway: Server) -> None:
    """To read a message costs more than to send it (a megabyte of JSON: seconds), so its caller is asked for first."""
    path = "/flyteidl.service.AdminService/CreateExecution"
    codes = {}
    with grpc.insecure_channel(gateway.endpoint) as channel:
        for token in ("bad", "good"):
            with pytest.raises(grpc.RpcError) as refused:
                channel.unary_unary(path)(b"\xff", timeout=30, metadata=(("authorization", f"Bearer {token}"),))
            codes[token] = refused.value.code()
    assert codes == {"bad": grpc.StatusCode.UNAUTHENTICATED, "good": grpc.StatusCode.INVALID_ARGUMENT}


def test_nobodys_body_is_read(flyte2: tuple[Flyte2, str]) -> None:
    """The same by REST: what is no JSON at all is 401 to who has proven nothing, and 400 to the others."""

    def post(port: int, token: str) -> int:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        try:
            connection.request("POST", "/api/v1/executions", b"{" * 1000, {"authorization": f"Bearer {token}"})
            return connection.getresponse().status
        finally:
            connection.close()

    async def act() -> dict[str, int]:
        facade = await gateway_of(config.load(endpoint=flyte2[1], insecure=True))
        async with WebServer(facade, Address()) as server:
            return {token: await asyncio.to_thread(post, server.port, token) for token in ("", "bad", "good")}

    assert asyncio.run(act()) == {"": 401, "bad": 401, "good": 400}


def test_who_is_known_is_not_asked_about_again_and_who_is_refused_is(
    gateway: Server, flyte2: tuple[Flyte2, str]
) -> None:
    """One question for a good token, whatever is called and however often; one for each call with a bad one."""
    servicer, _ = flyte2
    with grpc.insecure_channel(gateway.endpoint) as channel:
        with futures.ThreadPoolExecutor(10) as pool:
            urls = list(pool.map(lambda _: _sign(channel, "s3://uploads/k", "good"), range(30)))
        assert all("X-Amz-Signature=" in url for url in urls)
        assert servicer.asked == ["good"] * 2  # the proof, and where uploads go
        for _ in range(3):
            with pytest.raises(grpc.RpcError):
                _sign(channel, "s3://uploads/k", "bad")
        assert servicer.asked.count("bad") == 3


def test_who_may_not_list_projects_is_known_all_the_same(gateway: Server) -> None:
    """A token with few rights is a caller's, if Flyte 2 says whose."""
    with grpc.insecure_channel(gateway.endpoint) as channel:
        assert _sign(channel, "s3://uploads/k", "narrow")


@pytest.mark.parametrize(
    "uri",
    [
        "s3://other/k",
        "s3://uploadsx/k",
        "gs://x",
        "gs://uploads/k",
        "file:///etc/passwd",
        "az://uploads/k",
        "s3://uploads/../other/k",
    ],
)
def test_only_where_uploads_go_is_signed(gateway: Server, uri: str) -> None:
    """A bucket that the installation does not name is refused by name, before any library looks for credentials."""
    with grpc.insecure_channel(gateway.endpoint) as channel, pytest.raises(grpc.RpcError) as refused:
        _sign(channel, uri, "good")
    assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert "FLYTE_BRIDGE_BUCKETS" in refused.value.details()


def test_buckets_are_named_in_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """`FLYTE_BRIDGE_BUCKETS` names buckets and parts of them, for reading and writing too; where uploads go is not asked then."""
    monkeypatch.setenv("FLYTE_BRIDGE_BUCKETS", "s3://one, gs://two/shared")

    async def act() -> None:
        storage = NamedBuckets(Storage(), config.load().buckets, lambda: pytest.fail("nobody asks"))
        assert await storage._checked("s3://one/k") == "s3://one/k"
        assert await storage._checked("gs://two/shared/k") == "gs://two/shared/k"
        for uri in ("gs://two/private", "gs://two/sharedx", "s3://on", "memory://one/k"):
            for refused in (storage.read(uri), storage.exists(uri), storage.list(uri), storage.write(uri, b"")):
                with pytest.raises(BadObjectName, match="FLYTE_BRIDGE_BUCKETS"):
                    await refused

    asyncio.run(act())


@pytest.mark.parametrize("buckets", ["uploads", "s3://", "file:///data"])
def test_what_is_no_bucket_is_told(buckets: str) -> None:
    """A setting that names no bucket is a contradiction, not an empty list."""
    with pytest.raises(config.ConfigError, match="is no bucket"):
        config.load(buckets=(buckets,))
