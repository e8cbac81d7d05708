"""How calls prove who sends them. Nothing here is ever logged, and no `repr` shows a secret.

| way | token | when it is refused or has expired |
|---|---|---|
| `token` | as it is | the call fails |
| command | what the command prints | the command runs again |
| client credentials | what the token endpoint hands out | it is asked again |

A caller's own token (`bearer`) goes before all of them: the gateway passes on what its callers send.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import contextlib
import json
import subprocess
import time
from abc import ABC, abstractmethod
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from flyte_bridge.backend.urls import open_http
from flyte_bridge.errors import ConfigError, Unauthenticated, Unimplemented

if TYPE_CHECKING:
    import ssl

    from flyte_bridge.backend.caller import Caller

bearer: ContextVar[str | None] = ContextVar("bearer", default=None)
"""The token of whoever this process works for at the moment, without the word `Bearer`."""

AUTHORIZATION = "authorization"
"""The metadata key that carries a token, unless the Flyte 2 names another."""

TOKEN_FILE = "FLYTE_BRIDGE_EMBEDDED_TOKEN_FILE"
"""The variable that tells tasks of the embedded backend where its token lies."""

_EARLY = 30.0
"""Seconds before its end at which a token counts as expired."""

_PATIENCE = 60.0
"""Seconds that a token command and a token endpoint have."""


@dataclass(frozen=True)
class Token:
    """A bearer token.

    Attributes:
        value: Without the word `Bearer`.
        key: The metadata key that carries it.
        expires_at: When it does, in seconds of `time.time`; `None` if nothing tells.
    """

    value: str = field(repr=False)
    key: str = AUTHORIZATION
    expires_at: float | None = None

    @property
    def fresh(self) -> bool:
        """Whether it may still be sent."""
        return self.expires_at is None or time.time() < self.expires_at - _EARLY

    @property
    def metadata(self) -> tuple[str, str]:
        """As gRPC sends it."""
        return (self.key, f"Bearer {self.value}")


class Credentials(Protocol):
    """Whatever hands out tokens."""

    async def token(self) -> Token | None:
        """What to send with the next call; `None` sends nothing.

        Raises:
            Unauthenticated: There is none to be had.
            ConfigError: There can be none as things are set.
        """
        ...

    async def renew(self, refused: Token) -> bool:
        """Forgets a token that was refused; False if the next would be the same."""
        ...


@dataclass(frozen=True)
class Fixed:
    """One token, for good."""

    value: str = field(repr=False)

    async def token(self) -> Token | None:
        """The token."""
        return Token(self.value)

    async def renew(self, refused: Token) -> bool:
        """There is no other."""
        return False


class _Renewable(ABC):
    """Gets a token when it needs one, one at a time, and keeps it while it is fresh."""

    def __init__(self) -> None:
        self._held: Token | None = None
        self._lock: asyncio.Lock | None = None

    async def token(self) -> Token | None:
        """A fresh token."""
        if self._held is not None and self._held.fresh:
            return self._held
        self._lock = self._lock or asyncio.Lock()  # not in __init__: Python 3.10 and older loops
        async with self._lock:
            if self._held is None or not self._held.fresh:
                self._held = await self._get()
            return self._held

    async def renew(self, refused: Token) -> bool:
        """Forgets the token; another call may have got a new one already."""
        if self._held is refused:
            self._held = None
        return True

    @abstractmethod
    async def _get(self) -> Token:
        """Get a token, now."""


class TokenCommand(_Renewable):
    """The standard output of a command, such as `gcloud auth print-identity-token`."""

    def __init__(self, command: tuple[str, ...]) -> None:
        """Nothing runs yet.

        Args:
            command: The program and its arguments; no shell.
        """
        super().__init__()
        self._command = command

    async def _get(self) -> Token:
        name = self._command[0]
        try:
            done = await asyncio.to_thread(
                subprocess.run, self._command, capture_output=True, text=True, timeout=_PATIENCE, check=False
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            why = f"did not end in {_PATIENCE:g} s" if isinstance(error, subprocess.TimeoutExpired) else str(error)
            raise Unauthenticated(f"the token command {name!r} failed: {why}; set FLYTE_BRIDGE_TOKEN_COMMAND") from None
        if done.returncode != 0:
            said = done.stderr.strip().splitlines()[-1:]
            raise Unauthenticated(
                f"the token command {name!r} ended with exit code {done.returncode}: {''.join(said) or 'no message'}"
            )
        value = done.stdout.strip()
        if not value or any(character.isspace() for character in value):
            raise Unauthenticated(f"the token command {name!r} printed {'no' if not value else 'more than one'} token")
        return Token(value, expires_at=expiry(value))


class ClientCredentials(_Renewable):
    """OAuth 2.0 client credentials (RFC 6749, 4.4), at the token endpoint that the Flyte 2 names."""

    def __init__(self, client_id: str, client_secret: str, metadata: Caller, tls: ssl.SSLContext | None = None) -> None:
        """Nothing is asked yet.

        Args:
            client_id: Of the application.
            client_secret: Of the application.
            metadata: Calls the Flyte 2's AuthMetadataService, without credentials.
            tls: Whom to trust at the token endpoint.
        """
        super().__init__()
        self._client_id = client_id
        self._client_secret = client_secret
        self._metadata = metadata
        self._tls = tls

    async def _get(self) -> Token:
        from flyteidl2.auth import auth_service_pb2

        service = "/flyteidl2.auth.AuthMetadataService"
        try:
            server = await self._metadata.unary(
                f"{service}/GetOAuth2Metadata",
                auth_service_pb2.GetOAuth2MetadataRequest(),
                auth_service_pb2.GetOAuth2MetadataResponse,
            )
            client = await self._metadata.unary(
                f"{service}/GetPublicClientConfig",
                auth_service_pb2.GetPublicClientConfigRequest(),
                auth_service_pb2.GetPublicClientConfigResponse,
            )
        except Unimplemented:
            raise ConfigError(
                "client credentials are set, but this Flyte 2 names no authorization server (AuthMetadataService); "
                "use FLYTE_BRIDGE_TOKEN or FLYTE_BRIDGE_TOKEN_COMMAND"
            ) from None
        if not server.token_endpoint:
            raise ConfigError("client credentials are set, but this Flyte 2 names no token endpoint")
        form = {"grant_type": "client_credentials", "scope": " ".join(client.scopes), "audience": client.audience}
        answer = await asyncio.to_thread(self._post, server.token_endpoint, {k: v for k, v in form.items() if v})
        seconds = answer.get("expires_in")
        return Token(
            answer["access_token"],
            client.authorization_metadata_key or AUTHORIZATION,
            time.time() + float(seconds) if seconds else expiry(answer["access_token"]),
        )

    def _post(self, url: str, form: dict[str, str]) -> dict[str, str]:
        import urllib.error
        import urllib.parse
        import urllib.request

        pair = f"{urllib.parse.quote(self._client_id)}:{urllib.parse.quote(self._client_secret)}"
        request = urllib.request.Request(
            url,
            data=urllib.parse.urlencode(form).encode(),
            headers={
                "authorization": f"Basic {base64.b64encode(pair.encode()).decode()}",
                "accept": "application/json",
            },
        )
        if request.type not in {"http", "https"}:
            raise ConfigError(f"the Flyte 2 names {url!r} as its token endpoint, which is no HTTP address")
        try:
            with open_http(request, _PATIENCE, self._tls) as response:
                answer = json.load(response)
        except urllib.error.HTTPError as error:
            with error:
                said = _reason(error.read(4096))
            raise Unauthenticated(f"client {self._client_id!r} got no token at {url}: {error.code} {said}") from None
        except (OSError, ValueError) as error:
            raise Unauthenticated(f"client {self._client_id!r} got no token at {url}: {error}") from None
        if not isinstance(answer, dict) or not isinstance(answer.get("access_token"), str):
            raise Unauthenticated(f"client {self._client_id!r} got no token at {url}: its answer has no access_token")
        return answer


def _reason(body: bytes) -> str:
    """What an authorization server says of its refusal (RFC 6749, 5.2), and nothing else of the body."""
    with contextlib.suppress(ValueError, AttributeError):
        told = json.loads(body)
        return " ".join(str(told[key]) for key in ("error", "error_description") if told.get(key))
    return ""


def expiry(token: str) -> float | None:
    """When a token that is a JWT expires (`exp`, in seconds since 1970); `None` for any other."""
    parts = token.split(".")
    if len(parts) != 3:
        return None
    with contextlib.suppress(ValueError, binascii.Error, TypeError, AttributeError):
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
        return float(claims["exp"]) if claims.get("exp") else None
    return None
