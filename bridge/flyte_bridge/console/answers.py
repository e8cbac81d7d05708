"""What the console answers a request with."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

PAGE_POLICY = (
    b"default-src 'none'; style-src 'self' 'unsafe-inline'; script-src 'self'; connect-src 'self'; frame-src 'self'; "
    b"img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
"""Our one file of script may run and nothing else, wherever a value might smuggle one in."""

REPORT_POLICY = b"sandbox allow-scripts allow-popups"
"""Reports are HTML of the task's own, scripts included: in an origin of their own, which reaches nothing of ours."""

FILE_POLICY = b"default-src 'none'; sandbox"
"""Files of a task's own: looked at or saved, never run."""


@dataclass(frozen=True)
class Answer:
    """What to send: a body, or a stream of what may be too large to hold.

    Attributes:
        attachment: The name that a browser saves it under; empty to show it.
    """

    status: HTTPStatus
    body: bytes
    content_type: bytes = b"text/html; charset=utf-8"
    policy: bytes = PAGE_POLICY
    stream: AsyncIterator[bytes] | None = None
    location: str = ""
    attachment: str = ""


def elsewhere(path: str, status: HTTPStatus = HTTPStatus.FOUND) -> Answer:
    """A page that is at another path."""
    return Answer(status, b"", location=path)
