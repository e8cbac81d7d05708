"""What S3 and the signed URLs share of HTTP: an ASGI request taken apart, and answers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, MutableMapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, unquote_to_bytes

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


class ClientGone(Exception):
    """Raised when the client hung up before its request was complete; nobody is left to answer."""


@dataclass
class HttpRequest:
    """An HTTP request.

    Attributes:
        method: `GET`, `PUT`, …
        path: The path as sent, still percent-encoded.
        query: Decoded parameters; of repeated ones the last.
        raw_query: The parameters as sent.
        headers: Names in lower case; of repeated ones the last.
    """

    method: str
    path: bytes
    query: dict[str, str]
    raw_query: str
    headers: dict[str, str]
    _receive: Receive
    _complete: bool = False

    @classmethod
    def of(cls, scope: Scope, receive: Receive) -> HttpRequest:
        """Take an ASGI request apart."""
        path = scope.get("raw_path") or scope["path"].encode()
        raw_query = scope["query_string"].decode("latin-1")
        query = dict(parse_qsl(raw_query, keep_blank_values=True))
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        return cls(scope["method"], path, query, raw_query, headers, receive)

    async def pieces(self) -> AsyncIterator[bytes]:
        """Yield the body as it comes.

        Raises:
            ClientGone: The client hung up before its end.
        """
        while not self._complete:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise ClientGone
            self._complete = not message.get("more_body", False)
            if message.get("body"):
                yield message["body"]

    async def drain(self) -> None:
        """Read what is left of the body and forget it: a client still sending would not read our answer."""
        async for _ in self.pieces():
            pass

    async def hung_up(self) -> None:
        """Return when the client is gone; the body must have been read."""
        while (await self._receive())["type"] != "http.disconnect":
            pass


def unquote_path(path: bytes) -> str:
    """Decode a percent-encoded path.

    Raises:
        UnicodeDecodeError: It is not UTF-8.
    """
    return unquote_to_bytes(path).decode("utf-8")


def field_value(text: str) -> str:
    """A text from elsewhere as a header's value: without the characters that would end it (RFC 9110, 5.5)."""
    return "".join(character for character in text if character == "\t" or (character >= " " and character != "\x7f"))


async def start(send: Send, status: int, headers: Iterable[tuple[str, str]] = ()) -> None:
    """Send status and headers; text beyond Latin-1 cannot be in a header and is replaced."""
    encoded = [(name.lower().encode("latin-1"), value.encode("latin-1", "replace")) for name, value in headers]
    await send({"type": "http.response.start", "status": status, "headers": encoded})


async def body(send: Send, data: bytes | memoryview = b"", *, more: bool = False) -> None:
    """Send a piece of the body, the last one unless there is `more`."""
    await send({"type": "http.response.body", "body": data, "more_body": more})


async def answer(send: Send, status: int, data: bytes = b"", headers: Iterable[tuple[str, str]] = ()) -> None:
    """Send a whole answer."""
    length = [] if status in {204, 304} else [("content-length", str(len(data)))]
    await start(send, status, [*headers, *length])
    await body(send, data)
