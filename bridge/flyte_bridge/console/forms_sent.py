"""What forms and queries say, read from requests."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from flyte_bridge.errors import InvalidRequest

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from typing import Any

_LONGEST = 4 * 1024 * 1024
"""Bytes of a form."""

_MOST = 10_000
"""Fields of a form."""


async def read_form(receive: Callable[[], Awaitable[Any]]) -> dict[str, str]:
    """What a form was sent with.

    Raises:
        InvalidRequest: It is longer than any form may be.
    """
    body = bytearray()
    while True:
        message = await receive()
        body += message.get("body", b"")
        if len(body) > _LONGEST:
            raise InvalidRequest(f"A form may have {_LONGEST} bytes. Nothing was done.")
        if not message.get("more_body", False):
            return read_query(bytes(body))


def read_query(query: bytes) -> dict[str, str]:
    """The last value of each name; one that is given without value is empty."""
    try:
        told = parse_qs(query.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=_MOST)
    except ValueError:
        raise InvalidRequest(f"A form may have {_MOST} fields. Nothing was done.") from None
    return {name: values[-1] for name, values in told.items()}
