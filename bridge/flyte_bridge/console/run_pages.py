"""The pages of a run: itself, its changes as they happen, and what its values and attempts point to."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import time
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from flyte_bridge.backend.keys import RunKey
from flyte_bridge.console import panel, previews, run_page, urls, views
from flyte_bridge.console.answers import FILE_POLICY, PAGE_POLICY, REPORT_POLICY, Answer, elsewhere
from flyte_bridge.console.source import run_id
from flyte_bridge.errors import NotFound
from flyte_bridge_translators.wire import identifier, node_record

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping

    from flyteidl2.core import literals_pb2
    from flyteidl2.task import common_pb2
    from flyteidl2.workflow import run_definition_pb2

    from flyte_bridge.console.render import Renderer
    from flyte_bridge.console.source import Actions, PageSource
    from flyte_bridge.console.tokens import FormTokens

    Query = Mapping[str, str]
    Page = Callable[..., Awaitable[Answer]]

_GATHER = 0.3
"""Seconds in which changes are gathered before they are told."""

_PART = re.compile(r"<!--part (\S+)-->\n(.*?)<!--end-->", re.DOTALL)
"""The parts of a page that can change; nothing that is escaped can hold such a comment."""

_FRAMED_POLICY = PAGE_POLICY.replace(b"frame-ancestors 'none'", b"frame-ancestors 'self'")
"""A page of ours that a page of ours shows in itself."""

_RUN = "/runs/(?P<run>[^/]+)"
_VALUE = "(?P<action>[^/]+)/(?P<side>inputs|outputs)/(?P<name>[^/]+)"


class RunPages:
    """Answers requests about a run."""

    def __init__(self, renderer: Renderer) -> None:
        """Args:
        renderer: Makes pages of templates.
        """
        self._renderer = renderer
        self.pages: tuple[tuple[str, Page], ...] = (
            (f"{_RUN}/?", self._run),
            (f"{_RUN}/events", self._events),
            (f"{_RUN}/log/(?P<action>[^/]+)/(?P<attempt>\\d{{1,9}})", self._log),
            (f"{_RUN}/report/(?P<action>[^/]+)", self._report),
            (f"{_RUN}/file/{_VALUE}", self._file),
            (f"{_RUN}/picture/{_VALUE}", self._picture),
            (f"{_RUN}/table/{_VALUE}", self._table),
        )

    async def _run(
        self, source: PageSource, tokens: FormTokens, query: Query, domain: str, project: str, run: str
    ) -> Answer:
        key = RunKey(project, domain, run)
        shown = await run_page.gather(source, key, run_page.asked_of(query))
        return await self._renderer.page("run.html", **_values(source, shown, tokens.make()))

    async def flyte1_execution(
        self, source: PageSource, _tokens: FormTokens, _query: Query, project: str, domain: str, execution: str
    ) -> Answer:
        """Where the pages of Flyte 1's console are that are about an execution."""
        return elsewhere(urls.run_url(RunKey(project, domain, identifier.run_name(execution))))

    # -- changes ------------------------------------------------------------------------------------------------------

    async def _events(
        self, source: PageSource, tokens: FormTokens, query: Query, domain: str, project: str, run: str
    ) -> Answer:
        key = RunKey(project, domain, run)
        await source.run(key)  # what is not there is told by the status
        asked = run_page.asked_of(query)
        return Answer(HTTPStatus.OK, b"", b"text/event-stream", stream=self._changes(source, tokens.make(), key, asked))

    async def _changes(
        self, source: PageSource, token: str, key: RunKey, asked: run_page.Asked
    ) -> AsyncIterator[bytes]:
        """The parts of a run's page that have changed, as they change, until the run has ended.

        The run's actions are listed once; from then on each that changes is told by a watch, and nothing is asked for again.
        """
        told: dict[str, str] = {}
        template = self._renderer.template("run_parts.html")
        async with contextlib.aclosing(_watched(source, key)) as states:
            async for actions in states:
                began = time.monotonic()
                shown = await run_page.gather(source, key, asked, actions)
                said = await asyncio.to_thread(template.render, **_values(source, shown, token))
                parts = dict(_PART.findall(said))
                changed = {name: part for name, part in parts.items() if told.get(name) != part}
                told = parts
                if changed:
                    yield _event("parts", changed)
                if shown.nodes.ended:
                    yield _event("end", {})
                    return
                # many changes are one message, and a page that takes long to make is made less often
                await asyncio.sleep(max(_GATHER, 5 * (time.monotonic() - began)))

    # -- what is kept elsewhere ---------------------------------------------------------------------------------------

    async def _log(
        self,
        source: PageSource,
        _tokens: FormTokens,
        _query: Query,
        domain: str,
        project: str,
        run: str,
        action: str,
        attempt: str,
    ) -> Answer:
        key = RunKey(project, domain, run).action(action)
        await source.details(key)
        stream = source.logs.whole(key, int(attempt))
        first = await anext(stream, b"")  # what is not there is told by the status
        return Answer(HTTPStatus.OK, b"", b"text/plain; charset=utf-8", FILE_POLICY, stream=_after(first, stream))

    async def _report(
        self, source: PageSource, _tokens: FormTokens, _query: Query, domain: str, project: str, run: str, action: str
    ) -> Answer:
        uri = panel.report_of(await source.details(RunKey(project, domain, run).action(action)))
        if not uri:
            raise NotFound(f"Action {run}/{action} has no report.")
        return Answer(HTTPStatus.OK, await source.storage.read(uri), policy=REPORT_POLICY)

    async def _file(self, source: PageSource, _tokens: FormTokens, query: Query, **value: str) -> Answer:
        scalar = await _value(source, query, **value)
        uri = previews.uri_of(scalar)
        if not previews.is_whole(scalar):
            listed = await previews.files(source.storage, uri)
            wanted = query.get("file", "")
            if not wanted and len(listed) > 1:
                names = [(name.removeprefix(uri).lstrip("/"), name) for name in listed]
                return await self._renderer.page("files.html", uri=uri, names=names, query=query, value=value)
            if wanted and wanted not in listed:
                raise NotFound(f"There is no file {wanted[:500]} in {uri}.")
            uri = wanted or listed[0]
        await source.storage.head(uri)
        stream = source.storage.blocks(uri)
        return Answer(
            HTTPStatus.OK,
            b"",
            b"application/octet-stream",
            FILE_POLICY,
            stream=stream,
            attachment=previews.name_of(uri),
        )

    async def _picture(self, source: PageSource, _tokens: FormTokens, query: Query, **value: str) -> Answer:
        scalar = await _value(source, query, **value)
        content, kind = await previews.picture(source.storage, previews.uri_of(scalar))
        return Answer(HTTPStatus.OK, content, kind, FILE_POLICY)

    async def _table(self, source: PageSource, _tokens: FormTokens, query: Query, **value: str) -> Answer:
        scalar = await _value(source, query, **value)
        form = scalar.structured_dataset.metadata.structured_dataset_type.format
        table = await previews.table(source.storage, previews.uri_of(scalar), form)
        answer = await self._renderer.page("table.html", table=table, name=value["name"])
        return Answer(answer.status, answer.body, policy=_FRAMED_POLICY)


def _values(source: PageSource, shown: run_page.RunPage, token: str) -> dict[str, Any]:
    """What the templates of a run take."""
    root = shown.run.action
    task = root.metadata.task.id
    trigger = root.metadata.trigger_id.name
    return {
        "shown": shown,
        "row": views.run_row(root, source.now()),
        "task_url": task.name and urls.task_url(task.project or shown.key.project, task.domain or shown.key.domain, task.name),
        "trigger_url": trigger.name and urls.trigger_url(views.trigger_key(trigger)),
        "live": not shown.nodes.ended,
        "token": token,
    }  # fmt: skip


async def _value(
    source: PageSource, query: Query, domain: str, project: str, run: str, action: str, side: str, name: str
) -> literals_pb2.Scalar:
    """What a link means: a file, a directory or a frame of an action's, or of a node that has no action.

    Raises:
        NotFound: There is none (any more).
    """
    key = RunKey(project, domain, run).action(action)
    given: common_pb2.Inputs
    made: common_pb2.Outputs
    try:
        given, made = await source.data(await source.details(key))
    except NotFound:
        details = await source.run(key.run_key)
        given, made = await panel.node_data(source, key.run_key, run_page.flyte1_name(details), action)
    return previews.find((given if side == "inputs" else made).literals, name, query.get("at", ""))


async def _watched(source: PageSource, key: RunKey) -> AsyncGenerator[Actions, None]:
    """A run's actions, told again after each change; whoever is slow is told once of many."""
    actions = await source.actions(key)
    changed = asyncio.Event()

    async def listen() -> None:
        async for message in source.backend.watch_actions(run_id=run_id(key)):
            for enriched in message.enriched_actions:
                action: run_definition_pb2.Action = node_record.read(enriched.action)
                if actions.get(action.id.name) != action:
                    actions[action.id.name] = action
                    changed.set()

    listening = asyncio.ensure_future(listen())
    listening.add_done_callback(lambda _: changed.set())
    try:
        yield actions
        while True:
            await changed.wait()
            changed.clear()
            yield dict(actions)
            if listening.done():  # with the run, as on the embedded backend, or because the watch is broken
                listening.result()
                return
    finally:
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)


async def _after(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for piece in rest:
        yield piece


def _event(kind: str, told: Mapping[str, str]) -> bytes:
    return f"event: {kind}\ndata: {json.dumps(told)}\n\n".encode()
