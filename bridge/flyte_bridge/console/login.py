"""Whose browser is let in.

Over a Flyte 2 with a login a browser brings the token of its user, who pastes it into a form once: it is proven to the
Flyte 2 there and then, kept in a cookie that no script can read and no other site's request carries, and passed on with each
call. The gateway stores nothing.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
from dataclasses import dataclass, field
from http import HTTPStatus
from http.cookies import CookieError, SimpleCookie
from typing import TYPE_CHECKING, Any, Protocol

from flyte_bridge.admin.context import CallContext
from flyte_bridge.console.forms_sent import read_form
from flyte_bridge.errors import BridgeError, InvalidRequest

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    Admit = Callable[[str, CallContext], Awaitable[None]]

LOGIN, LOGOUT = "/v2/login", "/v2/logout"

_LONGEST = 3500
"""Characters of a token that fit into a cookie with everything around it; browsers keep 4,096 bytes of one."""

_REMEMBERED = 12 * 3600
"""Seconds that a browser keeps a token; it may be over before."""


@dataclass(frozen=True)
class Visitor:
    """Who looks at pages.

    Attributes:
        form_key: What the tokens of their forms are signed with: nobody else can make one.
        bearer: Their own token; None where the server calls as itself.
    """

    form_key: str = field(repr=False)
    bearer: str | None = field(default=None, repr=False)

    def context(self, path: str) -> CallContext:
        """What a call of theirs tells.

        Args:
            path: Of the page.
        """
        if self.bearer is None:
            return CallContext(path)
        return CallContext(path, (("authorization", f"Bearer {self.bearer}"),))


class Doorkeeper(Protocol):
    """Knows whose requests are whose."""

    hint: str
    """What a browser that is not let in is told to do."""

    asks: bool
    """Whether it takes a token by a form."""

    def claims(self, scope: Any) -> bool:
        """Whether a request is an attempt to log in, or out."""
        ...

    def visitor(self, scope: Any) -> Visitor | None:
        """Who sends a request for a page; None for whoever is not let in."""
        ...

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Lets in or out."""
        ...


class OpenDoor:
    """Lets everybody in."""

    hint = ""
    asks = False

    def __init__(self) -> None:
        """Forms are this process's own nevertheless: another site's page cannot make one."""
        self._visitor = Visitor(secrets.token_hex())

    def claims(self, scope: Any) -> bool:
        """See `Doorkeeper`."""
        return False

    def visitor(self, scope: Any) -> Visitor | None:
        """See `Doorkeeper`."""
        return self._visitor

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """See `Doorkeeper`."""
        raise AssertionError("nobody logs in here")


class TokenLogin:
    """Takes the tokens of a Flyte 2's users; see the module."""

    hint = "This browser has not logged in."
    asks = True

    def __init__(self, admit: Admit, endpoint: str) -> None:
        """Args:
        admit: Proves a caller to the Flyte 2.
        endpoint: The Flyte 2's: a browser keeps cookies by host, whatever the port.
        """
        self._admit = admit
        self._cookie = f"flyte-bridge-{hashlib.sha256(endpoint.encode()).hexdigest()[:12]}"

    def claims(self, scope: Any) -> bool:
        """See `Doorkeeper`."""
        return scope["method"] == "POST" and scope["path"] in {LOGIN, LOGOUT}

    def visitor(self, scope: Any) -> Visitor | None:
        """See `Doorkeeper`."""
        bearer = _bearer_of(scope["headers"]) or self._of_cookie(scope["headers"])
        if not bearer:
            return None
        # of the token alone: a form of one gateway is another's, too, and nobody else has the token
        return Visitor(hmac.new(bearer.encode(), b"console forms", hashlib.sha256).hexdigest(), bearer)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """See `Doorkeeper`."""
        if scope["path"] == LOGOUT:
            await _redirect(send, "/", f"{self._cookie}=; HttpOnly; SameSite=Strict; Path=/; Max-Age=0")
            return
        try:
            sent = await read_form(receive)
            bearer = await self._proven(sent.get("token", "").strip())
        except BridgeError as error:
            await _say(send, f"Not logged in: {error}")
            return
        place = "/" + sent.get("next", "").lstrip("/\\")  # `//host/…` would be another site's
        if not (place.isascii() and place.isprintable()):
            place = "/"
        secure = "; Secure" if _is_tls(scope) else ""
        kept = base64.urlsafe_b64encode(bearer.encode()).decode()
        await _redirect(
            send, place, f"{self._cookie}={kept}; HttpOnly; SameSite=Strict; Path=/; Max-Age={_REMEMBERED}{secure}"
        )

    async def _proven(self, token: str) -> str:
        bearer = token[7:].strip() if token[:7].lower() == "bearer " else token
        if not bearer or not bearer.isascii() or not bearer.isprintable() or " " in bearer:
            raise InvalidRequest("a token is one word; paste what your login command prints")
        if len(bearer) > _LONGEST:
            raise InvalidRequest(f"a token of more than {_LONGEST} characters fits into no cookie")
        await self._admit(LOGIN, Visitor("", bearer).context(LOGIN))
        return bearer

    def _of_cookie(self, headers: Any) -> str:
        for name, value in headers:
            if name == b"cookie":
                try:
                    kept = SimpleCookie(value.decode("latin-1")).get(self._cookie)
                    if kept is not None:
                        return base64.urlsafe_b64decode(kept.value.encode()).decode("ascii")
                except (CookieError, binascii.Error, ValueError):
                    continue  # it is none of ours
        return ""


def _bearer_of(headers: Any) -> str:
    """The token of a program, which sends it as it does to Flyte 2."""
    told = CallContext.of("", [(name.decode("latin-1"), value.decode("latin-1")) for name, value in headers])
    return told.bearer or ""


def _is_tls(scope: Any) -> bool:
    """Whether the browser speaks TLS, be it with the proxy before us."""
    forwarded = [value for name, value in scope["headers"] if name == b"x-forwarded-proto"]
    return scope.get("scheme") == "https" or b"https" in forwarded


async def _redirect(send: Any, place: str, cookie: str) -> None:
    headers = [
        (b"location", place.encode()),
        (b"set-cookie", cookie.encode()),
        (b"cache-control", b"no-store"),
        (b"referrer-policy", b"no-referrer"),
        (b"content-length", b"0"),
    ]
    await send({"type": "http.response.start", "status": int(HTTPStatus.SEE_OTHER), "headers": headers})
    await send({"type": "http.response.body", "body": b""})


async def _say(send: Any, message: str) -> None:
    headers = [
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"cache-control", b"no-store"),
        (b"x-content-type-options", b"nosniff"),
    ]
    await send({"type": "http.response.start", "status": int(HTTPStatus.UNAUTHORIZED), "headers": headers})
    await send({"type": "http.response.body", "body": f"{message}\nGo back, and try again.\n".encode()})
