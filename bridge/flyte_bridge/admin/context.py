"""What a handler knows of the call it answers, besides the request."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

AUTHORIZATION_KEYS = ("authorization", "flyte-authorization")
"""Metadata that carries credentials. flyteadmin tells its clients to use either (`authorization_metadata_key`)."""

_BEARER = "bearer "


@dataclass(frozen=True)
class CallContext:
    """The facts of one call.

    Attributes:
        method: Its full name, such as `/flyteidl.service.AdminService/GetTask`.
        metadata: The caller's metadata, keys in lower case, in the order they came.
        expires_at: When the caller stops waiting (seconds of `time.monotonic`); `None` if it never does.
        peer: Where the call came from, such as `ipv4:127.0.0.1:4711`; empty for calls of this process.
    """

    method: str = ""
    metadata: tuple[tuple[str, str | bytes], ...] = ()
    expires_at: float | None = None
    peer: str = ""

    @classmethod
    def of(
        cls,
        method: str,
        metadata: Iterable[tuple[str, str | bytes]] | None = None,
        *,
        timeout: float | None = None,
        peer: str = "",
    ) -> CallContext:
        """Makes a context from what a transport tells.

        Args:
            method: The full name of the RPC.
            metadata: Pairs as gRPC has them.
            timeout: Seconds from now that the caller waits.
            peer: Where the call came from.
        """
        pairs = tuple((key.lower(), value) for key, value in metadata or ())
        return cls(method, pairs, None if timeout is None else time.monotonic() + timeout, peer)

    def value(self, key: str) -> str:
        """The last text value under a metadata key; empty if there is none."""
        found = [value for name, value in self.metadata if name == key and isinstance(value, str)]
        return found[-1] if found else ""

    @property
    def bearer(self) -> str | None:
        """The caller's own token, without the word before it. Pass it on; never store it, never log it."""
        for key in AUTHORIZATION_KEYS:
            value = self.value(key)
            if value[: len(_BEARER)].lower() == _BEARER:
                return value[len(_BEARER) :].strip() or None
        return None

    @property
    def bearers(self) -> tuple[str, ...]:
        """Every token that came along, a proxy's included (both SDKs' `proxyCommand`). Never store or log them."""
        keys = (*AUTHORIZATION_KEYS, "proxy-authorization")
        told = [value for key, value in self.metadata if key in keys and isinstance(value, str)]
        return tuple(value[len(_BEARER) :].strip() for value in told if value[: len(_BEARER)].lower() == _BEARER)

    @property
    def remaining(self) -> float | None:
        """Seconds that the caller still waits, not below 0; `None` if it waits for ever."""
        return None if self.expires_at is None else max(0.0, self.expires_at - time.monotonic())

    def __repr__(self) -> str:
        """Leaves the metadata's values out, which may be secrets."""
        keys = ", ".join(key for key, _ in self.metadata)
        return f"CallContext({self.method}, metadata=[{keys}], remaining={self.remaining}, peer={self.peer!r})"
