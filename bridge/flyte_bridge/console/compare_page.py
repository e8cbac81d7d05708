"""Two runs side by side: what each came to, outputs by value, node by node."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flyteidl.core import identifier_pb2
from flyteidl2.task import task_definition_pb2

from flyte_bridge.backend.keys import RunKey
from flyte_bridge.backend.query import query
from flyte_bridge.console import urls, views
from flyte_bridge.console.action_nodes import label
from flyte_bridge.console.run_page import flyte1_name
from flyte_bridge.errors import Unimplemented
from flyte_bridge.registry.deployed import ORG
from flyte_bridge_translators.wire import identifier

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from typing import Any

    from flyteidl2.workflow import run_definition_pb2

    from flyte_bridge.admin.context import CallContext
    from flyte_bridge.admin.service import Facade
    from flyte_bridge.console.answers import Answer
    from flyte_bridge.console.render import Renderer
    from flyte_bridge.console.source import PageSource
    from flyte_bridge.console.tokens import FormTokens

    ExecutionId = identifier_pb2.WorkflowExecutionIdentifier
    Comparer = Callable[[Facade, CallContext, ExecutionId, ExecutionId], Awaitable[Mapping[str, Any]]]

_OFFERED = 20
"""Runs of the same task that are offered to compare with."""


class ComparePage:
    """Compares."""

    def __init__(self, renderer: Renderer, comparer: Comparer | None) -> None:
        """Args:
        renderer: Makes pages of templates.
        comparer: Compares two executions, as `flyte-bridge compare` does; the rooms above this one have it.
        """
        self._renderer, self._comparer = renderer, comparer
        self.pages = (("/runs/(?P<run>[^/]+)/compare", self._compare),)

    async def _compare(
        self, source: PageSource, _tokens: FormTokens, asked: Mapping[str, str], domain: str, project: str, run: str
    ) -> Answer:
        if self._comparer is None:
            raise Unimplemented("runs are not compared here; `flyte-bridge compare` does")
        key = RunKey(project, domain, run)
        first = await source.run(key)
        other = asked.get("with", "").strip()
        told = None
        if other:
            second = await source.run(RunKey(project, domain, identifier.run_name(other)))
            try:
                told = await self._comparer(source.facade, source.context, _execution(first), _execution(second))
            except ImportError as error:  # a gateway's image reads no frames
                raise Unimplemented(f"{error}; install flyte-bridge[frames] where the console runs") from error
        return await self._renderer.page(
            "compare.html", key=key, run_url=urls.run_url(key), title=label(first.action), other=other, told=told,
            other_url=urls.run_url(RunKey(project, domain, identifier.run_name(other))) if other else "",
            offered=await _alike(source, key, first),
        )  # fmt: skip


async def _alike(source: PageSource, key: RunKey, run: run_definition_pb2.RunDetails) -> list[views.RunRow]:
    """Other runs of the same task, newest first."""
    task = run.action.metadata.task.id
    if not task.name:
        return []
    name = task_definition_pb2.TaskName(org=ORG, project=key.project, domain=key.domain, name=task.name)
    newest = query(sort="created_at", descending=True, limit=_OFFERED + 1)
    listed = await source.backend.list_runs(task_name=name, request=newest)
    rows = [views.run_row(alike.action, source.now()) for alike in listed.runs]
    return [row for row in rows if row.key != key][:_OFFERED]


def _execution(run: run_definition_pb2.RunDetails) -> ExecutionId:
    key = run.action.id.run
    return identifier_pb2.WorkflowExecutionIdentifier(project=key.project, domain=key.domain, name=flyte1_name(run))
