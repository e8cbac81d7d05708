"""What an action has come to, asked for by name: for those that no watch tells of any more.

A real backend forgets what its watches tell from (`TaskAction`s are collected an hour after their end, traces are never among
them); its database remembers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flyteidl2.core import execution_pb2
from flyteidl2.workflow import run_definition_pb2, state_service_pb2

from flyte_bridge.driver.patience import patient
from flyte_bridge.errors import NotFound
from flyte_bridge_translators.wire import node_record
from flyte_bridge_translators.wire.phase import GOOD, TERMINAL

if TYPE_CHECKING:
    from flyteidl2.common import identifier_pb2

    from flyte_bridge.backend.client import BackendClient

_KINDS = {
    run_definition_pb2.ErrorInfo.KIND_USER: execution_pb2.ExecutionError.USER,
    run_definition_pb2.ErrorInfo.KIND_SYSTEM: execution_pb2.ExecutionError.SYSTEM,
}


async def ask(backend: BackendClient, action: identifier_pb2.ActionIdentifier) -> state_service_pb2.ActionUpdate | None:
    """The last update of an action, as a watch would have told it.

    Args:
        backend: Flyte 2.
        action: Which.

    Returns:
        None if there is no such action, or it has not ended.
    """
    try:
        details = await patient(lambda: backend.get_action(action_id=action))
    except NotFound:
        return None
    if details.status.phase not in TERMINAL:
        return None
    phase = node_record.phase_of(details.status.phase, details.metadata.group)
    update = state_service_pb2.ActionUpdate(action_id=action)
    update.phase = phase
    if details.HasField("error_info"):
        info = details.error_info
        update.error.code, update.error.message = info.code, info.message
        update.error.kind = _KINDS.get(info.kind, execution_pb2.ExecutionError.UNKNOWN)
    if details.HasField("signal_info"):
        update.value.CopyFrom(details.signal_info.output)
    elif details.status.phase in GOOD:  # also of one that is recorded as failed: its `error.pb`
        update.output_uri = await _outputs(backend, action, is_task=details.WhichOneof("spec") == "task")
    elif details.attempts:
        update.output_uri = details.attempts[-1].outputs.output_uri.removesuffix("/outputs.pb")
    return update


async def _outputs(backend: BackendClient, action: identifier_pb2.ActionIdentifier, *, is_task: bool) -> str:
    """Where its outputs are: a task's directory, a trace's object; empty if it left none."""
    try:
        uri = str((await patient(lambda: backend.get_action_data_uris(action_id=action))).outputs_uri)
    except NotFound:
        return ""
    return uri.removesuffix("/outputs.pb") if is_task else uri
