"""How flytepropeller tells of a node whose attempts are used up (`nodes/executor.go`, `execute`, 1.16).

A failure that another attempt might have mended, and a time-out, are not the node's own end: they get a code and words in
front when the last attempt had them. Flyte 2 tells of the last attempt's failure alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flyteidl2.common import phase_pb2
from flyteidl2.workflow import run_definition_pb2

from flyte_bridge_translators.wire import go_duration

if TYPE_CHECKING:
    from collections.abc import Mapping

RETRIES = "RetriesExhausted|"
"""In front of the last attempt's code."""

TIMED_OUT = f"{RETRIES}TimeoutExpired"

RECOVERABLE = "USER:Recoverable"
"""flytekit's code of an error that another attempt may mend."""

CODES: Mapping[str, str] = {
    "MAX_RUNTIME_EXCEEDED": TIMED_OUT,
    "TimedOut": TIMED_OUT,
    "DEADLINE_EXCEEDED": "Timeout",
    "ConditionTimedOut": TIMED_OUT,
    RECOVERABLE: RETRIES + RECOVERABLE,
}
"""Flyte 2's codes in Flyte 1's words; the others are the task's own."""


def message(said: str, attempts: int, kind: str = "USER") -> str:
    """What a node says whose last attempt failed.

    Args:
        said: The last attempt's message.
        attempts: How many there were, and could be.
        kind: `USER` or `SYSTEM`.
    """
    return f"[{attempts}/{attempts}] currentAttempt done. Last Error: {kind}::{said}"


def time_out(seconds: float, attempts: int = 1) -> str:
    """What a node says whose last attempt took too long.

    Args:
        seconds: How long it might have taken.
        attempts: How many there were.
    """
    return message(f"task execution timeout [{go_duration.of_seconds(seconds)}] expired", attempts)


def dated(error: run_definition_pb2.ErrorInfo) -> bool:
    """Whether Flyte 1 tells when an error came about: it does of what a task's own `error.pb` says, not an array's.

    Args:
        error: As a node or an execution tells it. flytekit's codes are a kind and a class, an array's message begins with
            the element's index.
    """
    return error.code.startswith(("USER:", "SYSTEM:")) and not error.message.startswith("[")


def of_action(action: run_definition_pb2.ActionDetails, seconds: float = 0.0) -> run_definition_pb2.ErrorInfo:
    """An action's error as its node tells it.

    Args:
        action: That has failed.
        seconds: How long it might have taken, if it is no task that says so itself.
    """
    error, attempts = action.error_info, max(1, len(action.attempts))
    limit = action.task.task_template.metadata.timeout.ToNanoseconds() / 1e9 or seconds
    code = CODES.get(error.code, error.code)
    if action.status.phase == phase_pb2.ACTION_PHASE_TIMED_OUT and not error.code:
        code = TIMED_OUT
    result = run_definition_pb2.ErrorInfo()
    result.CopyFrom(error)
    result.code = code
    if code == TIMED_OUT and limit:
        result.message, result.kind = time_out(limit, attempts), run_definition_pb2.ErrorInfo.KIND_USER
    elif code.startswith(RETRIES) and not error.code.startswith(RETRIES):
        system = error.kind == run_definition_pb2.ErrorInfo.KIND_SYSTEM
        result.message = message(error.message, attempts, "SYSTEM" if system else "USER")
    return result
