"""Where a task's deck lies: the Go backend tells of `report.html` for every attempt, and flytekit writes `deck.html`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flyte_bridge.errors import BridgeError

if TYPE_CHECKING:
    from flyteidl2.workflow import run_definition_pb2

    from flyte_bridge.admin.core import Core

TOLD, WRITTEN = "/report.html", "/deck.html"


class Decks:
    """Looks which is there, as far as the bridge can read the backend's storage."""

    def __init__(self, core: Core) -> None:
        """Takes the storage."""
        self._storage = core.storage

    async def find(self, action: run_definition_pb2.ActionDetails) -> None:
        """Has the last attempt of an action tell of the report that is there, or of none; changes it in place."""
        if not action.attempts or not action.attempts[-1].outputs.report_uri.endswith(TOLD):
            return
        outputs = action.attempts[-1].outputs
        deck = outputs.report_uri.removesuffix(TOLD) + WRITTEN
        try:
            if not await self._storage.exists(outputs.report_uri):
                outputs.report_uri = deck if await self._storage.exists(deck) else ""
        except BridgeError:
            return
