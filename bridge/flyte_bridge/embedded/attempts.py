"""Attempts: entries of the log → `workflow.ActionAttempt`.

The body of an ATTEMPT entry is a `workflow.ActionEvent`, the same message InternalRunService takes from outside, so an
imported history and one of our own read alike. Unlike the real backend, which keeps the error of the last attempt only,
each attempt has its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flyteidl2.workflow import run_definition_pb2 as pb

from flyte_bridge.backend.phases import Phase

if TYPE_CHECKING:
    from collections.abc import Iterable

    from flyte_bridge.embedded.model import LogEntry


def fold(entries: Iterable[LogEntry]) -> list[pb.ActionAttempt]:
    """The attempts that ATTEMPT entries, oldest first, tell of; the first terminal phase of each is final."""
    attempts: dict[int, pb.ActionAttempt] = {}
    for entry in entries:
        event = pb.ActionEvent.FromString(entry.body)
        attempt = attempts.get(entry.attempt)
        if attempt is None:
            attempt = attempts[entry.attempt] = pb.ActionAttempt(attempt=entry.attempt)
        if not Phase(attempt.phase).terminal:
            _add(attempt, event)
    return [attempts[number] for number in sorted(attempts)]


def _add(attempt: pb.ActionAttempt, event: pb.ActionEvent) -> None:
    moved = attempt.phase != event.phase
    attempt.phase = event.phase
    at = event.updated_time if event.HasField("updated_time") else event.reported_time
    if event.HasField("start_time") and not attempt.HasField("start_time"):
        attempt.start_time.CopyFrom(event.start_time)
    elif not attempt.HasField("start_time"):
        attempt.start_time.CopyFrom(at)
    if Phase(event.phase).terminal:
        attempt.end_time.CopyFrom(event.end_time if event.HasField("end_time") else at)
    if moved:
        if attempt.phase_transitions:
            attempt.phase_transitions[-1].end_time.CopyFrom(at)
        attempt.phase_transitions.add(phase=event.phase, start_time=at)
        if Phase(event.phase).terminal:
            attempt.phase_transitions[-1].end_time.CopyFrom(attempt.end_time)
    for name in ("error_info", "outputs", "log_context", "cache_metadata"):
        if event.HasField(name):
            getattr(attempt, name).CopyFrom(getattr(event, name))
    if event.log_info:
        del attempt.log_info[:]
        attempt.log_info.extend(event.log_info)
    if event.cluster:
        attempt.cluster = event.cluster
    if event.cache_status:
        attempt.cache_status = event.cache_status
    attempt.cluster_events.extend(event.cluster_events)
    attempt.logs_available = attempt.logs_available or bool(event.log_info)
