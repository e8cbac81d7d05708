"""Answers compressed for whoever accepts that.

connect-go takes the first encoding it knows of those that a client names; connectrpc's Python takes `identity` for one, and
grpcio names that first.
"""

from __future__ import annotations

from typing import Any

_ACCEPT = (b"grpc-accept-encoding", b"accept-encoding", b"connect-accept-encoding")


class Compressed:
    """An application whose clients have not named `identity`."""

    def __init__(self, application: Any) -> None:
        """Takes what answers."""
        self._application = application

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Handles one request."""
        if scope["type"] == "http":
            headers = [(name, _named(value) if name in _ACCEPT else value) for name, value in scope["headers"]]
            scope = {**scope, "headers": headers}
        await self._application(scope, receive, send)


def _named(value: bytes) -> bytes:
    names = [name.strip() for name in value.split(b",")]
    return b", ".join(name for name in names if name != b"identity")
