"""URLs that log a browser in to the console, once: whoever can read the installation's token makes them."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flyte_bridge.embedded_client.access import Access

PATH = "/console"
LIFE = 3600
"""Seconds a login URL is good for."""


def url(base: str, access: Access) -> str:
    """A URL that logs a browser in, once, within the hour.

    Args:
        base: `http://host:port`.
        access: What opens the backend.
    """
    nonce, until = secrets.token_urlsafe(12), int(time.time()) + LIFE
    return f"{base}{PATH}?token={nonce}.{until}.{signature(access, nonce, until)}"


def signature(access: Access, nonce: str, until: int) -> str:
    """What shows that a URL was made by who can read the installation's token."""
    return hmac.new(access.derived("login").encode(), f"{nonce}.{until}".encode(), hashlib.sha256).hexdigest()
