"""URLs that a Flyte names are opened by HTTP, and by nothing else."""

from __future__ import annotations

import urllib.error
import urllib.request
from typing import TYPE_CHECKING

import pytest

from flyte_bridge.backend.urls import open_http

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("scheme", ["file://{path}", "ftp://127.0.0.1:1/x", "data:text/plain,x"])
def test_no_other_scheme_is_opened(scheme: str, tmp_path: Path) -> None:
    """A signed URL that is a file of this machine is refused, as text or as a request; an HTTP URL is asked."""
    (tmp_path / "secret").write_text("secret")
    url = scheme.format(path=tmp_path / "secret")
    for request in (url, urllib.request.Request(url)):
        with pytest.raises(urllib.error.URLError, match="no HTTP URL"):
            open_http(request, 5)
    with pytest.raises(urllib.error.URLError, match="refused"):
        open_http("http://127.0.0.1:1/", 5)
