"""RunService: runs and their actions, made, read, listed, watched, ended."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from flyteidl2.common import list_pb2
from flyteidl2.core import literals_pb2
from flyteidl2.task import run_pb2
from flyteidl2.workflow import run_definition_pb2
from flyteidl2.workflow import run_service_pb2 as pb

from flyte_bridge.embedded import attempts, messages, watch
from flyte_bridge.embedded.faults import InvalidRequest, NotFound
from flyte_bridge.embedded.inputs import inputs_file
from flyte_bridge.embedded.model import ActionType, EventKind
from flyte_bridge.embedded.services import listing
from flyte_bridge.embedded.services.groups import Groups
from flyte_bridge.embedded.services.identity import subject_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from flyte_bridge.backend.keys import ActionKey
    from flyte_bridge.embedded.engine import Engine
    from flyte_bridge.embedded.ledger import Ledger
    from flyte_bridge.embedded.model import ActionRecord

_GATHER = 0.2
"""Seconds between two messages about changed groups."""

_PAGE = 500
"""Actions per message of a watch's snapshot."""


class RunService:
    """Runs."""

    def __init__(self, engine: Engine, ledger: Ledger) -> None:
        self._engine = engine
        self._ledger = ledger

    def _find(self, key: ActionKey) -> ActionRecord:
        record = self._ledger.find(key)
        if record is None:
            what = f"run {key.run_key}" if key.is_root else f"action {key}"
            raise NotFound(f"{what} does not exist")
        return record

    def _details(self, record: ActionRecord) -> run_definition_pb2.ActionDetails:
        return messages.details(record, self._ledger)

    # -- making and ending --------------------------------------------------------------------------------------------

    async def create_run(self, request: pb.CreateRunRequest, ctx: Any) -> pb.CreateRunResponse:
        """Makes a run; ALREADY_EXISTS if its name is taken (the real backend answers with the old run)."""
        record = self._engine.create_run(request, subject_of(ctx))
        return pb.CreateRunResponse(run=messages.run(record, self._ledger.labels([record])[record.id]))

    async def abort_run(self, request: pb.AbortRunRequest, ctx: Any) -> pb.AbortRunResponse:
        """Ends a run and all its actions; FAILED_PRECONDITION if it has ended."""
        await self._engine.abort(messages.run_key(request.run_id).action(), request.reason, subject_of(ctx))
        return pb.AbortRunResponse()

    async def abort_action(self, request: pb.AbortActionRequest, ctx: Any) -> pb.AbortActionResponse:
        """Ends an action and all below it; FAILED_PRECONDITION if it has ended."""
        await self._engine.abort(messages.action_key(request.action_id), request.reason, subject_of(ctx))
        return pb.AbortActionResponse()

    async def signal_event(self, request: pb.SignalEventRequest, ctx: Any) -> pb.SignalEventResponse:
        """Answers a condition."""
        which = request.payload.WhichOneof("value")
        if which is None:
            raise InvalidRequest("the signal carries no value")
        value = getattr(request.payload, which)
        field = {"bool_value": "boolean", "int_value": "integer"}.get(which, which)
        literal = literals_pb2.Literal()
        setattr(literal.scalar.primitive, field, value)
        self._engine.signal(messages.action_key(request.action_id), literal, subject_of(ctx))
        return pb.SignalEventResponse()

    # -- reading ------------------------------------------------------------------------------------------------------

    async def get_run_details(self, request: pb.GetRunDetailsRequest, _ctx: Any) -> pb.GetRunDetailsResponse:
        """A run's spec and its root."""
        record = self._find(messages.run_key(request.run_id).action())
        return pb.GetRunDetailsResponse(details=self._run_details(record))

    def _run_details(self, record: ActionRecord) -> run_definition_pb2.RunDetails:
        return run_definition_pb2.RunDetails(
            run_spec=run_pb2.RunSpec.FromString(record.run_spec), action=self._details(record)
        )

    async def get_action_details(self, request: pb.GetActionDetailsRequest, _ctx: Any) -> pb.GetActionDetailsResponse:
        """An action with its attempts."""
        record = self._find(messages.action_key(request.action_id))
        return pb.GetActionDetailsResponse(details=self._details(record))

    async def get_action_data_uris(
        self, request: pb.GetActionDataURIsRequest, _ctx: Any
    ) -> pb.GetActionDataURIsResponse:
        """Where an action's inputs and outputs lie; outputs only of one that succeeded."""
        record = self._find(messages.action_key(request.action_id))
        if record.type is ActionType.CONDITION:
            raise NotFound(f"{record.key} is a condition: its value is in the action's details")
        outputs = ""
        if record.phase.good and record.output_uri:
            outputs = record.output_uri if record.type is ActionType.TRACE else f"{record.output_uri}/outputs.pb"
        return pb.GetActionDataURIsResponse(
            inputs_uri=inputs_file(record.input_uri) if record.input_uri else "", outputs_uri=outputs
        )

    async def get_action_log_context(
        self, request: pb.GetActionLogContextRequest, _ctx: Any
    ) -> pb.GetActionLogContextResponse:
        """An attempt's log context; NOT_FOUND for one that never began."""
        record = self._find(messages.action_key(request.action_id))
        number = request.attempt or record.attempts
        for attempt in attempts.fold(self._ledger.entries(record, EventKind.ATTEMPT)):
            if attempt.attempt == number and attempt.logs_available:
                response = pb.GetActionLogContextResponse(
                    log_context=attempt.log_context, cluster=attempt.cluster, start_time=attempt.start_time
                )
                if attempt.HasField("end_time"):
                    response.end_time.CopyFrom(attempt.end_time)
                return response
        raise NotFound(f"attempt {number} of {record.key} has no log")

    # -- listing ------------------------------------------------------------------------------------------------------

    async def list_runs(self, request: pb.ListRunsRequest, _ctx: Any) -> pb.ListRunsResponse:
        """Runs, filtered, sorted, a page at a time."""
        records, token = listing.runs(self._ledger, request)
        labels = self._ledger.labels(records)
        return pb.ListRunsResponse(runs=[messages.run(one, labels[one.id]) for one in records], token=token)

    async def list_actions(self, request: pb.ListActionsRequest, _ctx: Any) -> pb.ListActionsResponse:
        """A run's actions, filtered, sorted, a page at a time."""
        root = self._find(messages.run_key(request.run_id).action())
        records, token = listing.actions(self._ledger, root.key.run_key, request.request)
        return pb.ListActionsResponse(actions=[messages.action(one, one.run_spec) for one in records], token=token)

    # -- watching -----------------------------------------------------------------------------------------------------

    async def watch_run_details(
        self, request: pb.WatchRunDetailsRequest, _ctx: Any
    ) -> AsyncIterator[pb.WatchRunDetailsResponse]:
        """A run's details at each change of its root, until it ends. (The real backend sends one empty message.)"""
        async for record in self._until_end(messages.run_key(request.run_id).action()):
            yield pb.WatchRunDetailsResponse(details=self._run_details(record))

    async def watch_action_details(
        self, request: pb.WatchActionDetailsRequest, _ctx: Any
    ) -> AsyncIterator[pb.WatchActionDetailsResponse]:
        """An action's details at each change, until it ends."""
        async for record in self._until_end(messages.action_key(request.action_id)):
            yield pb.WatchActionDetailsResponse(details=self._details(record))

    async def watch_cluster_events(
        self, request: pb.WatchClusterEventsRequest, _ctx: Any
    ) -> AsyncIterator[pb.WatchClusterEventsResponse]:
        """The events of an attempt, each once, until the action ends."""
        told = 0
        async for record in self._until_end(messages.action_key(request.id)):
            for attempt in attempts.fold(self._ledger.entries(record, EventKind.ATTEMPT)):
                if attempt.attempt == (request.attempt or record.attempts):
                    new = attempt.cluster_events[told:]
                    told += len(new)
                    yield pb.WatchClusterEventsResponse(cluster_events=new)

    async def _until_end(self, key: ActionKey) -> AsyncIterator[ActionRecord]:
        with self._engine.hub.subscribe(watch.of_action(key)) as changes:
            record = self._find(key)
            changes.seen(record)
            yield record
            while not record.phase.terminal:
                record = await changes.next()
                yield record

    async def watch_actions(self, request: pb.WatchActionsRequest, _ctx: Any) -> AsyncIterator[pb.WatchActionsResponse]:
        """A run's actions, then each as it changes; ends with the run, once all of it was told."""
        key = messages.run_key(request.run_id)
        fits = listing.matcher(request.filter)
        with self._engine.hub.subscribe(watch.of_run(key)) as changes:
            self._find(key.action())
            tree = listing.PhaseCounts()
            after = 0
            while True:
                records = self._ledger.run_page(key, after, _PAGE)
                for record in records:
                    changes.seen(record)
                    tree.put(record)
                yield pb.WatchActionsResponse(enriched_actions=[tree.enrich(record, fits) for record in records])
                if len(records) < _PAGE:
                    break
                after = records[-1].id
            while not tree.ended:
                records = await changes.batch(_PAGE)
                touched = tree.put_all(records)
                yield pb.WatchActionsResponse(enriched_actions=[tree.enrich(record, fits) for record in touched])

    async def watch_runs(self, request: pb.WatchRunsRequest, _ctx: Any) -> AsyncIterator[pb.WatchRunsResponse]:
        """The newest hundred runs of a target, then each as it changes; never ends."""
        with self._engine.hub.subscribe(watch.RUNS) as changes:
            scope = pb.ListRunsRequest(
                request=list_pb2.ListRequest(
                    limit=100, sort_by=list_pb2.Sort(key="created_at", direction=list_pb2.Sort.DESCENDING)
                )
            )
            target = request.WhichOneof("target")
            if target in {"project_id", "task_id"}:  # there is one organisation and one cluster only
                getattr(scope, target).CopyFrom(getattr(request, target))
            records, _ = listing.runs(self._ledger, scope)
            for record in records:
                changes.seen(record)
            yield self._runs(records)
            while True:
                batch = await changes.batch()
                batch = [one for one in batch if listing.in_scope(one, request)]
                if batch:
                    yield self._runs(batch)

    async def watch_groups(self, request: pb.WatchGroupsRequest, _ctx: Any) -> AsyncIterator[pb.WatchGroupsResponse]:
        """A project's runs by task, a sentinel, then the groups that change; with an end date only the former.

        Changes are gathered for a moment: a group's message is as long as its history is wide.
        """
        if request.HasField("request") and (request.request.filters or request.request.token):
            raise InvalidRequest("groups are neither filtered nor paged; give start_date and end_date")
        with self._engine.hub.subscribe(watch.RUNS) as changes:
            groups = Groups(request)
            for record in groups.read(self._ledger):
                changes.seen(record)
                groups.put(record)
            yield pb.WatchGroupsResponse(task_groups=groups.messages(), sentinel=True)
            while not groups.closed:
                touched = {groups.put(record) for record in await changes.batch()} - {None}
                if touched:
                    await asyncio.sleep(_GATHER)
                    yield pb.WatchGroupsResponse(task_groups=groups.messages(key for key in touched if key))

    def _runs(self, records: list[ActionRecord]) -> pb.WatchRunsResponse:
        labels = self._ledger.labels(records)
        return pb.WatchRunsResponse(runs=[messages.run(one, labels[one.id]) for one in records])
