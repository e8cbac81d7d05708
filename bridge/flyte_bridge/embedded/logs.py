"""Attempts' logs, read while they are written.

A log is what the attempt wrote to standard output and error, bytes and nothing else. Whoever follows it gets what is
there, then what comes, and the end once the attempt has ended. Lines carry the time they were seen; those written
before somebody looked carry the time of the log's last change, for nothing in the file tells more.
"""

from __future__ import annotations

import asyncio
import os
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from flyte_bridge.backend.moments import Micros
    from flyte_bridge.embedded.clock import Clock

POLL = 0.1
"""Seconds between looks at a log that grows."""

QUIET = 10.0
"""Seconds of silence after which a listener is told that there is nothing new: the SDK gives up after 30 (2.12.1)."""

_READ = 256 * 1024
_MAX_LINE = 64 * 1024
"""Bytes of a line; a longer one (a progress bar without line ends) comes in pieces."""


@dataclass(frozen=True)
class Line:
    """A line of a log, with its line end."""

    at: Micros
    text: str


async def follow(path: Path, ended: asyncio.Event, clock: Clock) -> AsyncIterator[list[Line]]:
    """Yield a log's lines, a batch at a time, until the attempt has ended and all was read.

    An empty batch says that nothing was written for a while.

    Args:
        path: The log file; it may come into being later.
        ended: Set once the attempt has ended, after which nothing is written.
        clock: Stamps lines that come while we look.
    """
    offset, pending, caught_up = 0, b"", False
    spoke = time.monotonic()
    while True:
        over = ended.is_set()  # asked before reading: what was written until then is read below
        data, changed = _read(path, offset)
        offset += len(data)
        lines, pending = _split(pending + data)
        if over and not data and pending:
            lines, pending = [pending + b"\n"], b""
        at = clock.now() if caught_up else changed
        if lines or time.monotonic() - spoke > QUIET:
            spoke = time.monotonic()
            yield [Line(at, line.decode("utf-8", "replace")) for line in lines]
        if len(data) == _READ:
            await asyncio.sleep(0)
            continue
        caught_up = True
        if over and not data:
            return
        if not over:
            with suppress(asyncio.TimeoutError):
                await asyncio.wait_for(ended.wait(), POLL)


def _read(path: Path, offset: int) -> tuple[bytes, Micros]:
    try:
        with path.open("rb", buffering=0) as file:
            file.seek(offset)
            return file.read(_READ), os.fstat(file.fileno()).st_mtime_ns // 1000
    except FileNotFoundError:
        return b"", 0


def _split(data: bytes) -> tuple[list[bytes], bytes]:
    """Return complete lines with their ends, and the beginning of the next."""
    *lines, rest = data.split(b"\n")  # not splitlines: a progress bar's \r is no line end
    lines = [line + b"\n" for line in lines]
    while len(rest) > _MAX_LINE:
        lines.append(rest[:_MAX_LINE] + b"\n")
        rest = rest[_MAX_LINE:]
    return lines, rest
