"""A backend that knows no recovery: a relation between runs is kept, and nothing follows from it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flyte_bridge.embedded.recovery import Recovery

if TYPE_CHECKING:
    from flyteidl2.actions import actions_service_pb2
    from flyteidl2.task import run_pb2

    from flyte_bridge.backend.keys import ActionKey
    from flyte_bridge.embedded.model import ActionRecord


class NoRecovery(Recovery):
    """Takes over nothing."""

    def check(self, run_spec: run_pb2.RunSpec) -> None:
        """Any relation will do."""

    def source(
        self, record: ActionRecord, root: ActionRecord, action: actions_service_pb2.Action
    ) -> ActionRecord | None:
        """None, even where one is named."""
        return None

    def traces(self, parent: ActionKey) -> list[tuple[ActionRecord, ActionRecord]]:
        """None."""
        return []
