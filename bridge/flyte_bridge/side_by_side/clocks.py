"""How far the clock of a side is from this machine's, by the `Date` of an HTTP answer.

Flyte 2 answers over HTTP, and so does what stands before a flyteadmin as a rule. A bare flyteadmin tells no time before it is
changed: then nobody knows.
"""

from __future__ import annotations

import asyncio
import time
import urllib.error
from email.utils import parsedate_to_datetime
from http.client import HTTPException
from typing import TYPE_CHECKING

from ..backend.grpc import tls_context
from ..backend.urls import open_http

if TYPE_CHECKING:
    from pathlib import Path

PATIENCE = 5.0
"""Seconds for the question."""


async def ahead(endpoint: str, *, insecure: bool, ca_cert: Path | None = None) -> float | None:
    """Seconds by which a server's clock is ahead of ours, to about a second; `None` if it does not tell.

    Args:
        endpoint: `host:port`.
        insecure: No TLS.
        ca_cert: A PEM file of the authorities to trust instead of the system's.
    """
    return await asyncio.to_thread(_ahead, endpoint, insecure, ca_cert)


def _ahead(endpoint: str, insecure: bool, ca_cert: Path | None) -> float | None:
    tls = None if insecure else tls_context(ca_cert)
    began = time.time()
    try:
        with open_http(f"http{'' if insecure else 's'}://{endpoint}/", PATIENCE, tls) as answer:
            told = answer.headers.get("Date", "")
    except urllib.error.HTTPError as error:
        with error:
            told = error.headers.get("Date", "")
    except (OSError, HTTPException):  # it speaks gRPC alone
        return None
    ended = time.time()
    try:
        at = parsedate_to_datetime(told).timestamp() + 0.5  # whole seconds are told
    except (TypeError, ValueError):
        return None
    return at - (began + ended) / 2
