"""Errors with their codes: the Go backend tells of a failure without one, and `error.pb` has it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flyteidl2.common import phase_pb2

from flyte_bridge.admin.caches import Recent
from flyte_bridge.errors import BridgeError, NotFound
from flyte_bridge_translators.wire import error_document, node_record

if TYPE_CHECKING:
    from flyteidl2.workflow import run_definition_pb2

    from flyte_bridge.admin.core import Core

_KEPT = 10_000
"""Errors that are remembered."""


class ErrorCodes:
    """Completes what the backend tells of failed actions, as far as the bridge can read its storage."""

    def __init__(self, core: Core) -> None:
        """Takes the backend and its storage."""
        self._backend = core.backend
        self._storage = core.storage
        self._known: Recent[str, run_definition_pb2.ErrorInfo | None] = Recent(_KEPT)

    async def complete(self, action: run_definition_pb2.ActionDetails) -> None:
        """Gives an action that failed its error with code, and its attempts theirs; changes it in place."""
        marked = node_record.phase_of(action.status.phase, action.metadata.group)
        if marked != action.status.phase:
            action.status.phase = phase_pb2.ACTION_PHASE_FAILED
            await self._complete_record(action)
        if action.status.phase != phase_pb2.ACTION_PHASE_FAILED:
            return
        for attempt in action.attempts:
            if attempt.phase == phase_pb2.ACTION_PHASE_FAILED and not attempt.error_info.code:
                found = await self._read(attempt.outputs.output_uri)
                if found is not None:
                    attempt.error_info.CopyFrom(found)
        if not action.error_info.code and action.attempts and action.attempts[-1].error_info.code:
            action.error_info.CopyFrom(action.attempts[-1].error_info)

    async def _complete_record(self, action: run_definition_pb2.ActionDetails) -> None:
        try:
            uri = (await self._backend.get_action_data_uris(action_id=action.id)).outputs_uri
        except NotFound:
            return
        found = await self._read(uri)
        if found is not None:
            action.error_info.CopyFrom(found)

    async def _read(self, outputs_uri: str) -> run_definition_pb2.ErrorInfo | None:
        uri = error_document.beside(outputs_uri)
        if not uri:
            return None
        found = self._known.get(uri)
        if found is None:
            try:
                error = error_document.read(bytes(await self._storage.read(uri)))
            except BridgeError:
                return None
            found = error_document.info(error) if error is not None else None
            self._known.put(uri, found)
        return found
