"""The REST door as an ASGI application over the façade."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from google.rpc import status_pb2

from flyte_bridge.admin import status
from flyte_bridge.admin.context import CallContext
from flyte_bridge.admin.rest import HEALTHCHECK, OPENAPI, openapi, request, routes
from flyte_bridge.admin.rest.answer import Form, form_of, write
from flyte_bridge.errors import BridgeError, InvalidRequest, NotFound, ResourceExhausted, Unimplemented

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, MutableMapping

    from google.protobuf.message import Message

    from flyte_bridge.admin.service import Facade

    Scope = MutableMapping[str, Any]
    Receive = Callable[[], Awaitable[Any]]
    Send = Callable[[Any], Awaitable[None]]

MAX_BODY = 64 * 1024 * 1024
"""Largest body in bytes, as on the gRPC port."""

AT_ONCE = 64 * 1024
"""Largest JSON body in bytes that is parsed on the event loop; a megabyte can take two seconds, in which others are answered."""

HTTP_STATUS: dict[str, int] = {
    "OK": 200,
    "CANCELLED": 499,
    "UNKNOWN": 500,
    "INVALID_ARGUMENT": 400,
    "DEADLINE_EXCEEDED": 504,
    "NOT_FOUND": 404,
    "ALREADY_EXISTS": 409,
    "PERMISSION_DENIED": 403,
    "UNAUTHENTICATED": 401,
    "RESOURCE_EXHAUSTED": 429,
    "FAILED_PRECONDITION": 400,
    "ABORTED": 409,
    "OUT_OF_RANGE": 400,
    "UNIMPLEMENTED": 501,
    "INTERNAL": 500,
    "UNAVAILABLE": 503,
    "DATA_LOSS": 500,
}
"""Statuses of gRPC as grpc-gateway tells them (`runtime/errors.go`, HTTPStatusFromCode)."""

_FORWARDED = "grpc-metadata-"
_TIMEOUT = re.compile(r"(\d{1,8})([HMSmun])")
_UNITS = {"H": 3600.0, "M": 60.0, "S": 1.0, "m": 1e-3, "u": 1e-6, "n": 1e-9}


class RestApplication:
    """Answers HTTP requests by the façade's RPCs."""

    def __init__(self, facade: Facade) -> None:
        """Makes nothing yet.

        Args:
            facade: Who answers.
        """
        self._facade = facade

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles one request."""
        if scope["path"] == HEALTHCHECK:
            await _send(send, 200, b"", "text/plain")
            return
        headers = [(name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in scope["headers"]]
        body_form, answer_form = form_of(_all(headers, "accept"), _all(headers, "content-type"))
        if scope["path"] == OPENAPI:
            await _send(send, 200, openapi.document(), "application/json")
            return
        try:
            message = await self._answer(scope, receive, headers, body_form)
        except asyncio.CancelledError:
            raise
        except Exception as error:
            await _refuse(send, error, answer_form)
            return
        await _send(send, 200, write(message, answer_form), answer_form.content_type)

    async def _answer(self, scope: Scope, receive: Receive, headers: list[tuple[str, str]], form: Form) -> Message:
        found = routes.find(scope["method"], scope["path"])
        if found.route is None or found.values is None:
            # grpc-gateway says 501 of a method that a path does not know (runtime/handler.go)
            raise Unimplemented("Method Not Allowed") if found.other_verbs else NotFound("Not Found")
        route = found.route
        context = _context(route, scope, headers)
        await self._facade.admit(route.method.path, context)
        message = route.method.request()
        if route.body:
            data = await _body(receive)
            if form is Form.PROTOBUF:
                request.from_protobuf(message, data)
            elif len(data) <= AT_ONCE:
                request.from_json(message, data, strict=form is Form.PROTO_NAMES)
            else:
                await asyncio.to_thread(request.from_json, message, data, strict=form is Form.PROTO_NAMES)
        request.from_path(message, found.values)
        if not route.body:
            request.from_query(message, _query(scope), route)
        return await self._facade.call(route.method.path, message, context)


def _query(scope: Scope) -> list[tuple[str, str]]:
    try:
        return parse_qsl(
            scope["query_string"].decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=1000
        )
    except ValueError as error:
        raise InvalidRequest(f"the query cannot be read: {error}") from error


def _context(route: routes.Route, scope: Scope, headers: Iterable[tuple[str, str]]) -> CallContext:
    """The call's context: `Grpc-Metadata-X` is metadata `x`, and credentials are credentials."""
    metadata = [
        (name.removeprefix(_FORWARDED), value)
        for name, value in headers
        if name.startswith(_FORWARDED) or name in {"authorization", "flyte-authorization"}
    ]
    client = scope.get("client")
    return CallContext.of(
        route.method.path, metadata, timeout=_timeout(headers), peer=f"{client[0]}:{client[1]}" if client else ""
    )


def _timeout(headers: Iterable[tuple[str, str]]) -> float | None:
    """Seconds of the header `Grpc-Timeout`, such as `10S`."""
    told = dict(headers).get("grpc-timeout")
    if told is None:
        return None
    match = _TIMEOUT.fullmatch(told)
    if match is None:
        raise InvalidRequest(f"invalid grpc-timeout: {told}")
    return int(match.group(1)) * _UNITS[match.group(2)]


async def _body(receive: Receive) -> bytes:
    pieces: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise asyncio.CancelledError
        pieces.append(message.get("body", b""))
        size += len(pieces[-1])
        if size > MAX_BODY:
            raise ResourceExhausted(f"the body is larger than {MAX_BODY} bytes")
        if not message.get("more_body", False):
            return b"".join(pieces)


async def _refuse(send: Send, error: Exception, form: Form) -> None:
    code = status.code_of(error)
    told = status_pb2.Status(code=code.value[0], message=status.message_of(error))
    for detail in getattr(error, "details", ()) if isinstance(error, BridgeError) else ():
        told.details.add().Pack(detail)
    more = [("www-authenticate", told.message)] if code.name == "UNAUTHENTICATED" else []
    await _send(send, HTTP_STATUS[code.name], write(told, form), form.content_type, more)


async def _send(send: Send, code: int, body: bytes, content_type: str, more: Iterable[tuple[str, str]] = ()) -> None:
    headers = [
        ("content-type", content_type), ("content-length", str(len(body))), ("x-content-type-options", "nosniff"), *more,
    ]  # fmt: skip
    # a message may hold what no header may
    encoded = [(name.encode(), re.sub(r"[^\x20-\x7e]", " ", value).encode()) for name, value in headers]
    await send({"type": "http.response.start", "status": code, "headers": encoded})
    await send({"type": "http.response.body", "body": body})


def _all(headers: Iterable[tuple[str, str]], wanted: str) -> list[str]:
    return [value for name, value in headers if name == wanted]
