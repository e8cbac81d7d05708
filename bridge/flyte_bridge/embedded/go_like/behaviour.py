"""What becomes of attempts, traces and runs, the Go backend's way."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from flyteidl2.core import execution_pb2, tasks_pb2

from flyte_bridge.backend.phases import Phase
from flyte_bridge.embedded.behaviour import Behaviour
from flyte_bridge.embedded.executor import AttemptEnding, AttemptFailure, AttemptJob, AttemptOutcome
from flyte_bridge.embedded.executor.result import CRASHES, MISSING

if TYPE_CHECKING:
    from flyte_bridge.embedded.go_like import GoLike
    from flyte_bridge.embedded.inputs import Objects
    from flyte_bridge.embedded.ledger import Ledger
    from flyte_bridge.embedded.model import ActionRecord


class GoBehaviour(Behaviour):
    """The Go backend's way."""

    tells_driver = False

    def __init__(self, like: GoLike) -> None:
        """Takes how much like it."""
        self._like = like

    def metadata(self, metadata: tasks_pb2.TaskMetadata) -> tasks_pb2.TaskMetadata:
        """Nobody reads a task's time-outs."""
        result = tasks_pb2.TaskMetadata()
        result.CopyFrom(metadata)
        result.ClearField("timeout")
        result.ClearField("timeouts")
        return result

    def trace_phase(self, phase: Phase) -> Phase:
        """Whatever it says."""
        return Phase.SUCCEEDED

    def begins(self, root: ActionRecord, ledger: Ledger) -> bool:
        """A custom resource is named by the run alone: while another has it, nothing begins."""
        key = root.key
        collected = root.created_at - int(self._like.forgets_after * 1e6)
        others = ledger.rows("WHERE run_name = ? AND name = ? AND id < ?", (key.run, key.name, root.id))
        return all((ledger.load(row).ended_at or root.created_at) < collected for row in others)

    def restart_after(self, job: AttemptJob, outcome: AttemptOutcome, objects: Objects) -> float | None:
        """What has crashed without a word is, again and again."""
        crashed = outcome.failure is not None and outcome.failure.code in CRASHES
        return self._like.restart_pause if crashed and not objects.exists(f"{job.output_prefix}/error.pb") else None

    def outcome(self, job: AttemptJob, outcome: AttemptOutcome, objects: Objects, *, declares: bool) -> AttemptOutcome:
        """Outputs have to be there; where they would be, and a report, is told in any case."""
        uri, there = f"{job.output_prefix}/outputs.pb", bool(outcome.outputs_uri)
        outcome = replace(outcome, outputs_uri=uri, report_uri=f"{job.output_prefix}/report.html")
        if outcome.ending is not AttemptEnding.SUCCEEDED:
            return outcome
        if declares and not there:
            failure = AttemptFailure(MISSING, f"failed to read {uri}: not found", system=True, recoverable=True)
            return replace(outcome, ending=AttemptEnding.FAILED, failure=failure)
        if there and not objects.read(uri):  # whether it should hold any or not
            objects.write(f"{job.output_prefix}/error.pb", _not_found(uri))
        return outcome


def _not_found(uri: str) -> bytes:
    document = execution_pb2.ErrorDocument()
    document.error.code, document.error.message = "OutputsNotFound", f"outputs not found at [{uri}]"
    document.error.origin = execution_pb2.ExecutionError.SYSTEM
    return bytes(document.SerializeToString())
