"""Records → the messages of the API. Protobuf begins here and in the services."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flyteidl2.common import identifier_pb2, identity_pb2
from flyteidl2.core import execution_pb2
from flyteidl2.task import run_pb2, task_definition_pb2
from flyteidl2.workflow import run_definition_pb2 as pb
from flyteidl2.workflow import state_service_pb2

from flyte_bridge.backend.keys import ActionKey, RunKey, TaskKey, TriggerKey
from flyte_bridge.backend.moments import to_timestamp
from flyte_bridge.backend.phases import Phase
from flyte_bridge.embedded import attempts
from flyte_bridge.embedded.model import ActionRecord, ActionType, EventKind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flyte_bridge.embedded.ledger import Ledger

ORG = "local"
"""The organisation of everything, as the real backend tells its tasks."""


# -- identifiers ------------------------------------------------------------------------------------------------------


def run_id(key: RunKey) -> identifier_pb2.RunIdentifier:
    """A run's identifier."""
    return identifier_pb2.RunIdentifier(org=ORG, project=key.project, domain=key.domain, name=key.name)


def action_id(key: ActionKey) -> identifier_pb2.ActionIdentifier:
    """An action's identifier."""
    return identifier_pb2.ActionIdentifier(run=run_id(key.run_key), name=key.name)


def run_key(message: identifier_pb2.RunIdentifier) -> RunKey:
    """Which run a message means."""
    return RunKey(message.project, message.domain, message.name)


def action_key(message: identifier_pb2.ActionIdentifier) -> ActionKey:
    """Which action a message means."""
    return run_key(message.run).action(message.name)


def task_id(key: TaskKey) -> task_definition_pb2.TaskIdentifier:
    """A task version's identifier."""
    return task_definition_pb2.TaskIdentifier(
        org=ORG, project=key.project, domain=key.domain, name=key.name, version=key.version
    )


def task_key(message: task_definition_pb2.TaskIdentifier) -> TaskKey:
    """Which task version a message means."""
    return TaskKey(message.project, message.domain, message.name, message.version)


def trigger_name(key: TriggerKey) -> identifier_pb2.TriggerName:
    """A trigger's name."""
    return identifier_pb2.TriggerName(
        org=ORG, project=key.project, domain=key.domain, name=key.name, task_name=key.task_name
    )


def identity(subject: str) -> identity_pb2.EnrichedIdentity:
    """A person, of whom only the subject is known."""
    who = identity_pb2.EnrichedIdentity()
    if subject:
        who.user.id.subject = subject
    return who


# -- actions ----------------------------------------------------------------------------------------------------------


def action(record: ActionRecord, run_spec: bytes = b"") -> pb.Action:
    """An action, as lists show it."""
    return pb.Action(id=action_id(record.key), metadata=metadata(record, run_spec), status=status(record))


def run(record: ActionRecord, labels: Mapping[str, str]) -> pb.Run:
    """A run, as lists show it."""
    return pb.Run(action=action(record, record.run_spec), labels=dict(labels))


def metadata(record: ActionRecord, run_spec: bytes = b"") -> pb.ActionMetadata:
    """What an action is. The real backend leaves all but parent and group empty in lists; the SDK needs more."""
    message = pb.ActionMetadata(
        parent=record.parent or "",
        group=record.group,
        action_type=record.type.number,
        source=record.source,
        environment_name=record.environment,
        funtion_name=record.function_name,
    )
    if record.subject:
        message.executed_by.CopyFrom(identity(record.subject))
    if record.type is ActionType.TASK:
        if record.task is not None:
            message.task.id.CopyFrom(task_id(record.task))
        message.task.task_type = record.task_type
        message.task.short_name = record.short_name
    elif record.type is ActionType.TRACE:
        message.trace.name = record.short_name
    else:
        condition = pb.ConditionAction.FromString(record.spec)
        message.condition.name = condition.name
        message.condition.type.CopyFrom(condition.type)
    if record.trigger is not None:
        message.trigger_id.name.CopyFrom(trigger_name(record.trigger))
        message.trigger_id.revision = record.trigger_revision
        message.trigger_name = record.trigger.name
        message.trigger_type.type = record.trigger_type
    relation = run_pb2.RunSpec.FromString(run_spec).relation if run_spec and record.parent is None else None
    if relation is not None and relation.relation_type:
        message.relation.CopyFrom(relation)
    if record.recovered_from:
        message.recovered_from.CopyFrom(action_id(ActionKey(*record.recovered_from.split("/"))))
    return message


def status(record: ActionRecord) -> pb.ActionStatus:
    """Where an action stands."""
    message = pb.ActionStatus(
        phase=record.phase.number,
        start_time=to_timestamp(record.started_at or record.created_at),
        attempts=record.attempts,
        cache_status=record.cache_status,
        duration_ms=record.duration_ms,
    )
    if record.ended_at is not None:
        message.end_time.CopyFrom(to_timestamp(record.ended_at))
    return message


def details(record: ActionRecord, ledger: Ledger) -> pb.ActionDetails:
    """All there is to know of an action, its attempts included."""
    message = pb.ActionDetails(
        id=action_id(record.key), metadata=metadata(record, record.run_spec), status=status(record)
    )
    if record.error:
        message.error_info.ParseFromString(record.error)
    elif record.abort:
        message.abort_info.ParseFromString(record.abort)
    elif record.signal:
        message.signal_info.ParseFromString(record.signal)
    if record.type is ActionType.TASK:
        message.task.ParseFromString(ledger.task_spec(record))
        message.attempts.extend(attempts.fold(ledger.entries(record, EventKind.ATTEMPT)))
    elif record.type is ActionType.TRACE:
        message.trace.CopyFrom(pb.TraceAction.FromString(record.spec).spec)
    else:
        message.condition.ParseFromString(record.spec)
    return message


def update(record: ActionRecord) -> state_service_pb2.ActionUpdate:
    """What a parent's controller is told of a child.

    The output URI is told from the first update on: the SDK warns of updates without one. A failure carries its error,
    else the SDK looks for the error file of attempt 1, whichever attempt failed.
    """
    message = state_service_pb2.ActionUpdate(
        action_id=action_id(record.key), phase=record.phase.number, output_uri=record.output_uri
    )
    if record.error and record.phase in {Phase.FAILED, Phase.TIMED_OUT}:
        message.error.CopyFrom(execution_error(pb.ErrorInfo.FromString(record.error)))
    if record.signal:
        message.value.CopyFrom(pb.SignalInfo.FromString(record.signal).output)
    return message


def execution_error(info: pb.ErrorInfo) -> execution_pb2.ExecutionError:
    """An action's error as a parent's controller reads it."""
    kinds = {
        pb.ErrorInfo.KIND_USER: execution_pb2.ExecutionError.USER,
        pb.ErrorInfo.KIND_SYSTEM: execution_pb2.ExecutionError.SYSTEM,
    }
    return execution_pb2.ExecutionError(
        code=info.code, message=info.message, kind=kinds.get(info.kind, execution_pb2.ExecutionError.UNKNOWN)
    )
