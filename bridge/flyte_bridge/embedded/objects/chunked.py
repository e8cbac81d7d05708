"""The body format `aws-chunked`: sized chunks, each with an optional signature, and a trailer.

```
<size in hex>[;chunk-signature=...]\\r\\n <bytes> \\r\\n   ...   0[;...]\\r\\n [<name>:<value>\\r\\n ...] \\r\\n
```

Source: the S3 API reference on signature calculations, "transferring payload in multiple chunks", with and without
trailing headers. The signatures of chunks are passed over; see `signature`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flyte_bridge.embedded.objects.faults import S3Fault

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

_MAX_LINE = 8192


def is_chunked(headers: Mapping[str, str]) -> bool:
    """Tell whether a request's body is in this format."""
    return headers.get("x-amz-content-sha256", "").startswith("STREAMING-") or "aws-chunked" in headers.get(
        "content-encoding", ""
    )


async def decode(pieces: AsyncIterator[bytes], trailer: dict[str, str]) -> AsyncIterator[bytes | memoryview]:
    """Yield the bytes within, and fill the trailer.

    Raises:
        S3Fault: The format is broken, or ends too early.
    """
    reader = _Reader(pieces)
    while True:
        size = _size(await reader.line())
        if size == 0:
            break
        async for piece in reader.exactly(size):
            yield piece
        if await reader.line() != b"":
            raise S3Fault("InvalidRequest", "an aws-chunked chunk is longer than its size")
    while line := await reader.line(may_end=True):
        name, _, value = line.decode("latin-1").partition(":")
        trailer[name.strip().lower()] = value.strip()
    await reader.rest()


def _size(line: bytes) -> int:
    digits = line.partition(b";")[0].strip()
    try:
        size = int(digits, 16)
    except ValueError:
        size = -1
    if size < 0 or digits[:1] in {b"+", b"-"} or b"_" in digits:
        raise S3Fault("InvalidRequest", f"{digits[:20]!r} is not the size of an aws-chunked chunk")
    return size


class _Reader:
    def __init__(self, pieces: AsyncIterator[bytes]) -> None:
        self._pieces = pieces
        self._buffer = b""

    async def _more(self) -> bool:
        async for piece in self._pieces:
            self._buffer += piece
            return True
        return False

    async def line(self, *, may_end: bool = False) -> bytes:
        while b"\r\n" not in self._buffer:
            if len(self._buffer) > _MAX_LINE:
                raise S3Fault("InvalidRequest", "an aws-chunked line has no end")
            if not await self._more():
                if may_end and not self._buffer:
                    return b""
                raise S3Fault("IncompleteBody", "the aws-chunked body ended too early; send it again")
        line, _, self._buffer = self._buffer.partition(b"\r\n")
        return line

    async def exactly(self, size: int) -> AsyncIterator[bytes | memoryview]:
        while size:
            if not self._buffer and not await self._more():
                raise S3Fault("IncompleteBody", "the aws-chunked body ended too early; send it again")
            if len(self._buffer) <= size:
                piece, self._buffer = self._buffer, b""
                size -= len(piece)
                yield piece
            else:
                yield memoryview(self._buffer)[:size]
                self._buffer = self._buffer[size:]
                return

    async def rest(self) -> None:
        while await self._more():
            self._buffer = b""
