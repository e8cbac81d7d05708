"""InternalRunService: actions that somebody else runs, and only reports here.

What it records is as good as what the engine runs: an imported history, or a driver of one's own. Errors come in-band,
as the service has it, one status per action.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from connectrpc.code import Code
from connectrpc.errors import ConnectError
from flyteidl2.workflow import events_proxy_service_pb2, run_definition_pb2
from flyteidl2.workflow import internal_run_service_pb2 as pb
from google.rpc import code_pb2, status_pb2

from flyte_bridge.backend.keys import ROOT, TaskKey
from flyte_bridge.backend.phases import Phase
from flyte_bridge.embedded import messages, names
from flyte_bridge.embedded.enqueue import trace_phase
from flyte_bridge.embedded.events import StatusChange
from flyte_bridge.embedded.faults import Fault, InvalidRequest, NotFound
from flyte_bridge.embedded.ledger import ActionExists
from flyte_bridge.embedded.model import ActionRecord, ActionType
from flyte_bridge.embedded.services.identity import subject_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from flyte_bridge.embedded.ledger import Ledger
    from flyte_bridge.embedded.registry import Projects


class InternalRunService:
    """Records."""

    def __init__(self, ledger: Ledger, projects: Projects) -> None:
        self._ledger = ledger
        self._projects = projects

    # -- actions ------------------------------------------------------------------------------------------------------

    async def record_action(self, request: pb.RecordActionRequest, ctx: Any) -> pb.RecordActionResponse:
        """Records an action; one that is there is left as it is, without an error."""
        status = _in_band(lambda: self._record(request, subject_of(ctx)))
        return pb.RecordActionResponse(action_id=request.action_id, status=status)

    async def record_action_stream(
        self, requests: AsyncIterator[pb.RecordActionStreamRequest], ctx: Any
    ) -> AsyncIterator[pb.RecordActionStreamResponse]:
        """The same, as a stream."""
        async for request in requests:
            yield pb.RecordActionStreamResponse(response=await self.record_action(request.request, ctx))

    def _record(self, request: pb.RecordActionRequest, subject: str) -> None:
        key = messages.action_key(request.action_id)
        self._projects.get(key.project)
        names.domain(key.domain)
        names.run(key.run)
        names.action(key.name)
        if bool(request.parent) == key.is_root:
            raise InvalidRequest(f"action {key}: the root is {ROOT} and has no parent, every other action has one")
        if request.parent and self._ledger.find(key.sibling(request.parent)) is None:
            raise NotFound(f"parent action {request.parent!r} of {key} does not exist; record it first")
        now = self._ledger.store.clock.now()
        record = ActionRecord(
            id=0,
            version=0,
            key=key,
            parent=request.parent or None,
            phase=Phase.QUEUED,
            created_at=now,
            updated_at=now,
            group=names.limit("group", request.group),
            subject=request.subject or subject,
            input_uri=request.input_uri,
            recovered_from=str(messages.action_key(request.recovered_from))
            if request.HasField("recovered_from")
            else "",
            **_spec_fields(request, key.project, key.domain),
        )
        spec = request.task.spec.SerializeToString() if request.HasField("task") else b""
        with self._ledger.store.transaction():
            try:
                record = self._ledger.create(record, task_spec=spec)
            except ActionExists:
                return
            if request.HasField("trace"):
                self._ledger.change(key, StatusChange(trace_phase(request.trace)))
            elif request.HasField("condition"):
                self._ledger.change(key, StatusChange(Phase.PAUSED))

    # -- what becomes of them -----------------------------------------------------------------------------------------

    async def update_action_status(
        self, request: pb.UpdateActionStatusRequest, _ctx: Any
    ) -> pb.UpdateActionStatusResponse:
        """Sets an action's status; the first terminal phase stays, and open phases go forward only."""
        status = _in_band(lambda: self._update(request))
        return pb.UpdateActionStatusResponse(action_id=request.action_id, status=status)

    async def update_action_status_stream(
        self, requests: AsyncIterator[pb.UpdateActionStatusStreamRequest], ctx: Any
    ) -> AsyncIterator[pb.UpdateActionStatusStreamResponse]:
        """The same, as a stream."""
        async for request in requests:
            response = await self.update_action_status(request.request, ctx)
            yield pb.UpdateActionStatusStreamResponse(response=response, nonce=request.nonce)

    def _update(self, request: pb.UpdateActionStatusRequest) -> None:
        record = self._find(messages.action_key(request.action_id))
        status = request.status
        phase = Phase(status.phase)
        if phase is Phase.UNSPECIFIED:
            raise InvalidRequest(f"action {record.key}: the status names no phase")
        if not phase.terminal and phase < record.phase and record.phase is not Phase.PAUSED:
            return
        signal = abort = None
        if request.HasField("output"):
            info = run_definition_pb2.SignalInfo(output=request.output, signalled_by=request.principal)
            signal = info.SerializeToString()
        if phase is Phase.ABORTED:
            aborted = run_definition_pb2.AbortInfo(reason=request.abort_reason)
            if request.HasField("principal"):
                aborted.aborted_by.CopyFrom(request.principal)
            abort = aborted.SerializeToString()
        change = StatusChange(
            phase,
            started_at=_micros(status.start_time) if status.HasField("start_time") else None,
            ended_at=_micros(status.end_time) if status.HasField("end_time") else None,
            attempts=status.attempts or None,
            cache_status=status.cache_status or None,
            signal=signal,
            abort=abort,
        )
        self._ledger.change(record.key, change)

    async def record_action_events(
        self, request: pb.RecordActionEventsRequest, _ctx: Any
    ) -> pb.RecordActionEventsResponse:
        """Records what happened to attempts, all or nothing; changes the action's results, never its phase."""

        def write() -> None:
            with self._ledger.store.transaction():
                for event in request.events:
                    self._event(event)

        return pb.RecordActionEventsResponse(status=_in_band(write))

    async def record_action_event_stream(
        self, requests: AsyncIterator[pb.RecordActionEventStreamRequest], _ctx: Any
    ) -> AsyncIterator[pb.RecordActionEventStreamResponse]:
        """The same, one at a time, as a stream."""
        async for request in requests:
            event = request.request.event
            status = _in_band(lambda event=event: self._event(event))  # type: ignore[misc]
            response = pb.RecordActionEventResponse(action_id=event.id, status=status)
            yield pb.RecordActionEventStreamResponse(response=response, nonce=request.nonce)

    def _event(self, event: run_definition_pb2.ActionEvent) -> None:
        record = self._find(messages.action_key(event.id))
        attempt = event.attempt or 1
        self._ledger.log_attempt(record, attempt, Phase(event.phase), event.SerializeToString())
        uri = event.outputs.output_uri
        news = StatusChange(
            record.phase,
            attempts=attempt if attempt > record.attempts else None,
            error=event.error_info.SerializeToString() if event.HasField("error_info") else None,
            output_uri=uri.removesuffix("/outputs.pb") or None,
            report_uri=event.outputs.report_uri or None,
        )
        if news != StatusChange(record.phase):
            self._ledger.amend(record, news)

    def _find(self, key: Any) -> ActionRecord:
        record = self._ledger.find(key)
        if record is None:
            raise NotFound(f"action {key} does not exist; record it first")
        return record


class EventsProxyService:
    """The same for whoever only reports what happens to attempts."""

    def __init__(self, runs: InternalRunService) -> None:
        self._runs = runs

    async def record(
        self, request: events_proxy_service_pb2.RecordRequest, ctx: Any
    ) -> events_proxy_service_pb2.RecordResponse:
        """Records events, all or nothing; a refusal is the call's own status here."""
        events = pb.RecordActionEventsRequest(events=request.events)
        status = (await self._runs.record_action_events(events, ctx)).status
        if status.code != code_pb2.OK:
            raise ConnectError(Code(code_pb2.Code.Name(status.code).lower()), status.message)
        return events_proxy_service_pb2.RecordResponse()


def _spec_fields(request: pb.RecordActionRequest, project: str, domain: str) -> dict[str, Any]:
    which = request.WhichOneof("spec")
    if which == "task":
        task: run_definition_pb2.TaskAction = request.task
        template = task.spec.task_template
        name = task.id.name or template.id.name
        return {
            "type": ActionType.TASK,
            "task": TaskKey(task.id.project or project, task.id.domain or domain, name, task.id.version),
            "task_type": template.type,
            "short_name": task.spec.short_name or name.rpartition(".")[2],
            "function_name": name.rpartition(".")[2],
            "environment": task.spec.environment.name,
            "cache_key": task.cache_key.value,
        }
    if which == "trace":
        trace: run_definition_pb2.TraceAction = request.trace
        return {
            "type": ActionType.TRACE,
            "short_name": trace.name,
            "output_uri": trace.outputs.output_uri,
            "report_uri": trace.outputs.report_uri,
            "spec": trace.SerializeToString(),
        }
    if which == "condition":
        condition: run_definition_pb2.ConditionAction = request.condition
        return {
            "type": ActionType.CONDITION,
            "short_name": condition.name,
            "spec": condition.SerializeToString(),
        }
    raise InvalidRequest("the action is no task, no trace and no condition")


def _in_band(call: Callable[[], None]) -> status_pb2.Status:
    try:
        call()
    except Fault as fault:
        number = code_pb2.Code.Value(fault.code)
        return status_pb2.Status(code=number, message=str(fault))
    return status_pb2.Status(code=code_pb2.OK)


def _micros(timestamp: Any) -> int:
    return int(timestamp.seconds) * 1_000_000 + int(timestamp.nanos) // 1000
