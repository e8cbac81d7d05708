"""A way to a backend that can break, and be mended."""

from __future__ import annotations

import asyncio
from contextlib import suppress


class Proxy:
    """A way to a backend that can break."""

    def __init__(self, endpoint: str) -> None:
        self._host, port = endpoint.split(":")
        self._port = int(port)
        self._writers: list[asyncio.StreamWriter] = []

    async def start(self, port: int) -> str:
        """Listens on a port by which the backend lets itself be known."""
        self._server = await asyncio.start_server(self._connect, "127.0.0.1", port)
        return f"127.0.0.1:{port}"

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there_reader, there = await asyncio.open_connection(self._host, self._port)
        self._writers += [writer, there]
        await asyncio.gather(self._pipe(reader, there), self._pipe(there_reader, writer))

    async def _pipe(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        writer.close()

    def drop(self) -> None:
        self._server.close()
        for writer in self._writers:
            writer.close()
