"""The way in for browsers: a URL that is good once, and the cookie that it is exchanged for.

Whoever can read the installation's token makes such URLs (`flyte-bridge up` and `status` do), without asking the server;
the server accepts each once. The cookie opens the pages only, and to no script: no page has any, and another site's
requests come without it.
"""

from __future__ import annotations

import hmac
import time
from http import HTTPStatus
from http.cookies import CookieError, SimpleCookie
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from flyte_bridge.console.login import Visitor
from flyte_bridge.embedded.admission import PROVEN, Refusal, refuse
from flyte_bridge.embedded_client.login_url import LIFE, PATH, signature

if TYPE_CHECKING:
    from collections.abc import Callable

    from flyte_bridge.embedded_client.access import Access

_REMEMBERED = 30 * 86_400
"""Seconds that a browser keeps its login."""


class Login:
    """Knows which URLs were used, and whose browsers are logged in; see `console.login.Doorkeeper`."""

    hint = "This browser has not logged in: run `flyte-bridge status`, and open the URL of the console that it prints."
    asks = False

    def __init__(self, access: Access, has_token: Callable[[Any], bool], now: Callable[[], float] = time.time) -> None:
        """Args:
        access: What opens the backend.
        has_token: Whether a request's headers have the token: programs read pages without a login.
        now: The time in seconds.
        """
        self._access, self._has_token, self._now = access, has_token, now
        # a browser keeps cookies by host, whatever the port: each backend of a machine has one of its own name
        self._cookie_name = f"flyte-bridge-{access.derived('console cookie name')[:12]}"
        self._cookie = access.derived("console cookie")
        self._visitor = Visitor(access.derived(f"console forms {self._cookie_name}"), access.token)
        self._begun = now()
        self._used: dict[str, int] = {}

    def claims(self, scope: Any) -> bool:
        """Whether a request is an attempt to log in: by such a URL, or by a path that proves who asks."""
        if scope["method"] != "GET":
            return False
        return PROVEN in scope or bool(scope["path"] == PATH and b"token=" in scope["query_string"])

    def visitor(self, scope: Any) -> Visitor | None:
        """Who has logged in, or has the token; None for anybody else."""
        return self._visitor if self._is_logged_in(scope) else None

    def _is_logged_in(self, scope: Any) -> bool:
        if PROVEN in scope:
            return True
        for name, value in scope["headers"]:
            if name == b"cookie":
                try:
                    cookies = SimpleCookie(value.decode("latin-1"))
                except CookieError:
                    continue
                given = cookies.get(self._cookie_name)
                if given is not None and hmac.compare_digest(given.value.encode(), self._cookie.encode()):
                    return True
        return self._has_token(scope["headers"])

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Exchanges the URL's token for a cookie, and leads on to a URL without it."""
        query = scope["query_string"].decode("latin-1")
        place = "/"
        if PROVEN in scope:
            place = scope["raw_path"].decode("latin-1") + (f"?{query}" if query else "")
        headers = [(b"cache-control", b"no-store"), (b"referrer-policy", b"no-referrer")]
        if PROVEN in scope or self._accept(parse_qs(query).get("token", [""])[0]):
            cookie = f"{self._cookie_name}={self._cookie}; HttpOnly; SameSite=Strict; Path=/; Max-Age={_REMEMBERED}"
            location = "/" + place.lstrip("/\\")  # `//host/…` would be another site's, and browsers read `\` as `/`
            headers += [
                (b"location", location.encode("latin-1")),
                (b"set-cookie", cookie.encode()),
                (b"content-length", b"0"),
            ]
            await send({"type": "http.response.start", "status": int(HTTPStatus.SEE_OTHER), "headers": headers})
            await send({"type": "http.response.body", "body": b""})
            return
        why = "this login is over or was used before; `flyte-bridge status` prints a new one"
        await refuse(Refusal(HTTPStatus.UNAUTHORIZED, why), scope, send)

    def _accept(self, token: str) -> bool:
        nonce, _, rest = token.partition(".")
        told_until, _, told_signature = rest.partition(".")
        if not (told_until.isascii() and told_until.isdigit() and len(told_until) < 12):
            return False
        until, now = int(told_until), self._now()
        if not hmac.compare_digest(told_signature.encode(), signature(self._access, nonce, until).encode()):
            return False
        # what was used before this process began cannot be known, so what was made before it is not taken
        if not now < until <= now + LIFE + 60 or until - LIFE < int(self._begun) or nonce in self._used:
            return False
        self._used = {used: end for used, end in self._used.items() if end > now}
        self._used[nonce] = until
        return True
