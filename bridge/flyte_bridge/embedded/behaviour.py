"""What a Flyte 2 may do one way or another with what it runs, in one record: this backend's own way.

`go_like.behaviour` has the way of the open-source Go backend, for tests: who is right with both is right anywhere.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flyteidl2.core import tasks_pb2

    from flyte_bridge.backend.phases import Phase
    from flyte_bridge.embedded.executor import AttemptJob, AttemptOutcome
    from flyte_bridge.embedded.inputs import Objects
    from flyte_bridge.embedded.ledger import Ledger
    from flyte_bridge.embedded.model import ActionRecord


class Behaviour:
    """The embedded backend's own way.

    Attributes:
        tells_driver: Whether the driver is told that it runs on the embedded backend.
    """

    tells_driver = True

    def metadata(self, metadata: tasks_pb2.TaskMetadata) -> tasks_pb2.TaskMetadata:
        """What counts of a task's metadata."""
        return metadata

    def trace_phase(self, phase: Phase) -> Phase:
        """The phase that a trace gets that has ended so."""
        return phase

    def begins(self, root: ActionRecord, ledger: Ledger) -> bool:
        """Whether a run is ever started."""
        return True

    def restart_after(self, job: AttemptJob, outcome: AttemptOutcome, objects: Objects) -> float | None:
        """Seconds after which a process that has ended is started anew in the same attempt; None for not at all."""
        return None

    def outcome(self, job: AttemptJob, outcome: AttemptOutcome, objects: Objects, *, declares: bool) -> AttemptOutcome:
        """How an attempt counts as ended.

        Args:
            job: The attempt.
            outcome: As its process has left it.
            objects: Where its results lie.
            declares: Whether its task declares outputs.
        """
        return outcome
