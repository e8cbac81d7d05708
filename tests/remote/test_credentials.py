"""Whose call it is: tokens go through the façade to the Flyte 2 behind, each to its own call; and what it does when that
Flyte 2 is not there."""

from __future__ import annotations

import socket
import threading
import time
from concurrent import futures
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from flyteidl.admin import project_pb2
from flyteidl.service import admin_pb2_grpc, auth_pb2, auth_pb2_grpc, identity_pb2, identity_pb2_grpc
from flyteidl2.auth import auth_service_pb2, auth_service_pb2_grpc
from flyteidl2.auth import identity_pb2 as identity_v2_pb2
from flyteidl2.auth import identity_pb2_grpc as identity_v2_pb2_grpc

from flyte_bridge import config
from flyte_bridge.admin.service import Facade
from flyte_bridge.backend.client import BackendClient
from flyte_bridge.backend.grpc import GrpcCaller
from flyte_bridge.remote.channel import Channel
from flyte_bridge.remote.in_process import Home, home_of

from .wire import served

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flyte_bridge.remote.server import Server


class Login(identity_v2_pb2_grpc.IdentityServiceServicer, auth_service_pb2_grpc.AuthMetadataServiceServicer):  # type: ignore[misc]
    """A Flyte 2 with a login, as far as that goes: whoever brings a token is who the token says."""

    def UserInfo(self, request: Any, context: grpc.ServicerContext) -> identity_v2_pb2.UserInfoResponse:  # noqa: N802 - the RPC\'s name
        told = dict(context.invocation_metadata())
        token = told.get("authorization", "").removeprefix("Bearer ")
        if not token:
            context.abort(grpc.StatusCode.UNAUTHENTICATED, "token missing")
        if token == "expired":
            context.abort(grpc.StatusCode.UNAUTHENTICATED, "token has expired")
        time.sleep(0.02)  # calls of others come in between
        return identity_v2_pb2.UserInfoResponse(subject=token)

    def GetOAuth2Metadata(self, request: Any, context: Any) -> auth_service_pb2.GetOAuth2MetadataResponse:  # noqa: N802 - the RPC\'s name
        return auth_service_pb2.GetOAuth2MetadataResponse(
            issuer="https://login.example", token_endpoint="https://login.example/token", scopes_supported=["all"]
        )

    def GetPublicClientConfig(self, request: Any, context: Any) -> auth_service_pb2.GetPublicClientConfigResponse:  # noqa: N802 - the RPC\'s name
        return auth_service_pb2.GetPublicClientConfigResponse(
            client_id="flytectl", redirect_uri="http://localhost:1/callback", dataplane_domain="x"
        )


@pytest.fixture(scope="module")
def flyte2() -> Iterator[str]:
    """Its address."""
    server = grpc.server(futures.ThreadPoolExecutor(16))
    identity_v2_pb2_grpc.add_IdentityServiceServicer_to_server(Login(), server)
    auth_service_pb2_grpc.add_AuthMetadataServiceServicer_to_server(Login(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield f"127.0.0.1:{port}"
    server.stop(0).wait()


@pytest.fixture(scope="module")
def gateway(flyte2: str) -> Iterator[Server]:
    """A gateway in front of it that has a token of its own."""
    settings = config.load(endpoint=flyte2, insecure=True, token="the-gateways-own")
    caller = GrpcCaller(flyte2, insecure=True, credentials=_own(settings))
    with served(Facade(BackendClient(caller), settings)) as server:
        yield server


def _own(settings: config.Settings) -> Any:
    from flyte_bridge.backend.connect import credentials

    return credentials(settings, "")


@pytest.fixture(scope="module")
def channel(gateway: Server) -> Iterator[grpc.Channel]:
    """A connection to the gateway."""
    with grpc.insecure_channel(gateway.endpoint) as channel:
        yield channel


def test_each_caller_is_itself(channel: grpc.Channel) -> None:
    """Twenty callers at once, each with a token of its own under either key, are each known to Flyte 2 as themselves;
    those without one come as the gateway."""
    stub = identity_pb2_grpc.IdentityServiceStub(channel)

    def ask(number: int) -> str:
        key = ("authorization", "flyte-authorization")[number % 2]
        metadata = ((key, f"Bearer user-{number}"),) if number % 5 else ()
        return str(stub.UserInfo(identity_pb2.UserInfoRequest(), metadata=metadata).subject)

    with futures.ThreadPoolExecutor(20) as pool:
        told = list(pool.map(ask, range(100)))
    assert told == [f"user-{number}" if number % 5 else "the-gateways-own" for number in range(100)]


def test_an_expired_token(channel: grpc.Channel, caplog: pytest.LogCaptureFixture) -> None:
    """A token that Flyte 2 refuses is UNAUTHENTICATED, so that clients log in again; it is in no log and no message."""
    stub = identity_pb2_grpc.IdentityServiceStub(channel)
    with caplog.at_level("DEBUG"), pytest.raises(grpc.RpcError) as caught:
        stub.UserInfo(identity_pb2.UserInfoRequest(), metadata=(("authorization", "Bearer expired"),))
    assert caught.value.code() is grpc.StatusCode.UNAUTHENTICATED
    assert "Bearer" not in caplog.text + str(caught.value)


def test_where_to_log_in(channel: grpc.Channel) -> None:
    """The login of the Flyte 2 behind is told as Flyte 1 tells its own, with the key the gateway reads tokens from."""
    stub = auth_pb2_grpc.AuthMetadataServiceStub(channel)
    metadata = stub.GetOAuth2Metadata(auth_pb2.OAuth2MetadataRequest())
    assert (metadata.issuer, metadata.token_endpoint) == ("https://login.example", "https://login.example/token")
    client = stub.GetPublicClientConfig(auth_pb2.PublicClientAuthConfigRequest())
    assert (client.client_id, client.authorization_metadata_key) == ("flytectl", "authorization")


def test_a_flytekit_client_logs_in(flyte2: str) -> None:
    """flytekit with an external command for a token is asked to log in by a gateway that has no token of its own, gets the
    key from it, and is who the token says."""
    pytest.importorskip("flytekit", reason="flytekit stops at Python 3.12")
    from flytekit.clients.auth_helper import get_channel, upgrade_channel_to_authenticated
    from flytekit.configuration import AuthType, PlatformConfig

    facade = Facade(BackendClient(GrpcCaller(flyte2, insecure=True)), config.load(endpoint=flyte2, insecure=True))
    with served(facade) as gateway:
        platform = PlatformConfig(
            endpoint=gateway.endpoint,
            insecure=True,
            auth_mode=AuthType.EXTERNALCOMMAND,
            command=["echo", "from-a-command"],
        )
        with upgrade_channel_to_authenticated(platform, get_channel(platform)) as authenticated:
            stub = identity_pb2_grpc.IdentityServiceStub(authenticated)
            assert stub.UserInfo(identity_pb2.UserInfoRequest()).subject == "from-a-command"


@pytest.fixture
def nobody() -> int:
    """A port that nothing listens on."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


def test_a_flyte_2_that_is_down(nobody: int) -> None:
    """While it is down calls are UNAVAILABLE, or DEADLINE_EXCEEDED if the caller waits less; when it is back they succeed
    through the same channel."""
    settings = config.load(endpoint=f"127.0.0.1:{nobody}", insecure=True)

    async def make() -> Facade:
        return Facade(BackendClient(GrpcCaller(f"127.0.0.1:{nobody}", insecure=True, patience=0.5)), settings)

    async def close(facade: Facade) -> None:
        await facade.backend.close()

    home = Home(make, close)
    try:
        stub = identity_pb2_grpc.IdentityServiceStub(Channel(home))
        with pytest.raises(grpc.RpcError) as caught:
            stub.UserInfo(identity_pb2.UserInfoRequest())
        assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
        with pytest.raises(grpc.RpcError) as caught:
            stub.UserInfo(identity_pb2.UserInfoRequest(), timeout=0.05)
        assert caught.value.code() in {grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.UNAVAILABLE}
        server = grpc.server(futures.ThreadPoolExecutor(2))
        identity_v2_pb2_grpc.add_IdentityServiceServicer_to_server(Login(), server)
        assert server.add_insecure_port(f"127.0.0.1:{nobody}") == nobody
        server.start()
        deadline = time.monotonic() + 60
        while True:
            try:
                told = stub.UserInfo(identity_pb2.UserInfoRequest(), metadata=(("authorization", "Bearer me"),))
                break
            except grpc.RpcError as error:
                assert error.code() is grpc.StatusCode.UNAVAILABLE  # noqa: PT017 - until it is found again
                assert time.monotonic() < deadline
        assert told.subject == "me"
        server.stop(0).wait()
    finally:
        home.close()


def test_a_flyte_2_that_does_not_answer() -> None:
    """One that takes the connection and says nothing costs the caller's own deadline, and no more."""
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        settings = config.load(endpoint=f"127.0.0.1:{deaf.getsockname()[1]}", insecure=True)
        home = home_of(settings)
        try:
            stub = admin_pb2_grpc.AdminServiceStub(Channel(home))
            with pytest.raises(grpc.RpcError) as caught:
                stub.ListProjects(project_pb2.ProjectListRequest(limit=1), timeout=1)
            assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
            assert threading.active_count() < 100
        finally:
            home.close()
