"""What the console answers a request with."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

PAGE_POLICY = (
    b"default-src 'none'; style-src 'self' 'unsafe-inline'; script-src 'self'; connect-src 'self'; frame-src 'self'; "
    b"img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
"""Our one file of script may run and nothing else, wherever a value might smuggle one in."""


@dataclass(frozen=True)
class Answer:
    """What to send: a body, or a file that may be too large to hold."""

    status: HTTPStatus
    body: bytes
    content_type: bytes = b"text/html; charset=utf-8"
    policy: bytes = PAGE_POLICY
    file: Path | None = None
    stream: AsyncIterator[bytes] | None = None
    location: str = ""


def elsewhere(path: str, status: HTTPStatus = HTTPStatus.FOUND) -> Answer:
    """A page that is at another path."""
    return Answer(status, b"", location=path)
