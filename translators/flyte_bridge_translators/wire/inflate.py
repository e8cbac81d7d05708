"""Deflated bytes that somebody else has written: made into no more than they may be, however small they arrive."""

from __future__ import annotations

import zlib

MOST = 64 * 1024 * 1024
"""Bytes that anything is inflated to: the largest message that is taken from a caller."""


class BadDeflate(ValueError):
    """Raised when bytes are not deflated, are cut off, or hold more than they may."""


class TooMuch(BadDeflate):
    """Raised when bytes hold more than they may."""


def inflate(data: bytes, most: int = MOST, *, wbits: int = zlib.MAX_WBITS) -> bytes:
    """What `zlib.compress` made into bytes.

    Args:
        data: The bytes.
        most: How many may come of them; beyond, nothing is kept.
        wbits: Of which kind they are; see `zlib.decompressobj`.

    Raises:
        TooMuch: They hold more.
        BadDeflate: They are not deflated, or are cut off.
    """
    inflating = zlib.decompressobj(wbits)
    try:
        inflated = inflating.decompress(data, most + 1)
    except zlib.error as error:
        raise BadDeflate(f"not deflated bytes: {error}") from error
    if len(inflated) > most:
        raise TooMuch(f"{len(data):,} bytes that hold more than the {most:,} that they may")
    if not inflating.eof:
        raise BadDeflate("deflated bytes that are cut off")
    return inflated
