"""The ASGI application that answers requests with pages, and does what their forms ask for."""

from __future__ import annotations

import asyncio
import contextlib
import re
import time
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from flyte_bridge.admin.caches import Recent
from flyte_bridge.backend import credentials
from flyte_bridge.console import urls
from flyte_bridge.console.act_pages import ActPages
from flyte_bridge.console.answers import Answer, elsewhere
from flyte_bridge.console.compare_page import ComparePage
from flyte_bridge.console.forms_sent import read_form, read_query
from flyte_bridge.console.list_pages import ListPages
from flyte_bridge.console.render import Renderer
from flyte_bridge.console.run_pages import RunPages
from flyte_bridge.console.source import PageSource
from flyte_bridge.console.tokens import FormTokens
from flyte_bridge.errors import (
    AlreadyExists,
    BridgeError,
    FailedPrecondition,
    InvalidRequest,
    NoSuchObject,
    NotFound,
    PermissionDenied,
    Unauthenticated,
    Unavailable,
    Unimplemented,
    is_out_of_range,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, MutableMapping

    from flyte_bridge.admin.service import Facade
    from flyte_bridge.backend.keys import RunKey, TriggerKey
    from flyte_bridge.backend.moments import Micros
    from flyte_bridge.console.compare_page import Comparer
    from flyte_bridge.console.login import Doorkeeper, Visitor
    from flyte_bridge.console.source import Actions, LogReader

    Scope = MutableMapping[str, Any]
    Receive = Callable[[], Awaitable[Any]]
    Page = Callable[..., Awaitable[Answer]]
    Send = Callable[[Any], Awaitable[None]]

_PLACE = r"/v2/domain/(?P<domain>[^/]+)/project/(?P<project>[^/]+)"
_PLACE_1 = r"/console/projects/(?P<project>[^/]+)/domains/(?P<domain>[^/]+)"
"""The same in the URLs of Flyte 1's console, which flytekit prints (`FlyteRemote.generate_console_url`)."""

_STATUSES: tuple[tuple[type[Exception], HTTPStatus], ...] = (
    (NotFound, HTTPStatus.NOT_FOUND),
    (NoSuchObject, HTTPStatus.NOT_FOUND),
    (InvalidRequest, HTTPStatus.BAD_REQUEST),
    (FailedPrecondition, HTTPStatus.CONFLICT),
    (AlreadyExists, HTTPStatus.CONFLICT),
    (Unauthenticated, HTTPStatus.UNAUTHORIZED),
    (PermissionDenied, HTTPStatus.FORBIDDEN),
    (Unavailable, HTTPStatus.SERVICE_UNAVAILABLE),
    (Unimplemented, HTTPStatus.NOT_IMPLEMENTED),
)


_REMEMBERED = 100_000
"""Actions of runs that have ended, at about a kilobyte each."""


class Console:
    """The console's pages. Mount it at `/`, `/v2` and `/console`."""

    def __init__(
        self,
        facade: Facade,
        logs: LogReader,
        door: Doorkeeper,
        *,
        comparer: Comparer | None = None,
        last_error: Callable[[TriggerKey], str] = lambda _: "",
        now: Callable[[], Micros] = lambda: time.time_ns() // 1000,
    ) -> None:
        """Args:
        facade: Flyte 1's control plane over the Flyte 2 that the pages are about.
        logs: Of attempts.
        door: Whose browsers may see them.
        comparer: Compares two runs.
        last_error: See `PageSource`.
        now: The time.
        """
        self._facade, self._logs, self._door = facade, logs, door
        self._last_error, self._now = last_error, now
        self._ended: Recent[tuple[str, RunKey], Actions] = Recent(_REMEMBERED)
        self._renderer = Renderer(can_leave=door.asks)
        runs, lists = RunPages(self._renderer), ListPages(self._renderer)
        acts, compares = ActPages(self._renderer), ComparePage(self._renderer, comparer)
        self._routes: tuple[tuple[re.Pattern[str], Page], ...] = (
            (re.compile(r"/"), lists.runs),
            (re.compile(r"/v2/?"), lists.runs),
            (re.compile(rf"{_PLACE}(?:/runs)?/?"), lists.runs),
            *((re.compile(f"{_PLACE}{path}"), page) for path, page in (*runs.pages, *compares.pages, *lists.pages, *acts.forms)),
            (re.compile(rf"{_PLACE_1}/executions/?"), lists.flyte1_list),
            (re.compile(rf"{_PLACE_1}/executions/(?P<execution>[^/]+)(?:/.*)?"), runs.flyte1_execution),
            (
                re.compile(rf"{_PLACE_1}/(?P<kind>tasks?|workflows?|launch_plans?|launchPlans?)(?:/(?P<name>[^/]+)(?:/.*)?)?"),
                lists.flyte1_entity,
            ),
            (re.compile(rf"{_PLACE_1}(?:/.*)?"), lists.flyte1_list),
            (re.compile(r"/console(?:/.*)?"), _front),
        )  # fmt: skip
        self._posts = tuple((re.compile(f"{_PLACE}{path}"), act) for path, act in acts.posts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        if self._door.claims(scope):
            await self._door(scope, receive, send)
            return
        await _send(await self._answer(scope, receive), scope["method"], send)

    async def _answer(self, scope: Scope, receive: Receive) -> Answer:
        method, path = scope["method"], scope["path"]
        if method not in {"GET", "HEAD", "POST"}:
            return await self._failure(HTTPStatus.METHOD_NOT_ALLOWED, "These pages are read, and their forms sent.")
        if path.startswith("/v2/_static/"):
            return self._renderer.static(path.rpartition("/")[2]) or await self._failure(
                HTTPStatus.NOT_FOUND, f"There is no page {path}."
            )
        visitor = self._door.visitor(scope)
        if visitor is None:
            return await self._refusal(scope, self._door.hint)
        found = _find(self._posts if method == "POST" else self._routes, path)
        if found is None and method == "POST":
            return await self._failure(HTTPStatus.METHOD_NOT_ALLOWED, "This page has no form.")
        if found is None:
            return await self._failure(HTTPStatus.NOT_FOUND, f"There is no page {path}.")
        page, names = found
        try:
            sent = await read_form(receive) if method == "POST" else read_query(scope.get("query_string", b""))
            source = await self._source(visitor, path)
            return await page(source, FormTokens(visitor.form_key), sent, **names)
        except Unauthenticated as error:
            return await self._refusal(scope, f"Flyte 2 does not let you in (any more): {error}")
        except (BridgeError, TimeoutError, asyncio.TimeoutError) as error:
            return await self._failure(_status_of(error), str(error) or "Flyte 2 did not answer in time.")
        except Exception as error:
            if not is_out_of_range(error):
                raise
            return await self._failure(HTTPStatus.BAD_REQUEST, f"A number or time is out of range: {error}")

    async def _source(self, visitor: Visitor, path: str) -> PageSource:
        """The Flyte 2 as a visitor sees it.

        Raises:
            Unauthenticated: It does not know them, or not any more.
        """
        context = visitor.context(path)
        if visitor.bearer is not None and not self._facade.settings.embedded:
            credentials.bearer.set(visitor.bearer)  # in this request's context alone: each is a task of its own
        await self._facade.admit(path, context)
        return PageSource(self._facade, context, self._logs, self._last_error, self._now, self._ended)

    async def _refusal(self, scope: Scope, message: str) -> Answer:
        if not self._door.asks:
            return await self._failure(HTTPStatus.UNAUTHORIZED, message)
        query = scope.get("query_string", b"").decode("latin-1")
        place = urls.quoted(scope["path"]) + (f"?{query}" if query else "")
        return await self._renderer.page(
            "login.html",
            status=HTTPStatus.UNAUTHORIZED,
            message=message,
            can_leave=False,
            place=place if scope["method"] == "GET" else "/",
        )

    async def _failure(self, status: HTTPStatus, message: str) -> Answer:
        return await self._renderer.page("failure.html", status=status, title=status.phrase, message=message[:2000])


def _find(routes: Iterable[tuple[re.Pattern[str], Page]], path: str) -> tuple[Page, dict[str, Any]] | None:
    """Who answers a path, and the names in it."""
    for pattern, page in routes:
        match = pattern.fullmatch(path)
        if match is not None:
            return page, match.groupdict()
    return None


async def _front(_source: PageSource, _tokens: FormTokens, _query: Any) -> Answer:
    return elsewhere("/v2")


async def _send(answer: Answer, method: str, send: Send) -> None:
    headers = [
        (b"content-type", answer.content_type),
        (b"content-security-policy", answer.policy),
        (b"x-content-type-options", b"nosniff"),
        (b"referrer-policy", b"same-origin"),
        (b"cache-control", b"no-store"),
    ]
    if answer.location:
        headers.append((b"location", answer.location.encode()))
    if answer.attachment:
        headers.append(
            (b"content-disposition", f"attachment; filename*=UTF-8''{urls.quoted(answer.attachment)}".encode())
        )
    await send({"type": "http.response.start", "status": int(answer.status), "headers": headers})
    if method != "HEAD" and answer.stream is not None:
        with contextlib.suppress(BridgeError):  # the browser sees that it ends, and asks again for what is live
            async for piece in answer.stream:
                await send({"type": "http.response.body", "body": piece, "more_body": True})
    body = b"" if method == "HEAD" else answer.body
    await send({"type": "http.response.body", "body": body, "more_body": False})


def _status_of(error: Exception) -> HTTPStatus:
    for kind, status in _STATUSES:
        if isinstance(error, kind):
            return status
    return HTTPStatus.INTERNAL_SERVER_ERROR if isinstance(error, BridgeError) else HTTPStatus.GATEWAY_TIMEOUT
