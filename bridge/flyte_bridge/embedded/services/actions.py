"""ActionsService: how a task's controller adds children and learns how they end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flyteidl2.actions import actions_service_pb2 as pb
from flyteidl2.workflow import state_service_pb2

from flyte_bridge.embedded import messages, watch
from flyte_bridge.embedded.faults import NotFound
from flyte_bridge.embedded.services.identity import subject_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from flyte_bridge.embedded.engine import Engine
    from flyte_bridge.embedded.ledger import Ledger


class ActionsService:
    """Children. `Update` is left out: nothing calls it, and attempts are the engine's to count."""

    def __init__(self, engine: Engine, ledger: Ledger) -> None:
        self._engine = engine
        self._ledger = ledger

    async def enqueue(self, request: pb.EnqueueRequest, _ctx: Any) -> pb.EnqueueResponse:
        """Adds a child; ALREADY_EXISTS if it is there, ABORTED if its run or parent has ended."""
        self._engine.enqueue(request)
        return pb.EnqueueResponse()

    async def watch_for_updates(
        self, request: pb.WatchForUpdatesRequest, _ctx: Any
    ) -> AsyncIterator[pb.WatchForUpdatesResponse]:
        """A parent's children as they are, a sentinel, then each change, until the client goes."""
        key = messages.action_key(request.parent_action_id)
        with self._engine.hub.subscribe(watch.of_children(key)) as changes:
            if self._ledger.find(key) is None:
                raise NotFound(f"action {key} does not exist")
            self._engine.take_over_traces(key)
            for record in self._ledger.children(key):
                changes.seen(record)
                yield pb.WatchForUpdatesResponse(action_update=messages.update(record))
            yield pb.WatchForUpdatesResponse(control_message=state_service_pb2.ControlMessage(sentinel=True))
            async for record in changes:
                yield pb.WatchForUpdatesResponse(action_update=messages.update(record))

    async def abort(self, request: pb.AbortRequest, ctx: Any) -> pb.AbortResponse:
        """Ends an action and all below it; FAILED_PRECONDITION if it has ended."""
        subject = request.aborted_by.user.id.subject or subject_of(ctx)
        await self._engine.abort(messages.action_key(request.action_id), request.reason, subject)
        return pb.AbortResponse()

    async def signal(self, request: pb.SignalRequest, ctx: Any) -> pb.SignalResponse:
        """Answers a condition."""
        subject = request.signalled_by.user.id.subject or subject_of(ctx)
        self._engine.signal(messages.action_key(request.action_id), request.value, subject)
        return pb.SignalResponse()
