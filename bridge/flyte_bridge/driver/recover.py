"""The run that is recovered: which of its actions succeeded, and where their outputs are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from flyteidl2.common import identifier_pb2
from flyteidl2.workflow import run_definition_pb2

from flyte_bridge.errors import NotFound
from flyte_bridge_translators.wire.phase import GOOD

from .patience import patient

if TYPE_CHECKING:
    from flyte_bridge.backend.protocol import Backend


@dataclass(frozen=True)
class Found:
    """What a source action left.

    Attributes:
        action: Which one.
        prefix: Where its results lie: a directory, or an object's name for what was only recorded.
        trace: How it is recorded in the new run.
        details: All of it.
    """

    action: identifier_pb2.ActionIdentifier
    prefix: str
    trace: run_definition_pb2.TraceAction
    details: run_definition_pb2.ActionDetails


class Source:
    """A run to take results from."""

    def __init__(self, backend: Backend, run: identifier_pb2.RunIdentifier, name: str) -> None:
        """Asks nothing yet.

        Args:
            backend: Flyte 2.
            run: The run.
            name: Its v1 name, from which those of its child executions follow.
        """
        self._backend = backend
        self.run = run
        self.name = name

    async def result(self, name: str) -> Found | None:
        """What a succeeded action of a name left; None if there is none."""
        action = identifier_pb2.ActionIdentifier(run=self.run, name=name)
        try:
            details = await patient(lambda: self._backend.get_action(action_id=action))
        except NotFound:
            return None
        if details.status.phase not in GOOD:
            return None
        last = details.attempts[-1].outputs.output_uri if details.attempts else ""
        trace = run_definition_pb2.TraceAction(name=name, phase=details.status.phase)
        trace.start_time.CopyFrom(details.status.start_time)
        trace.end_time.CopyFrom(details.status.end_time)
        trace.outputs.output_uri = last
        return Found(action, last.removesuffix("/outputs.pb"), trace, details)
