"""A gRPC server that only knows who asks, and counts: for what a caller does before and after a call."""

from __future__ import annotations

import gzip
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import grpc
import grpc.aio
from flyteidl2.auth import auth_service_pb2, identity_pb2
from flyteidl2.common import identifier_pb2
from flyteidl2.workflow import run_service_pb2

from flyte_bridge.backend.client import BackendClient
from flyte_bridge.backend.grpc import GrpcCaller

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

RUN = identifier_pb2.RunIdentifier(project="p", domain="d", name="r")


@dataclass
class Server:
    """A Flyte 2 that only knows who asks, and counts.

    Attributes:
        accepts: The tokens it takes; any call passes if empty.
        seen: The metadata of each call, as (method, authorization).
        failures: How many of the next calls are UNAVAILABLE.
        garbled: Of so many answers one is gzip that nobody says is gzip, as the Go backend's reach grpc.aio; none if 0.
        answered: How many answers there were.
    """

    accepts: set[str] = field(default_factory=set)
    seen: list[tuple[str, str]] = field(default_factory=list)
    failures: int = 0
    garbled: int = 0
    answered: int = 0
    endpoint: str = ""
    token_url: str = ""
    key: str = "authorization"

    def service(self, details: Any) -> Any:
        """Finds who answers a method."""
        name = details.method.rpartition("/")[2]
        answer = {
            "UserInfo": (identity_pb2.UserInfoRequest, self._user),
            "GetRunDetails": (run_service_pb2.GetRunDetailsRequest, self._gone),
            "CreateRun": (run_service_pb2.CreateRunRequest, self._created),
            "GetOAuth2Metadata": (auth_service_pb2.GetOAuth2MetadataRequest, self._oauth),
            "GetPublicClientConfig": (auth_service_pb2.GetPublicClientConfigRequest, self._client),
        }.get(name)
        if name == "WatchActionDetails":
            return grpc.unary_stream_rpc_method_handler(
                self._watch, run_service_pb2.WatchActionDetailsRequest.FromString, self._bytes
            )
        if answer is None:
            return None
        return grpc.unary_unary_rpc_method_handler(self._checked(name, answer[1]), answer[0].FromString, self._bytes)

    def _bytes(self, message: Any) -> bytes:
        self.answered += 1
        data = bytes(message.SerializeToString())
        return gzip.compress(data) if self.garbled and self.answered % self.garbled == 0 else data

    def _checked(self, name: str, answer: Any) -> Any:
        async def call(request: Any, context: Any) -> Any:
            await self._check(name, context)
            return await answer(request, context)

        return call

    async def _check(self, name: str, context: Any) -> None:
        sent = dict(context.invocation_metadata()).get(self.key, "")
        self.seen.append((name, sent))
        if self.failures > 0:
            self.failures -= 1
            await context.abort(grpc.StatusCode.UNAVAILABLE, "not now")
        public = name in {"GetOAuth2Metadata", "GetPublicClientConfig"} or not self.accepts
        if not public and sent.removeprefix("Bearer ") not in self.accepts:
            await context.abort(grpc.StatusCode.UNAUTHENTICATED, "no, or an old, token")

    async def _user(self, request: Any, context: Any) -> Any:
        return identity_pb2.UserInfoResponse(subject="me")

    async def _gone(self, request: Any, context: Any) -> Any:
        await context.abort(grpc.StatusCode.DATA_LOSS, "the disk is gone")

    async def _created(self, request: Any, context: Any) -> Any:
        return run_service_pb2.CreateRunResponse()

    async def _watch(self, request: Any, context: Any) -> AsyncIterator[Any]:
        await self._check("WatchActionDetails", context)
        yield run_service_pb2.WatchActionDetailsResponse(details={"status": {"phase": 5}})

    async def _oauth(self, request: Any, context: Any) -> Any:
        return auth_service_pb2.GetOAuth2MetadataResponse(token_endpoint=self.token_url)

    async def _client(self, request: Any, context: Any) -> Any:
        return auth_service_pb2.GetPublicClientConfigResponse(
            scopes=["all", "some"], audience="flyte", authorization_metadata_key=self.key
        )


class _Handlers(grpc.GenericRpcHandler):
    def __init__(self, server: Server) -> None:
        self.server = server

    def service(self, details: Any) -> Any:
        return self.server.service(details)


@asynccontextmanager
async def serving(
    told: Server, credentials: grpc.ServerCredentials | None = None, port: int = 0
) -> AsyncIterator[Server]:
    """The server on a port of its own."""
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((_Handlers(told),))
    address = f"127.0.0.1:{port}"
    bound = server.add_secure_port(address, credentials) if credentials else server.add_insecure_port(address)
    told.endpoint = f"127.0.0.1:{bound}"
    await server.start()
    try:
        yield told
    finally:
        await server.stop(0)


def backend(server: Server, **more: Any) -> BackendClient:
    """The verbs on it, without TLS."""
    return BackendClient(GrpcCaller(server.endpoint, insecure=True, **more))
