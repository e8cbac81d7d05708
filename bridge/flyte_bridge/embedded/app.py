"""The one ASGI application: who answers which path, and what happens when a client goes away."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

from connectrpc.errors import ConnectError

from flyte_bridge.embedded.admission import needs_token, refuse
from flyte_bridge.embedded.rpc import not_found
from flyte_bridge.embedded_client.access import SEGMENT

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping

    from .admission import Admission, Refusal

    Scope = MutableMapping[str, Any]
    Receive = Callable[[], Awaitable[Any]]
    Send = Callable[[Any], Awaitable[None]]
    ASGI = Callable[[Any, Any, Any], Awaitable[None]]
    Proof = Callable[[Scope], bool]

_SEGMENT = f"/{SEGMENT}"

_log = logging.getLogger("flyte_bridge.embedded.app")


class Dispatcher:
    """Routes by the first segment of the path.

    RPC paths start with the service's full name, the object store's with a bucket, the console's with `v2`. Nobody is
    asked for an answer before `admission` has let the request in.
    """

    def __init__(self, admission: Admission) -> None:
        """Args:
        admission: Who may ask.
        """
        self._admission = admission
        self._routes: dict[str, tuple[ASGI, Proof]] = {}
        self._fallbacks: list[tuple[Callable[[Scope], bool], ASGI, Proof]] = []
        self._running: set[asyncio.Future[None]] = set()

    def mount(self, segment: str, app: ASGI, proof: Proof | None = None) -> None:
        """Gives all paths that start with `/segment` to `app`.

        Args:
            segment: The first segment.
            app: Who answers.
            proof: Whether a request proves that it may be answered; by default by the installation's token.

        Raises:
            ValueError: The segment is taken; that would be a defect in the wiring.
        """
        if segment in self._routes:
            raise ValueError(f"/{segment} is mounted already")
        self._routes[segment] = (app, proof or self._has_token)

    def fall_back(self, claims: Callable[[Scope], bool], app: ASGI, proof: Proof | None = None) -> None:
        """Gives `app` the requests that no route takes and it `claims`; the first asked has the first pick."""
        self._fallbacks.append((claims, app, proof or self._has_token))

    def _has_token(self, scope: Scope) -> bool:
        return self._admission.has_token(scope["headers"])

    async def close(self, grace: float) -> None:
        """Waits `grace` seconds for the requests that are being answered, then cuts them off."""
        if self._running:
            await asyncio.wait(self._running, timeout=grace)
        for task in self._running:
            task.cancel()
        if self._running:
            await asyncio.wait(self._running, timeout=grace)

    def _find(self, scope: Scope) -> tuple[ASGI, Proof]:
        segment = scope["path"].split("/", 2)[1] if scope["path"].startswith("/") else ""
        route = self._routes.get(segment)
        if route is not None:
            return route
        fallbacks = ((app, proof) for claims, app, proof in self._fallbacks if claims(scope))
        return next(fallbacks, (not_found, self._has_token))

    def _admitted(self, scope: Scope) -> tuple[ASGI, Scope]:
        """Who answers a request, be it with the reason why it is not let in; and the request as that one sees it."""
        refusal = self._admission.refusal(scope["headers"])
        if refusal is not None:
            return _refusing(refusal), scope
        proven = self._admission.stripped(scope) if scope["path"].startswith(_SEGMENT) else None
        app, proof = self._find(proven or scope)
        if proven is not None or proof(scope):
            return app, proven or scope
        return _refusing(needs_token(scope)), scope

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles one request."""
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
            return
        if scope["type"] != "http":
            return
        app, scope = self._admitted(scope)
        await self._until_disconnect(app, scope, receive, send)

    async def _until_disconnect(self, app: ASGI, scope: Scope, receive: Receive, send: Send) -> None:
        """Runs `app`, and cancels it as soon as its client is gone.

        connectrpc 0.10 looks for a gone client only when the next message is due, so that the streams of killed clients
        stayed for ever (measured: 150 of 150). The cancelled stream then raises what it cannot tell anybody.
        """
        gone = False
        heard_all = False
        empty = _is_empty(scope)

        async def listen() -> Any:
            nonlocal gone, heard_all
            if empty and not heard_all:
                heard_all = True
                return {"type": "http.request", "body": b"", "more_body": False}
            message = await receive()
            if message["type"] == "http.disconnect":
                gone = True
                task.cancel()
            elif not message.get("more_body", False):
                heard_all = True
            return message

        async def speak(message: Any) -> None:
            # hypercorn 0.18 forgets an HTTP/2 stream with its response and then dies, with the whole connection, of the
            # rest of the request (KeyError in h2.py): hear the client out before the last word
            last = not message.get("more_body", True) or message["type"] == "http.response.trailers"
            while last and not heard_all and not gone:
                await listen()
            if not gone:
                await send(message)

        async def run() -> None:
            await app(scope, listen, speak)

        task = asyncio.ensure_future(run())
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        try:
            await task
        except (asyncio.CancelledError, ConnectError):
            if not gone and not task.done():  # hypercorn cancels us: pass it on
                task.cancel()
                raise
        except Exception:
            if not gone:
                raise
            _log.debug("%s: the client went away", scope["path"], exc_info=True)


def proves_itself(_scope: Scope) -> bool:
    """For what looks at its requests' signatures itself."""
    return True


def _refusing(refusal: Refusal) -> ASGI:
    async def answer(scope: Scope, _receive: Receive, send: Send) -> None:
        await refuse(refusal, scope, send)

    return answer


def _is_empty(scope: Scope) -> bool:
    """Whether a request says that it has no body, and that it comes in chunks, of which it then sends none.

    That is how `requests` sends an empty file whose length the caller has set, as flytekit does (requests 2.34); h11 would
    wait for the last chunk for ever. hypercorn closes the connection after the response, as nobody knows what comes next.
    """
    told = {name: value for name, value in scope["headers"] if name in {b"content-length", b"transfer-encoding"}}
    return told.get(b"content-length") == b"0" and told.get(b"transfer-encoding", b"").lower() == b"chunked"


async def _lifespan(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
