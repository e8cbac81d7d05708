"""ActionsService, the Go backend's way: what it tells from are custom resources, which are collected."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

from flyteidl2.actions import actions_service_pb2 as pb
from flyteidl2.workflow import state_service_pb2

from flyte_bridge.backend.phases import Phase
from flyte_bridge.embedded import messages, watch
from flyte_bridge.embedded.faults import AlreadyExists, RunEnded
from flyte_bridge.embedded.model import ActionType
from flyte_bridge.embedded.services.actions import ActionsService
from flyte_bridge.errors import InternalError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from flyte_bridge.backend.keys import ActionKey
    from flyte_bridge.embedded.engine import Engine
    from flyte_bridge.embedded.go_like import GoLike
    from flyte_bridge.embedded.layout import Layout
    from flyte_bridge.embedded.ledger import Ledger
    from flyte_bridge.embedded.model import ActionRecord


class GoActionsService(ActionsService):
    """Children."""

    def __init__(self, engine: Engine, ledger: Ledger, layout: Layout, like: GoLike) -> None:
        super().__init__(engine, ledger)
        self._layout = layout
        self._like = like

    async def enqueue(self, request: pb.EnqueueRequest, ctx: Any) -> pb.EnqueueResponse:
        """Adds a child; one that was collected is made anew, and runs again."""
        action = request.action
        key, kind = messages.action_key(action.action_id), action.WhichOneof("spec")
        there = self._ledger.find(key)
        if there is not None and kind == "task" and self._collected(there):
            self._ledger.set_aside(there)
            shutil.rmtree(self._layout.work_dir(key, there.attempts), ignore_errors=True)
        try:
            return await super().enqueue(request, ctx)
        except AlreadyExists:
            if kind != "task":
                return pb.EnqueueResponse()
            name = f"{key.run}-{key.name}"
            raise InternalError(
                f'failed to create TaskAction CR {name}: taskactions.flyte.org "{name}" already exists'
            ) from None
        except RunEnded:
            name = f"{key.run}-{action.parent_action_name}"
            raise InternalError(
                f'failed to get parent TaskAction {name}: taskactions.flyte.org "{name}" not found'
            ) from None

    async def abort(self, request: pb.AbortRequest, ctx: Any) -> pb.AbortResponse:
        """Ends an action; the reason goes nowhere."""
        return await super().abort(pb.AbortRequest(action_id=request.action_id), ctx)

    async def watch_for_updates(
        self, request: pb.WatchForUpdatesRequest, _ctx: Any
    ) -> AsyncIterator[pb.WatchForUpdatesResponse]:
        """The custom resources of a parent and its children, a sentinel, then each change."""
        key = messages.action_key(request.parent_action_id)
        with self._engine.hub.subscribe(watch.of_children(key)) as changes:
            for record in self._snapshot(key):
                changes.seen(record)
                yield pb.WatchForUpdatesResponse(action_update=_update(record))
            yield pb.WatchForUpdatesResponse(control_message=state_service_pb2.ControlMessage(sentinel=True))
            async for record in changes:
                yield pb.WatchForUpdatesResponse(action_update=_update(record))

    def _snapshot(self, key: ActionKey) -> Iterator[ActionRecord]:
        parent = self._ledger.find(key)
        for record in [*([parent] if parent is not None else []), *self._ledger.children(key)]:
            if record.type is not ActionType.TRACE and not self._collected(record):
                yield record

    def _collected(self, record: ActionRecord) -> bool:
        if record.ended_at is None or not record.phase.terminal:
            return False
        return record.ended_at + self._like.forgets_after * 1e6 <= self._ledger.store.clock.now()


def _update(record: ActionRecord) -> state_service_pb2.ActionUpdate:
    message = messages.update(record)
    if record.phase is not Phase.FAILED:
        message.ClearField("error")
    return message
