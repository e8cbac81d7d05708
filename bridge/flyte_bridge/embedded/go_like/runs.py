"""RunService, the Go backend's way: rows that an informer writes later, errors without codes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flyteidl2.common import list_pb2
from flyteidl2.workflow import run_definition_pb2
from flyteidl2.workflow import run_service_pb2 as pb

from flyte_bridge.backend.phases import Phase
from flyte_bridge.embedded import messages
from flyte_bridge.embedded.events import StatusChange
from flyte_bridge.embedded.faults import AlreadyExists, NotFound
from flyte_bridge.embedded.inputs import inputs_file
from flyte_bridge.embedded.model import ActionType
from flyte_bridge.embedded.services.run import RunService
from flyte_bridge.errors import InternalError

if TYPE_CHECKING:
    from flyte_bridge.backend.keys import ActionKey
    from flyte_bridge.embedded.engine import Engine
    from flyte_bridge.embedded.go_like import GoLike
    from flyte_bridge.embedded.inputs import Objects
    from flyte_bridge.embedded.ledger import Ledger
    from flyte_bridge.embedded.model import ActionRecord


_LATE = f"""
WHERE a.project = ? AND a.domain = ? AND a.run_name = ? AND a.created_at > ? AND a.parent IS NOT NULL
AND a.type <> {int(ActionType.TRACE)}
"""
"""Actions of a run that were enqueued a moment ago."""


class GoRunService(RunService):
    """Runs."""

    def __init__(self, engine: Engine, ledger: Ledger, objects: Objects, like: GoLike) -> None:
        super().__init__(engine, ledger)
        self._objects = objects
        self._late = int(like.row_after * 1e6)

    async def create_run(self, request: pb.CreateRunRequest, ctx: Any) -> pb.CreateRunResponse:
        """Makes a run; of a name that exists, it answers with the run that is there, whose inputs are overwritten."""
        try:
            return await super().create_run(request, ctx)
        except AlreadyExists:
            record = self._find(messages.run_key(request.run_id).action())
            if request.HasField("inputs"):
                self._objects.write(inputs_file(record.input_uri), request.inputs.SerializeToString())
            return pb.CreateRunResponse(run=messages.run(record, self._ledger.labels([record])[record.id]))

    async def abort_run(self, request: pb.AbortRunRequest, ctx: Any) -> pb.AbortRunResponse:
        """Aborts a run, also one that has ended: what it had come to is overwritten."""
        root = self._find(messages.run_key(request.run_id).action())
        if not root.phase.terminal:
            return await super().abort_run(request, ctx)
        info = run_definition_pb2.AbortInfo(reason=request.reason)
        self._ledger.overwrite(
            root, StatusChange(Phase.ABORTED, ended_at=root.ended_at, abort=info.SerializeToString())
        )
        return pb.AbortRunResponse()

    async def abort_action(self, request: pb.AbortActionRequest, ctx: Any) -> pb.AbortActionResponse:
        """Ends an action that has a row already."""
        self._find(messages.action_key(request.action_id))
        return await super().abort_action(request, ctx)

    async def list_runs(self, request: pb.ListRunsRequest, ctx: Any) -> pb.ListRunsResponse:
        """Runs; a list of one value is none to its database."""
        for asked in request.request.filters:
            if asked.function == list_pb2.Filter.VALUE_IN and len(asked.values) == 1:
                raise InternalError("failed to list runs: pq: op ANY/ALL (array) requires array on right side")
        return await super().list_runs(request, ctx)

    async def list_actions(self, request: pb.ListActionsRequest, ctx: Any) -> pb.ListActionsResponse:
        """A run's rows: parent and group are all that they tell of what an action is."""
        response = await super().list_actions(request, ctx)
        run, now = messages.run_key(request.run_id), self._ledger.store.clock.now()
        late = {row["name"] for row in self._ledger.rows(_LATE, (run.project, run.domain, run.name, now - self._late))}
        rows = [action for action in response.actions if action.id.name not in late]
        for action in rows:
            metadata = run_definition_pb2.ActionMetadata(parent=action.metadata.parent, group=action.metadata.group)
            action.metadata.CopyFrom(metadata)
        return pb.ListActionsResponse(actions=rows, token=response.token)

    def _find(self, key: ActionKey) -> ActionRecord:
        record = super()._find(key)
        if not self._has_row(record):
            raise NotFound(f"action {key} not found: its row is not written yet")
        return record

    def _details(self, record: ActionRecord) -> run_definition_pb2.ActionDetails:
        details = super()._details(record)
        if details.HasField("error_info"):
            details.error_info.code = ""
        for attempt in details.attempts:
            if attempt.HasField("error_info"):
                attempt.error_info.code = ""
        return details

    def _has_row(self, record: ActionRecord) -> bool:
        """A root's and a trace's are written with the request."""
        if record.parent is None or record.type is ActionType.TRACE:
            return True
        return record.created_at + self._late <= self._ledger.store.clock.now()
