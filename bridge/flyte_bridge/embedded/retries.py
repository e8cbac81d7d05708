"""Whether an attempt that has failed is followed by another, and when."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flyteidl2.workflow import run_definition_pb2 as pb

from flyte_bridge.embedded import limits
from flyte_bridge.embedded.attempts import fold
from flyte_bridge.embedded.executor.result import SERVER_STOPPED
from flyte_bridge.embedded.model import EventKind

if TYPE_CHECKING:
    from flyteidl2.core import literals_pb2

    from flyte_bridge.backend.moments import Micros
    from flyte_bridge.embedded.executor import AttemptFailure
    from flyte_bridge.embedded.ledger import Ledger
    from flyte_bridge.embedded.model import ActionRecord

MAX_SYSTEM_FAILURES = 3
"""Attempts that may fail by the system's doing, without progress between them, before the action fails: the real backend's
default. A driver that is killed has lost nothing, so a long workflow may lose its process as often as it gets on."""


def goes_on(ledger: Ledger, record: ActionRecord, number: int, failure: AttemptFailure, retries: int) -> bool:
    """Tell whether a failed attempt is followed by another.

    Args:
        ledger: Knows the attempts before it.
        record: The action.
        number: The attempt.
        failure: Why it failed.
        retries: How often the task may be tried again for its own failures.
    """
    if failure.code == limits.DEADLINE:
        return False
    if failure.code == SERVER_STOPPED:
        return True
    before = fold(ledger.entries(record, EventKind.ATTEMPT))
    system = [
        attempt
        for attempt in before
        if attempt.attempt < number and attempt.error_info.kind == pb.ErrorInfo.KIND_SYSTEM
    ]
    if not failure.system:
        return failure.recoverable and number - len(system) <= retries
    progress = _progress(ledger, record)
    counted = [
        attempt
        for attempt in system
        if attempt.error_info.code != SERVER_STOPPED and micros(attempt.end_time) >= progress
    ]
    return failure.recoverable and len(counted) < MAX_SYSTEM_FAILURES


def begins_at(record: ActionRecord, retries: literals_pb2.RetryStrategy) -> Micros:
    """When a queued attempt may begin: `min(base * factor**n, cap)` before retry n, from 0, since the last end."""
    n = record.attempts - 2
    if n < 0 or not retries.HasField("backoff"):
        return 0
    backoff = retries.backoff
    cap = limits.micros(backoff.cap) if backoff.HasField("cap") else None
    try:
        delay = limits.micros(backoff.base) * (backoff.factor or 1.0) ** n
    except OverflowError:
        delay = float(cap or 0)
    return record.updated_at + int(min(delay, cap) if cap is not None else delay)


def micros(timestamp: Any) -> Micros:
    """A protobuf timestamp in microseconds since 1970."""
    return int(timestamp.seconds) * 1_000_000 + int(timestamp.nanos) // 1000


def _progress(ledger: Ledger, record: ActionRecord) -> Micros:
    """When a child last began or ended, which the next attempt need not do again; 0 if none ever did."""
    return max((child.ended_at or child.created_at for child in ledger.children(record.key)), default=0)
