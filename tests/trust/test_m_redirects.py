"""Whoever a Flyte names as a URL cannot lead on to what may not be opened, nor collect credentials for it (issue 12)."""

from __future__ import annotations

import contextlib
import http.server
import threading
import urllib.error
import urllib.request
from typing import TYPE_CHECKING

import pytest

from flyte_bridge.backend.urls import open_http

if TYPE_CHECKING:
    from collections.abc import Iterator

AUTHORIZATION = "Basic c2VjcmV0"


class Server(http.server.ThreadingHTTPServer):
    """Leads on to wherever `to` says, but for `/end`, and keeps what it was told there."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.to = ""
        self.told: list[str | None] = []


class Handler(http.server.BaseHTTPRequestHandler):
    """Of `Server`."""

    server: Server

    def do_GET(self) -> None:
        ended = self.path == "/end"
        if ended:
            self.server.told.append(self.headers["authorization"])
        self.send_response(200 if ended else 302)
        self.send_header("location", self.server.to)
        self.send_header("content-length", "0")
        self.end_headers()

    do_POST = do_GET  # noqa: N815 - the library's name

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@contextlib.contextmanager
def _running() -> Iterator[Server]:
    server = Server()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join(60)
        server.server_close()


@pytest.mark.parametrize("data", [None, b"grant_type=client_credentials"])
@pytest.mark.parametrize(("host", "kept"), [("127.0.0.1", AUTHORIZATION), ("localhost", None)])
def test_credentials_stay_on_their_host(host: str, kept: str | None, data: bytes | None) -> None:
    """A redirect within a host keeps the client's secret; one to another host is followed without."""
    with _running() as server:
        server.to = f"http://{host}:{server.server_port}/end"
        url = f"http://127.0.0.1:{server.server_port}/begin"
        request = urllib.request.Request(url, data=data, headers={"authorization": AUTHORIZATION})
        with open_http(request, 30) as answer:
            assert answer.status == 200
        assert server.told == [kept]


@pytest.mark.parametrize("to", ["ftp://127.0.0.1:1/x", "file:///etc/passwd"])
def test_no_redirect_leaves_http(to: str) -> None:
    """Neither to FTP, which `urllib` would follow, nor to a file."""
    with _running() as server:
        server.to = to
        with pytest.raises(urllib.error.URLError, match=r"is no HTTP URL|not allowed"):
            open_http(f"http://127.0.0.1:{server.server_port}/", 30)
