"""URLs that somebody else has named: a Flyte's signed ones, its token endpoint, its console."""

from __future__ import annotations

import urllib.error
import urllib.request
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ssl
    from http.client import HTTPMessage, HTTPResponse
    from typing import IO


class _HttpRedirects(urllib.request.HTTPRedirectHandler):
    """Follows redirects, with credentials on the same host only; `urllib` follows to FTP, and hands them to everybody."""

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> urllib.request.Request | None:
        """See `HTTPRedirectHandler`."""
        following = super().redirect_request(req, fp, code, msg, headers, newurl)
        if following is not None:
            _check(following)
            if (following.type, following.host) != (req.type, req.host):
                following.remove_header("Authorization")
        return following


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
    _check(asked)
    opener = urllib.request.build_opener(_HttpRedirects(), urllib.request.HTTPSHandler(context=tls))
    answer: HTTPResponse = opener.open(asked, timeout=timeout)
    return answer


def _check(request: urllib.request.Request) -> None:
    if request.type not in {"http", "https"}:
        raise urllib.error.URLError(f"{request.full_url!r} is no HTTP URL")
