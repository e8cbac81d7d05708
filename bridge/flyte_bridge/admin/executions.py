"""AdminService's executions: all that reads, ends or starts them, composed of one class per concern."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from flyteidl.admin import event_pb2, execution_pb2
from flyteidl.core import execution_pb2 as core_execution_pb2
from flyteidl.core import identifier_pb2

from flyte_bridge.admin import validation
from flyte_bridge.admin.archive import Archive
from flyte_bridge.admin.artifacts import ArtifactCalls
from flyte_bridge.admin.blobs import blob
from flyte_bridge.admin.caches import Recent, caller
from flyte_bridge.admin.execution_list import MOST_REMEMBERED, Lasting, ListCalls
from flyte_bridge.admin.execution_messages import to_message
from flyte_bridge.admin.idempotency import BegunNames
from flyte_bridge.admin.launching import LaunchCalls
from flyte_bridge.admin.metrics import MetricCalls
from flyte_bridge.admin.reading import ExecutionReader, is_final
from flyte_bridge.admin.signals import SignalCalls
from flyte_bridge.errors import FailedPrecondition, InvalidRequest
from flyte_bridge_translators.wire import execution, phase

if TYPE_CHECKING:
    from flyte_bridge.admin.context import CallContext
    from flyte_bridge.admin.core import Core

MOST_BYTES = 32 * 1024 * 1024
"""Bytes of executions that have ended that are remembered."""

_Phase = core_execution_pb2.WorkflowExecution.Phase


class Executions(LaunchCalls, ListCalls, SignalCalls, MetricCalls, ArtifactCalls):
    """Executions, their nodes and tasks, signals, metrics and data."""

    def __init__(self, core: Core) -> None:
        """Nothing is read yet.

        Args:
            core: What the parts share.
        """
        self.core = core
        self.reader = ExecutionReader(core)
        self.launcher = core.launcher
        self.archive = Archive(core.registry)
        self.begun = BegunNames()
        self.principals: Recent[str, str] = Recent(1024)
        self.ended: Recent[tuple[str, bytes], execution_pb2.Execution] = Recent(MOST_BYTES)
        self.lasting: Recent[Any, Lasting] = Recent(MOST_REMEMBERED)

    async def get_execution(
        self, request: execution_pb2.WorkflowExecutionGetRequest, context: CallContext
    ) -> execution_pb2.Execution:
        """An execution, its error whole."""
        validation.parts(_given(request), ("project", "domain", "name"))
        key = (caller(context), request.id.SerializeToString(deterministic=True))
        told = self.ended.get(key)
        if told is None:
            view = await self.reader.run(request.id, context)
            plan = await self.reader.plan(view)
            told = to_message(view, plan)
            await self.tell_failing(told, plan, context)
            if is_final(view):
                self.ended.put(key, told, told.ByteSize())
        answer = execution_pb2.Execution()
        answer.CopyFrom(told)
        await self.archive.mark([answer])  # of what has ended, that alone can still change
        return answer

    async def get_execution_data(
        self, request: execution_pb2.WorkflowExecutionGetDataRequest, context: CallContext
    ) -> execution_pb2.WorkflowExecutionGetDataResponse:
        """An execution's inputs, and outputs if it succeeded."""
        validation.parts(_given(request), ("project", "domain", "name"))
        view = await self.reader.run(request.id, context)
        values = await self.reader.execution_data(view, await self.reader.plan(view), context)
        response = execution_pb2.WorkflowExecutionGetDataResponse()
        await blob(response, "inputs", values.inputs, values.inputs_uri, self.reader, context)
        await blob(response, "outputs", values.outputs, values.outputs_uri, self.reader, context)
        return response

    async def terminate_execution(
        self, request: execution_pb2.ExecutionTerminateRequest, context: CallContext
    ) -> execution_pb2.ExecutionTerminateResponse:
        """Aborts an execution.

        Raises:
            FailedPrecondition: It has ended, or is being aborted already.
        """
        validation.parts(_given(request), ("project", "domain", "name"))
        view = await self.reader.run(request.id, context)
        now = execution.run_phase(view.root, time.time_ns())
        if now in phase.ENDED or view.ended:
            raise over(now)
        try:
            await self.reader.backend.abort_run(run_id=view.run_id, reason=request.cause)
        except FailedPrecondition:
            raise over(execution.run_phase((await self.reader.run(request.id, context)).root)) from None
        self.reader.forget(request.id, context)
        return execution_pb2.ExecutionTerminateResponse()

    async def update_execution(
        self, request: execution_pb2.ExecutionUpdateRequest, context: CallContext
    ) -> execution_pb2.ExecutionUpdateResponse:
        """Archives an execution, or takes it back among the active ones."""
        validation.parts(_given(request), ("project", "domain", "name"))
        await self.reader.run(request.id, context)
        if request.state not in execution_pb2.ExecutionState.values():
            raise InvalidRequest(f"{request.state} is no state of an execution; archive it, or make it active again")
        await self.archive.put(request.id, request.state)
        return execution_pb2.ExecutionUpdateResponse()


def _given(request: object) -> identifier_pb2.WorkflowExecutionIdentifier:
    if not request.HasField("id"):  # type: ignore[attr-defined]
        raise validation.missing("id")
    found: identifier_pb2.WorkflowExecutionIdentifier = request.id  # type: ignore[attr-defined]
    return found


def over(now: int) -> FailedPrecondition:
    """The refusal to abort what has ended, in flyteadmin's words."""
    reason = event_pb2.EventFailureReason()
    reason.already_in_terminal_state.current_phase = _Phase.Name(now)
    return FailedPrecondition("Cannot abort an already terminated workflow execution", reason)
