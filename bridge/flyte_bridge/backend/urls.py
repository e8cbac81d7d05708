"""URLs that somebody else has named: a Flyte's signed ones, its token endpoint, its console."""

from __future__ import annotations

import urllib.error
import urllib.request
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ssl
    from http.client import HTTPResponse


def open_http(request: urllib.request.Request | str, timeout: float, tls: ssl.SSLContext | None = None) -> HTTPResponse:
    """Opens a URL by HTTP, and by nothing else: `urllib` would read this machine's files for whoever names one.

    Args:
        request: What to ask, or only where.
        timeout: Seconds for each step.
        tls: Whom to trust, by default the system's authorities.

    Raises:
        URLError: It is no HTTP URL, or nobody answers; `HTTPError` if the answer is an error.
    """
    asked = urllib.request.Request(request) if isinstance(request, str) else request
    if asked.type not in {"http", "https"}:
        raise urllib.error.URLError(f"{asked.full_url!r} is no HTTP URL")
    answer: HTTPResponse = urllib.request.urlopen(asked, timeout=timeout, context=tls)  # nosec B310 - looked at above
    return answer
