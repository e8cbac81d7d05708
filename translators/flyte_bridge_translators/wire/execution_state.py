"""A run of Flyte 2 read as an execution of Flyte 1."""

from __future__ import annotations

import json
from dataclasses import dataclass

from flyteidl.admin import execution_pb2
from flyteidl.core import execution_pb2 as core_execution_pb2
from flyteidl.core import identifier_pb2, literals_pb2
from flyteidl2.common import identifier_pb2 as v2_identifier_pb2
from flyteidl2.common import phase_pb2
from flyteidl2.task import run_pb2
from flyteidl2.workflow import run_definition_pb2
from google.protobuf import timestamp_pb2

from flyte_bridge_translators.wire import exhausted, phase
from flyte_bridge_translators.wire.execution_settings import FACTS, USER_INPUTS, BadExecution, settings

_Metadata = execution_pb2.ExecutionMetadata


@dataclass(frozen=True)
class ClosureFacts:
    """What `ExecutionClosure` tells of an execution's start and no run knows.

    Attributes:
        workflow: The workflow that runs; for a task its `.flytegen.` one.
        created_at: Nanoseconds since the epoch. (A run's own start time moves when its first attempt begins.)
    """

    workflow: identifier_pb2.Identifier
    created_at: int

    def text(self) -> str:
        """As an annotation's value."""
        one = self.workflow
        return json.dumps([one.project, one.domain, one.name, one.version, self.created_at], separators=(",", ":"))

    @staticmethod
    def read(text: str) -> ClosureFacts:
        """From an annotation's value.

        Raises:
            BadExecution: It is not one.
        """
        try:
            project, domain, name, version, created_at = json.loads(text)
            workflow = identifier_pb2.Identifier(
                resource_type=identifier_pb2.WORKFLOW, project=project, domain=domain, name=name, version=version
            )
            return ClosureFacts(workflow, int(created_at))
        except (ValueError, TypeError) as error:
            raise BadExecution(f"annotation {FACTS} is broken: {error}") from error


def closure_facts(spec: run_pb2.RunSpec) -> ClosureFacts | None:
    """What a run's annotations tell of the execution's start; None if no façade made it."""
    text = spec.annotations.values.get(FACTS)
    return ClosureFacts.read(text) if text else None


def user_inputs(spec: run_pb2.RunSpec, inputs: literals_pb2.LiteralMap) -> literals_pb2.LiteralMap:
    """Those of a run's inputs that its user gave: what `RelaunchExecution` starts from.

    Args:
        spec: The run's.
        inputs: All of its inputs.
    """
    text = spec.annotations.values.get(USER_INPUTS)
    if text is None:
        return inputs
    return literals_pb2.LiteralMap(literals={n: inputs.literals[n] for n in json.loads(text) if n in inputs.literals})


# -- from a run -------------------------------------------------------------------------------------------------------


def from_run(
    spec: run_pb2.RunSpec, action: run_definition_pb2.ActionDetails | run_definition_pb2.Action, now: int = 0
) -> execution_pb2.Execution:
    """A run as an execution, as far as the run itself tells.

    The caller adds what it does not: the launch plan and workflow of a run that no façade made, the state
    (active or archived), where outputs lie.

    Args:
        spec: The run's.
        action: Its root; as lists show it (without attempts, error and abort reason) or in detail.
        now: See `run_phase`.

    Raises:
        BadExecution: The annotations are broken.
    """
    result = lasting(spec, action.id.run)
    stand(result, action, now)
    return result


def lasting(spec: run_pb2.RunSpec, run: v2_identifier_pb2.RunIdentifier) -> execution_pb2.Execution:
    """What of an execution never changes.

    Args:
        spec: The run's.
        run: Whose it is.

    Raises:
        BadExecution: The annotations are broken.
    """
    known = settings(spec, run)
    start = closure_facts(spec)
    result = execution_pb2.Execution(id=known.id, spec=known.spec)
    metadata = result.spec.metadata
    metadata.system_metadata.namespace = f"{known.id.project}-{known.id.domain}"  # flyteadmin's default template
    result.spec.security_context.run_as.SetInParent()
    # `stand` knows whether a schedule has started it; who starts one by hand in a scheduler's place says when it was due
    if spec.HasField("run_start_time") and not metadata.HasField("scheduled_at"):
        metadata.scheduled_at.CopyFrom(spec.run_start_time)
    closure = result.closure
    if start is not None:
        closure.workflow_id.CopyFrom(start.workflow)
        closure.created_at.FromNanoseconds(start.created_at)
    closure.state_change_details.state = execution_pb2.EXECUTION_ACTIVE
    closure.state_change_details.principal = known.spec.metadata.principal
    return result


def stand(
    result: execution_pb2.Execution,
    action: run_definition_pb2.ActionDetails | run_definition_pb2.Action,
    now: int = 0,
) -> None:
    """Adds to what never changes of an execution how it stands.

    Args:
        result: As `lasting` gives it.
        action: The run's root.
        now: See `run_phase`.
    """
    metadata, closure = result.spec.metadata, result.closure
    metadata.mode = mode(action.metadata, metadata)
    if metadata.mode != _Metadata.SCHEDULED:
        metadata.ClearField("scheduled_at")
    closure.phase = run_phase(action, now)
    if not closure.HasField("created_at"):
        closure.created_at.FromNanoseconds(_created_at(action))
    started = started_at(action)
    if started:
        closure.started_at.FromNanoseconds(started)
    closure.updated_at.CopyFrom(closure.started_at if started else closure.created_at)
    if action.status.HasField("end_time"):
        closure.updated_at.CopyFrom(action.status.end_time)
        if started and closure.phase in phase.ENDED:
            closure.duration.FromNanoseconds(max(0, action.status.end_time.ToNanoseconds() - started))
    if isinstance(action, run_definition_pb2.ActionDetails):
        _outcome(closure, action)
    closure.state_change_details.occurred_at.CopyFrom(closure.created_at)


def _created_at(action: run_definition_pb2.ActionDetails | run_definition_pb2.Action) -> int:
    """When a root was made: before its first attempt began, of which alone some backends tell the time."""
    told = int(action.status.start_time.ToNanoseconds())
    if isinstance(action, run_definition_pb2.ActionDetails):
        first = (step.start_time.ToNanoseconds() for attempt in action.attempts for step in attempt.phase_transitions)
        return min([told, *map(int, first)])
    return told


def mode(
    metadata: run_definition_pb2.ActionMetadata, asked: execution_pb2.ExecutionMetadata
) -> execution_pb2.ExecutionMetadata.ExecutionMode:
    """How an execution came to be: as its spec says, or as its run tells."""
    if asked.mode == _Metadata.MANUAL and metadata.source == run_definition_pb2.RUN_SOURCE_SCHEDULE_TRIGGER:
        return _Metadata.SCHEDULED
    if asked.mode == _Metadata.MANUAL and metadata.source == run_definition_pb2.RUN_SOURCE_ARTIFACT_TRIGGER:
        return _Metadata.TRIGGER
    return asked.mode


ABORTING_FOR = 300
"""Seconds after which an aborted run counts as ended though its last attempt was never told to have: on a real backend
nobody tells when its pod was gone already, and a client that waits for ABORTED would wait for ever."""


def run_phase(
    action: run_definition_pb2.ActionDetails | run_definition_pb2.Action, now: int = 0
) -> phase.Workflow.Phase:
    """The phase of the execution whose root action this is.

    Args:
        action: As lists show it, or in detail: only then an aborted run may still be ABORTING.
        now: Nanoseconds since the epoch; 0 means just after the action's end.
    """
    ending = False
    untouched = action.status.attempts == 0
    if isinstance(action, run_definition_pb2.ActionDetails):
        late = now - action.status.end_time.ToNanoseconds() > ABORTING_FOR * 1_000_000_000
        ending = not late and bool(action.attempts) and action.attempts[-1].phase not in phase.TERMINAL
        untouched = not action.attempts
    found = phase.execution(action.status.phase, untouched=untouched, ending=ending)
    # an execution of Flyte 1 does not go back when its engine starts anew
    return phase.Workflow.RUNNING if found == phase.Workflow.QUEUED and action.status.attempts > 1 else found


def started_at(action: run_definition_pb2.ActionDetails | run_definition_pb2.Action) -> int:
    """When the root first ran, in nanoseconds since the epoch; 0 if it has not, or nobody knows."""
    if isinstance(action, run_definition_pb2.ActionDetails):
        for attempt in action.attempts:
            for step in attempt.phase_transitions:
                if step.phase == phase_pb2.ACTION_PHASE_RUNNING:
                    return int(step.start_time.ToNanoseconds())
    status = action.status
    ran = status.phase in {phase_pb2.ACTION_PHASE_RUNNING, phase_pb2.ACTION_PHASE_PAUSED} or (
        status.phase in phase.TERMINAL and status.attempts > 0
    )
    return int(status.start_time.ToNanoseconds()) if ran else 0


_KINDS = {
    run_definition_pb2.ErrorInfo.KIND_USER: core_execution_pb2.ExecutionError.USER,
    run_definition_pb2.ErrorInfo.KIND_SYSTEM: core_execution_pb2.ExecutionError.SYSTEM,
}


def error(
    info: run_definition_pb2.ErrorInfo, at: timestamp_pb2.Timestamp | None = None
) -> core_execution_pb2.ExecutionError:
    """An action's error in Flyte 1's words.

    Args:
        info: As Flyte 2 tells it.
        at: When it came about, if what failed is to be told of itself.
    """
    result = core_execution_pb2.ExecutionError(
        code=info.code, message=info.message, kind=_KINDS.get(info.kind, core_execution_pb2.ExecutionError.UNKNOWN)
    )
    if at is not None and at.seconds:
        result.timestamp.CopyFrom(at)
    return result


def outcome(action: run_definition_pb2.ActionDetails) -> execution_pb2.ExecutionClosure:
    """How an execution ended: where its outputs lie, its closure's error, or who aborted it; nothing for one that goes on."""
    closure = execution_pb2.ExecutionClosure(phase=run_phase(action))
    _outcome(closure, action)
    return closure


def _outcome(closure: execution_pb2.ExecutionClosure, action: run_definition_pb2.ActionDetails) -> None:
    if closure.phase in {phase.Workflow.FAILED, phase.Workflow.TIMED_OUT}:
        told = exhausted.of_action(action)
        closure.error.CopyFrom(error(told, action.status.end_time if exhausted.dated(told) else None))
        if not closure.error.message:
            closure.error.message = "Flyte 2 gives no reason; look at the run's logs"
    elif closure.phase in {phase.Workflow.ABORTED, phase.Workflow.ABORTING}:
        closure.abort_metadata.cause = action.abort_info.reason
        closure.abort_metadata.principal = action.abort_info.aborted_by.user.id.subject
    elif closure.phase == phase.Workflow.SUCCEEDED and action.attempts:
        closure.outputs.uri = action.attempts[-1].outputs.output_uri
