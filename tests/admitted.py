"""Clients that an embedded backend lets in, for tests that speak to its port without an SDK's configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import grpc

from flyte_bridge.backend.credentials import Fixed
from flyte_bridge.backend.grpc import GrpcCaller

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flyte_bridge.embedded_client.access import Access


def headers(access: Access) -> dict[str, str]:
    """What proves an HTTP request."""
    return {"authorization": f"Bearer {access.token}"}


def channel(endpoint: str, access: Access, options: Sequence[tuple[str, Any]] = ()) -> grpc.Channel:
    """A gRPC channel that sends the token with each call.

    Args:
        endpoint: `host:port`.
        access: What opens the backend.
        options: The channel's.
    """
    return grpc.intercept_channel(grpc.insecure_channel(endpoint, list(options)), _Token(access))


def caller(endpoint: str, access: Access, **more: Any) -> GrpcCaller:
    """The bridge's own caller, with the token."""
    return GrpcCaller(endpoint, insecure=True, credentials=Fixed(access.token), **more)


class _Token(  # type: ignore[misc]
    grpc.UnaryUnaryClientInterceptor,
    grpc.UnaryStreamClientInterceptor,
    grpc.StreamUnaryClientInterceptor,
    grpc.StreamStreamClientInterceptor,
):
    def __init__(self, access: Access) -> None:
        self._metadata = tuple(headers(access).items())

    def _with_token(self, details: grpc.ClientCallDetails) -> grpc.ClientCallDetails:
        with_token = _Details()
        for name in ("method", "timeout", "credentials", "wait_for_ready", "compression"):
            setattr(with_token, name, getattr(details, name, None))
        with_token.metadata = (*(details.metadata or ()), *self._metadata)
        return with_token

    def intercept_unary_unary(self, continuation: Any, client_call_details: Any, request: Any) -> Any:
        return continuation(self._with_token(client_call_details), request)

    intercept_unary_stream = intercept_stream_unary = intercept_stream_stream = intercept_unary_unary


class _Details(grpc.ClientCallDetails):  # type: ignore[misc]
    metadata: Any = None
