"""The ASGI application that answers requests with pages, and does what their forms ask for."""

from __future__ import annotations

import asyncio
import json
import re
import secrets
import time
from functools import cached_property
from http import HTTPStatus
from importlib.resources import files
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from flyte_bridge.embedded import watch
from flyte_bridge.embedded.console import run_page, text, urls, views
from flyte_bridge.embedded.console.act_pages import ActPages
from flyte_bridge.embedded.console.answers import Answer, elsewhere
from flyte_bridge.embedded.console.run_filter import PHASES, STARTED_BY, RunFilter
from flyte_bridge.embedded.console.tokens import FormTokens
from flyte_bridge.embedded.faults import Fault, InvalidRequest, NotFound, NotNow
from flyte_bridge.embedded.model import RunKey, TriggerKey
from flyte_bridge.errors import BackendError
from flyte_bridge_translators.wire import identifier

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, MutableMapping

    from jinja2 import Environment

    from flyte_bridge.embedded.console.login import Login
    from flyte_bridge.embedded.console.source import PageSource

    Scope = MutableMapping[str, Any]
    Receive = Callable[[], Awaitable[Any]]
    Send = Callable[[Any], Awaitable[None]]

_REPORT_POLICY = b"sandbox allow-scripts allow-popups"
"""Reports are HTML of the task's own, scripts included: in an origin of their own, which reaches nothing of ours."""

_PLACE = r"/v2/domain/(?P<domain>[^/]+)/project/(?P<project>[^/]+)"
_PLACE_1 = r"/console/projects/(?P<project>[^/]+)/domains/(?P<domain>[^/]+)"
"""The same in the URLs of Flyte 1's console, which flytekit prints (`FlyteRemote.generate_console_url`)."""

_WORKFLOW = f"{identifier.WORKFLOW}."
_LAUNCH_PLAN = f"{identifier.LAUNCH_PLAN}."
"""How the names of deployed workflows and launch plans begin: the latter launch the former."""

_GATHER = 0.3
"""Seconds in which changes are gathered before they are told."""

_PART = re.compile(r"<!--part (\S+)-->\n(.*?)<!--end-->", re.DOTALL)
"""The parts of a page that can change; nothing that is escaped can hold such a comment."""

_STATIC = {"console.css": b"text/css; charset=utf-8", "console.js": b"text/javascript; charset=utf-8"}

_NOT_LOGGED_IN = (
    "This browser has not logged in: run `flyte-bridge status`, and open the URL of the console that it prints."
)

_LONGEST_FORM = 4 * 1024 * 1024

_STATUSES: tuple[tuple[type[Exception], HTTPStatus], ...] = (
    (NotFound, HTTPStatus.NOT_FOUND),
    (InvalidRequest, HTTPStatus.BAD_REQUEST),
    (NotNow, HTTPStatus.CONFLICT),
)

_PIECE = 256 * 1024
"""Bytes of a file that are held at a time."""


class Console:
    """The console's pages. Mount it at `/`, `/v2` and `/console`."""

    def __init__(self, source: PageSource, login: Login | None) -> None:
        """Args:
        source: What the pages are about.
        login: Whose browsers may see them; `None` shows them to everybody.
        """
        self._source = source
        self._login = login
        self._tokens = FormTokens(secrets.token_hex() if login is None else login.form_key)
        self._acts = ActPages(source, self._tokens, self._html)
        self._routes: tuple[tuple[re.Pattern[str], Callable[..., Awaitable[Answer]]], ...] = (
            (re.compile(r"/"), self._runs),
            (re.compile(r"/v2/?"), self._runs),
            (re.compile(r"/v2/_static/(?P<name>[a-z.]+)"), self._static),
            (re.compile(rf"{_PLACE}(?:/runs)?/?"), self._runs),
            (re.compile(rf"{_PLACE}/runs/(?P<run>[^/]+)/?"), self._run),
            (re.compile(rf"{_PLACE}/runs/(?P<run>[^/]+)/events"), self._run_events),
            (re.compile(rf"{_PLACE}/runs/(?P<run>[^/]+)/log/(?P<action>[^/]+)/(?P<attempt>\d+)"), self._log_file),
            (re.compile(rf"{_PLACE}/runs/(?P<run>[^/]+)/report/(?P<action>[^/]+)"), self._report),
            (re.compile(rf"{_PLACE}/tasks/(?P<task>[^/]+)/?"), self._task),
            (re.compile(rf"{_PLACE}/triggers/(?P<task>[^/]+)/(?P<trigger>[^/]+)/?"), self._trigger),
            *((re.compile(f"{_PLACE}{path}"), page) for path, page in self._acts.forms),
            (re.compile(rf"{_PLACE_1}/executions/(?P<execution>[^/]+)(?:/.*)?"), self._execution),
            (re.compile(rf"{_PLACE_1}/(?P<kind>task|workflow|launch_plan)/(?P<name>[^/]+)(?:/.*)?"), self._entity),
            (re.compile(rf"{_PLACE_1}(?:/.*)?"), self._project),
        )
        self._posts = tuple((re.compile(f"{_PLACE}{path}"), act) for path, act in self._acts.posts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        if self._login is not None and self._login.claims(scope):
            await self._login(scope, receive, send)
            return
        answer = await self._answer(scope, receive)
        headers = [
            (b"content-type", answer.content_type),
            (b"content-security-policy", answer.policy),
            (b"x-content-type-options", b"nosniff"),
            (b"referrer-policy", b"same-origin"),
            (b"cache-control", b"no-store"),
        ]
        if answer.location:
            headers.append((b"location", answer.location.encode()))
        await send({"type": "http.response.start", "status": int(answer.status), "headers": headers})
        if scope["method"] != "HEAD" and answer.file is not None:
            with answer.file.open("rb") as file:
                while piece := await asyncio.to_thread(file.read, _PIECE):
                    await send({"type": "http.response.body", "body": piece, "more_body": True})
        if scope["method"] != "HEAD" and answer.stream is not None:
            async for piece in answer.stream:
                await send({"type": "http.response.body", "body": piece, "more_body": True})
        body = b"" if scope["method"] == "HEAD" else answer.body
        await send({"type": "http.response.body", "body": body, "more_body": False})

    async def _answer(self, scope: Scope, receive: Receive) -> Answer:
        routes, given = self._routes, {}
        if scope["method"] == "POST":
            routes = self._posts
        elif scope["method"] not in {"GET", "HEAD"}:
            return await self._failure(HTTPStatus.METHOD_NOT_ALLOWED, "These pages are read, and their forms sent.")
        if self._login is not None and not self._login.is_logged_in(scope):
            return await self._failure(HTTPStatus.UNAUTHORIZED, _NOT_LOGGED_IN)
        given = _values(scope.get("query_string", b""))
        for pattern, page in routes:
            match = pattern.fullmatch(scope["path"])
            if match is None:
                continue
            try:
                if scope["method"] == "POST":
                    given = _values(await _body(receive))
                return await page(given, **match.groupdict())
            except (Fault, BackendError) as error:
                return await self._failure(_status_of(error), str(error))
        if scope["method"] == "POST":
            return await self._failure(HTTPStatus.METHOD_NOT_ALLOWED, "This page has no form.")
        return await self._failure(HTTPStatus.NOT_FOUND, f"There is no page {scope['path']}.")

    # -- pages --------------------------------------------------------------------------------------------------------

    async def _runs(self, query: Mapping[str, str], domain: str = "", project: str = "") -> Answer:
        chosen = RunFilter.of(query)
        condition, values = chosen.condition()
        if project:
            condition, values = f" AND project = ? AND domain = ?{condition}", [project, domain, *values]
        page = run_page.page_number(query)
        rows, more = views.run_rows(self._source, condition, values, page * views.PAGE)
        return await self._html(
            "runs.html", rows=rows, page=page, more=more, project=project, domain=domain, chosen=chosen,
            phases=PHASES, sources=tuple(STARTED_BY), places=views.places(self._source),
        )  # fmt: skip

    async def _run(self, query: Mapping[str, str], domain: str, project: str, run: str) -> Answer:
        key = RunKey(project, domain, run)
        shown = await run_page.gather(self._source, key, run_page.asked_of(query))
        return await self._html("run.html", **self._run_values(shown, self._tokens.make()))

    def _run_values(self, shown: run_page.RunPage, token: str) -> dict[str, Any]:
        root = shown.root
        return {
            "shown": shown,
            "run": views.run_row(self._source, root),
            "task_url": root.task and urls.task_url(root.task.project, root.task.domain, root.task.name),
            "trigger_url": root.trigger and urls.trigger_url(root.trigger),
            "live": not root.phase.terminal,
            "token": token,
        }

    async def _run_events(self, query: Mapping[str, str], domain: str, project: str, run: str) -> Answer:
        key = RunKey(project, domain, run)
        asked = run_page.asked_of(query)
        await run_page.gather(self._source, key, asked)  # what is not there is told by the status
        return Answer(HTTPStatus.OK, b"", b"text/event-stream", stream=self._changes(key, asked))

    async def _changes(self, key: RunKey, asked: run_page.Asked) -> AsyncIterator[bytes]:
        """The parts of a run's page that have changed, as they change, until the run has ended."""
        told: dict[str, str] = {}
        token = self._tokens.make()
        template = self._templates.get_template("run_parts.html")
        with self._source.ledger.hub.subscribe(watch.of_run(key)) as changes:
            while True:
                began = time.monotonic()
                shown = await run_page.gather(self._source, key, asked)
                said = await asyncio.to_thread(template.render, **self._run_values(shown, token))
                parts = dict(_PART.findall(said))
                changed = {name: part for name, part in parts.items() if told.get(name) != part}
                told = parts
                if changed:
                    yield _event("parts", changed)
                if shown.root.phase.terminal:
                    yield _event("end", {})
                    return
                await changes.batch()
                # many changes are one message, and a page that takes long to make is made less often
                await asyncio.sleep(max(_GATHER, 5 * (time.monotonic() - began)))

    async def _static(self, query: Mapping[str, str], name: str) -> Answer:
        content_type = _STATIC.get(name)
        if content_type is None:
            raise NotFound(f"There is no file {name}.")
        found = files("flyte_bridge.embedded.console").joinpath("static").joinpath(name).read_bytes()
        return Answer(HTTPStatus.OK, found, content_type)

    async def _task(self, query: Mapping[str, str], domain: str, project: str, task: str) -> Answer:
        versions = self._source.versions(project, domain, task)
        if not versions:
            raise NotFound(f"Task {project}/{domain}/{task} is not deployed.")
        rows, _ = views.run_rows(
            self._source, " AND task_project = ? AND task_domain = ? AND task_name = ?", [project, domain, task], 0
        )
        triggers = [
            views.trigger_view(self._source, record) for record in self._source.triggers.of_task(project, domain, task)
        ]
        return await self._html(
            "task.html",
            token=self._tokens.make(),
            is_launch_plan=task.startswith(_LAUNCH_PLAN),
            task_url=urls.task_url(project, domain, task),
            launch_url=None if task.startswith(_WORKFLOW) else f"{urls.task_url(project, domain, task)}/launch",
            key=versions[0].key,
            versions=versions,
            rows=rows,
            triggers=triggers,
        )

    async def _trigger(self, query: Mapping[str, str], domain: str, project: str, task: str, trigger: str) -> Answer:
        key = TriggerKey(project, domain, task, trigger)
        record = self._source.triggers.get(key)
        rows, _ = views.run_rows(
            self._source,
            " AND project = ? AND domain = ? AND trigger_task_name = ? AND trigger_name = ?",
            [project, domain, task, trigger],
            0,
        )
        return await self._html(
            "trigger.html",
            token=self._tokens.make(),
            trigger=views.trigger_view(self._source, record),
            revisions=self._source.triggers.history(key, 50, 0),
            rows=rows,
        )

    async def _log_file(
        self, query: Mapping[str, str], domain: str, project: str, run: str, action: str, attempt: str
    ) -> Answer:
        record = self._source.ledger.find(RunKey(project, domain, run).action(action))
        path = self._source.log(record.key, int(attempt)) if record is not None else None
        if path is None or not path.is_file():
            raise NotFound(f"Attempt {attempt} of action {run}/{action} has no log.")
        return Answer(HTTPStatus.OK, b"", b"text/plain; charset=utf-8", file=path)

    async def _report(self, query: Mapping[str, str], domain: str, project: str, run: str, action: str) -> Answer:
        record = self._source.ledger.find(RunKey(project, domain, run).action(action))
        if record is None or not record.report_uri:
            raise NotFound(f"Action {run}/{action} has no report.")
        report = await asyncio.to_thread(self._source.report, record.report_uri)
        return Answer(HTTPStatus.OK, report, b"text/html; charset=utf-8", _REPORT_POLICY)

    # -- what Flyte 1 calls them --------------------------------------------------------------------------------------

    async def _execution(self, query: Mapping[str, str], project: str, domain: str, execution: str) -> Answer:
        return elsewhere(urls.run_url(RunKey(project, domain, identifier.run_name(execution))))

    async def _entity(self, query: Mapping[str, str], project: str, domain: str, kind: str, name: str) -> Answer:
        environment = {"task": identifier.TASK, "workflow": identifier.WORKFLOW}.get(kind, identifier.LAUNCH_PLAN)
        return elsewhere(urls.task_url(project, domain, f"{environment}.{name}"))

    async def _project(self, query: Mapping[str, str], project: str, domain: str) -> Answer:
        return elsewhere(urls.project_url(project, domain))

    # -- rendering ----------------------------------------------------------------------------------------------------

    @cached_property
    def _templates(self) -> Environment:
        from jinja2 import Environment, PackageLoader, StrictUndefined

        environment = Environment(
            loader=PackageLoader("flyte_bridge.embedded.console"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        environment.filters |= {"phase": text.phase, "at": text.at, "duration": text.duration}
        environment.globals["run_url"] = urls.run_url
        return environment

    async def _html(self, template: str, *, status: HTTPStatus = HTTPStatus.OK, **values: object) -> Answer:
        # Thousands of rows take a moment, and RPCs must not wait for it.
        said = await asyncio.to_thread(self._templates.get_template(template).render, **values)
        return Answer(status, said.encode())

    async def _failure(self, status: HTTPStatus, message: str) -> Answer:
        return await self._html("failure.html", status=status, title=status.phrase, message=message)


def _values(query: bytes) -> dict[str, str]:
    return {
        name: values[-1] for name, values in parse_qs(query.decode("utf-8", "replace"), keep_blank_values=True).items()
    }


async def _body(receive: Receive) -> bytes:
    """What a form was sent with.

    Raises:
        InvalidRequest: It is longer than any message may be.
    """
    body: bytes = b""
    while True:
        message = await receive()
        body += bytes(message.get("body", b""))
        if len(body) > _LONGEST_FORM:
            raise InvalidRequest(f"A form may have {_LONGEST_FORM} bytes. Nothing was done.")
        if not message.get("more_body", False):
            return body


def _status_of(error: Exception) -> HTTPStatus:
    for kind, status in _STATUSES:
        if isinstance(error, kind):
            return status
    return HTTPStatus.INTERNAL_SERVER_ERROR


def _event(kind: str, told: Mapping[str, str]) -> bytes:
    return f"event: {kind}\ndata: {json.dumps(told)}\n\n".encode()
