"""A record that is recovered: an execution that ended on another control plane, and was imported.

Nodes are matched by their ids, as flyteadmin matches them. What a node gave is in the record itself, so nobody needs access
to the store where it ran, but for the files that values refer to.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flyte_bridge.driver import recording
from flyte_bridge_translators.flyte1.nodes import NodeKind
from flyte_bridge_translators.wire.phase import Node as P

if TYPE_CHECKING:
    from flyteidl.core import literals_pb2
    from flyteidl.core.identifier_pb2 import WorkflowExecutionIdentifier

    from flyte_bridge.driver.recover import RecoveredAction
    from flyte_bridge.driver.scope import NodeUnderWay
    from flyte_bridge.registry.history import History
    from flyte_bridge_translators.flyte1.nodes import Node
    from flyte_bridge_translators.wire.past_execution import PastExecution

_DONE_WELL = frozenset({P.SUCCEEDED, P.RECOVERED})

_NESTED = frozenset({NodeKind.SUB_WORKFLOW, NodeKind.BRANCH})
"""Kinds of nodes that are what is inside them, which is looked for itself."""


class RecoveredRecord:
    """An imported execution to take results from; see `recover.RecoveredRun`."""

    def __init__(self, past: PastExecution, history: History) -> None:
        """Asks nothing yet.

        Args:
            past: The execution.
            history: Other records: those of its children.
        """
        self._past = past
        self._history = history

    async def load(self) -> None:
        """Nothing: all is there."""

    async def result(self, name: str) -> RecoveredAction | None:
        """None: it has no actions; see `outputs`."""
        return None

    async def of_node(self, uid: str) -> RecoveredAction | None:
        """None, likewise."""
        return None

    async def outputs(self, step: NodeUnderWay[Node]) -> literals_pb2.LiteralMap | None:
        """What a node gave that ended well, noted as this execution's; None if it is to run."""
        node = self._past.nodes.get(step.uid)
        if node is None or step.node.kind in _NESTED or node.message.closure.phase not in _DONE_WELL:
            return None
        await recording.done(step, node.data.full_outputs)
        step.execution.journal.recovered(step.uid)
        return node.data.full_outputs

    async def child(self, uid: str) -> WorkflowExecutionIdentifier | None:
        """The child execution that a node had started; None if there is no record of it."""
        node = self._past.nodes.get(uid)
        if node is None or not node.message.closure.HasField("workflow_node_metadata"):
            return None
        child = node.message.closure.workflow_node_metadata.executionId
        return child if await self._history.find(child) is not None else None
