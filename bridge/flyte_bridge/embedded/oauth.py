"""A token endpoint for clients that log in before they ask whether they must.

flytekit with a client secret fetches a token before its first call, whoever answers. What opens the embedded backend is its
own token (`admission`), which such a client brings along as a proxy's; what it gets here besides, nobody reads.
"""

from __future__ import annotations

import json
from typing import Any

from flyte_bridge.embedded_client import TOKEN

SEGMENT = "oauth2"
"""Where it is mounted."""

_ANSWER = json.dumps({"access_token": "embedded", "token_type": "Bearer", "expires_in": 86_400}).encode()


async def answer(scope: Any, receive: Any, send: Any) -> None:
    """Answers one request: any POST to the token endpoint gets a token (RFC 6749, 5.1)."""
    while (await receive()).get("more_body", False):
        pass
    found = scope["path"] == TOKEN
    right = found and scope["method"] == "POST"
    body = _ANSWER if right else b""
    headers = [(b"content-length", str(len(body)).encode()), (b"cache-control", b"no-store")]
    headers += [(b"content-type", b"application/json")] if right else [(b"allow", b"POST")] if found else []
    await send({"type": "http.response.start", "status": 200 if right else 405 if found else 404, "headers": headers})
    await send({"type": "http.response.body", "body": body})
