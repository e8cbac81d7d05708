"""A node whose attempts are used up: its code, its words."""

from __future__ import annotations

import pytest
from flyteidl2.common import phase_pb2
from flyteidl2.workflow import run_definition_pb2

from flyte_bridge_translators.wire import exhausted, go_duration


def _action(code: str, message: str, attempts: int, phase: phase_pb2.ActionPhase) -> run_definition_pb2.ActionDetails:
    action = run_definition_pb2.ActionDetails()
    action.status.phase = phase
    action.error_info.code, action.error_info.message = code, message
    for number in range(attempts):
        action.attempts.add(attempt=number + 1)
    return action


def test_what_another_attempt_might_have_mended() -> None:
    """The code and the words say that there is none; any other failure is told as it is."""
    action = _action("USER:Recoverable", "again", 2, phase_pb2.ACTION_PHASE_FAILED)
    told = exhausted.of_action(action)
    assert told.code == "RetriesExhausted|USER:Recoverable"
    assert told.message == "[2/2] currentAttempt done. Last Error: USER::again"
    plain = _action("USER:RuntimeError", "no", 1, phase_pb2.ACTION_PHASE_FAILED)
    assert exhausted.of_action(plain) == plain.error_info
    final = _action("RetriesExhausted|X", "[3/3] currentAttempt done.", 1, phase_pb2.ACTION_PHASE_FAILED)
    assert exhausted.of_action(final) == final.error_info


@pytest.mark.parametrize("code", ["MAX_RUNTIME_EXCEEDED", ""])
def test_a_time_out_has_propellers_words(code: str) -> None:
    """Also where the backend gives neither code nor words."""
    action = _action(code, "", 1, phase_pb2.ACTION_PHASE_TIMED_OUT)
    action.task.task_template.metadata.timeout.FromSeconds(90)
    told = exhausted.of_action(action)
    assert told.code == "RetriesExhausted|TimeoutExpired"
    assert told.message == "[1/1] currentAttempt done. Last Error: USER::task execution timeout [1m30s] expired"


@pytest.mark.parametrize(
    ("nanoseconds", "text"),
    [(0, "0s"), (1_500_000, "1.5ms"), (4 * 10**9, "4s"), (3600 * 10**9, "1h0m0s"), (-90 * 10**9, "-1m30s")],
)
def test_a_duration_reads_as_in_go(nanoseconds: int, text: str) -> None:
    """`time.Duration.String`."""
    assert go_duration.text(nanoseconds) == text
