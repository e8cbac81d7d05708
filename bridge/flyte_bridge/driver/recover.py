"""The run that is recovered: which of its actions succeeded, and what they left.

Actions are matched by name alone, as Flyte 1 matches nodes by unique id: equal names are equal places in the workflow. What
is taken over is recorded in the new run as a trace that names its source; a backend that knows recovery shows it as
RECOVERED.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flyteidl.core.identifier_pb2 import WorkflowExecutionIdentifier
from flyteidl2.common import identifier_pb2, phase_pb2
from flyteidl2.workflow import run_definition_pb2

from flyte_bridge.driver import outcome
from flyte_bridge.driver.patience import PATIENCE, patient
from flyte_bridge.errors import NotFound
from flyte_bridge_translators.wire import identifier
from flyte_bridge_translators.wire.phase import GOOD

if TYPE_CHECKING:
    from flyteidl.core import literals_pb2

    from flyte_bridge.backend.client import BackendClient
    from flyte_bridge.driver.scope import NodeUnderWay
    from flyte_bridge_translators.flyte1.nodes import Node


@dataclass(frozen=True)
class RecoveredAction:
    """What a source action left.

    Attributes:
        action: Which one.
        uri: Where its results lie: a directory, or an object's name for what was only recorded; empty for none.
        value: What a condition was answered, None for any other action.
    """

    action: identifier_pb2.ActionIdentifier
    uri: str
    value: Any | None = None

    @property
    def trace(self) -> run_definition_pb2.TraceAction:
        """How it is recorded in the new run."""
        result = run_definition_pb2.TraceAction(name=self.action.name)
        result.start_time.GetCurrentTime()
        result.end_time.GetCurrentTime()
        # readers of the Go backend read the very object that a trace names
        result.outputs.output_uri = self.uri if self.uri.endswith(".pb") or not self.uri else f"{self.uri}/outputs.pb"
        return result


class RecoveredRun:
    """A run to take results from."""

    def __init__(self, backend: BackendClient, run: identifier_pb2.RunIdentifier, name: str) -> None:
        """Asks nothing yet.

        Args:
            backend: Flyte 2.
            run: The run.
            name: Its v1 name, from which those of its child executions follow.
        """
        self._backend = backend
        self._found: dict[str, RecoveredAction | None] = {}
        self._aborted: set[str] = set()
        self.run = run
        self.name = name

    async def load(self) -> None:
        """Learn what all actions below the run's root have come to, with one call."""
        root = identifier_pb2.ActionIdentifier(run=self.run, name=identifier.ROOT)
        # a real backend forgets the children of a run that ended long ago, and the root with them
        with contextlib.suppress(NotFound):
            async for update in self._backend.watch_children(parent=root, patience=PATIENCE):
                if update is None:
                    return
                self._found[update.action_id.name] = self._of(update)

    async def result(self, name: str) -> RecoveredAction | None:
        """What a succeeded action of a name left; None if there is none."""
        if name not in self._found:
            self._found[name] = await self._asked(name)
        return self._found[name]

    async def of_node(self, uid: str) -> RecoveredAction | None:
        """What the action of a node or element left: its first, or one that was tried after that had been ended for its time."""
        again, name = 0, identifier.action_name(uid)
        while (found := await self.result(name)) is None and name in self._aborted:
            again, name = again + 1, identifier.tried_action(uid, again + 1)
        return found

    async def child(self, uid: str) -> WorkflowExecutionIdentifier | None:
        """The child execution that a node of the source has started; None if the source did not come to it."""
        child = WorkflowExecutionIdentifier(
            project=self.run.project,
            domain=self.run.domain,
            name=identifier.child_execution_name(self.name, uid),
        )
        root = identifier_pb2.ActionIdentifier(run=identifier.run_of(child, self.run.org), name=identifier.ROOT)
        try:
            await patient(lambda: self._backend.get_action(action_id=root))
        except NotFound:
            return None
        return child

    async def outputs(self, step: NodeUnderWay[Node]) -> literals_pb2.LiteralMap | None:
        """None: what its nodes gave is what their actions left; see `result`."""
        return None

    async def is_there(self) -> bool:
        """Whether there is, or was, such a run."""
        root = identifier_pb2.ActionIdentifier(run=self.run, name=identifier.ROOT)
        try:
            await patient(lambda: self._backend.get_action(action_id=root))
        except NotFound:
            return False
        return True

    async def _asked(self, name: str) -> RecoveredAction | None:
        action = identifier_pb2.ActionIdentifier(run=self.run, name=name)
        update = await outcome.ask(self._backend, action)
        return self._of(update) if update is not None else None

    def _of(self, update: Any) -> RecoveredAction | None:
        if update.phase not in GOOD:
            if update.phase == phase_pb2.ACTION_PHASE_ABORTED:
                self._aborted.add(update.action_id.name)
            return None
        action = identifier_pb2.ActionIdentifier(run=self.run, name=update.action_id.name)
        return RecoveredAction(action, update.output_uri, update.value if update.HasField("value") else None)
