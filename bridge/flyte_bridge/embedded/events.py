"""What the log says, and how an action's state follows from it.

The log is the truth: `fold` over an action's entries gives its record, and the row in `actions` is only that fold, kept
so that lists need not replay. The rule that matters: **the first terminal phase is final**. (The real backend lets an
abort overwrite a success, because its guard compares phase numbers.)
"""

from __future__ import annotations

import base64
import dataclasses
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flyte_bridge.backend.keys import ActionKey, TaskKey, TriggerKey
from flyte_bridge.backend.moments import Micros
from flyte_bridge.backend.phases import Phase
from flyte_bridge.embedded.model import ActionRecord, ActionType, EventKind, LogEntry

if TYPE_CHECKING:
    from collections.abc import Iterable

    from flyteidl2.core import catalog_pb2


@dataclass(frozen=True)
class StatusChange:
    """What one STATUS entry changes; None leaves a field as it is.

    Attributes:
        phase: The phase from now on.
        started_at: When work began; the first one given is kept.
        ended_at: When it ended; taken from the entry's time if a terminal phase names none.
        error, abort, signal: Serialized messages, as in `ActionRecord`.
    """

    phase: Phase
    started_at: Micros | None = None
    ended_at: Micros | None = None
    attempts: int | None = None
    cache_status: catalog_pb2.CatalogCacheStatus | None = None
    error: bytes | None = None
    abort: bytes | None = None
    signal: bytes | None = None
    output_uri: str | None = None
    report_uri: str | None = None
    recovered_from: str | None = None


def fold(record: ActionRecord, seq: int, at: Micros, change: StatusChange) -> ActionRecord:
    """The record after one change. One that has ended keeps phase and times; results reported late are added."""
    news: dict[str, Any] = {
        name: value
        for name in (
            "attempts",
            "cache_status",
            "error",
            "abort",
            "signal",
            "output_uri",
            "report_uri",
            "recovered_from",
        )
        if (value := getattr(change, name)) is not None
    }
    if record.phase.terminal:
        return dataclasses.replace(record, version=seq, updated_at=at, **news)
    started_at = record.started_at if record.started_at is not None else change.started_at
    ended_at = (change.ended_at or at) if change.phase.terminal else None
    return dataclasses.replace(
        record, phase=change.phase, version=seq, updated_at=at, started_at=started_at, ended_at=ended_at, **news
    )


def replay(entries: Iterable[LogEntry]) -> ActionRecord:
    """The record that an action's entries, oldest first, add up to.

    Raises:
        ValueError: The log does not begin with the action's creation.
    """
    record: ActionRecord | None = None
    for entry in entries:
        if entry.kind is EventKind.CREATED:
            record = created(entry)
        elif record is None:
            raise ValueError(f"log entry {entry.seq} is about an action whose creation is missing")
        elif entry.kind is EventKind.STATUS:
            record = fold(record, entry.seq, entry.at, load_change(entry.body))
    if record is None:
        raise ValueError("an empty log makes no action")
    return record


# -- bodies -----------------------------------------------------------------------------------------------------------


def dump_record(record: ActionRecord) -> bytes:
    """The body of a CREATED entry."""
    # not dataclasses.asdict: it copies deeply, which is half the price of adding an action
    nested = {name: vars(value) if value else None for name in _NESTED if (value := getattr(record, name)) or True}
    return _dump(vars(record) | nested)


def created(entry: LogEntry) -> ActionRecord:
    """The record a CREATED entry tells of."""
    fields = _load(entry.body)
    fields |= {
        "id": entry.action_id,
        "version": entry.seq,
        "key": ActionKey(**fields["key"]),
        "phase": Phase(fields["phase"]),
        "type": ActionType(fields["type"]),
        "task": TaskKey(**fields["task"]) if fields["task"] else None,
        "trigger": TriggerKey(**fields["trigger"]) if fields["trigger"] else None,
    }
    return ActionRecord(**fields)


_NESTED = ("key", "task", "trigger")


def dump_change(change: StatusChange) -> bytes:
    """The body of a STATUS entry."""
    return _dump({name: value for name, value in vars(change).items() if value is not None})


def load_change(body: bytes) -> StatusChange:
    """The change a STATUS entry tells of."""
    fields = _load(body)
    return StatusChange(**fields | {"phase": Phase(fields["phase"])})


def _dump(fields: dict[str, Any]) -> bytes:
    return json.dumps(fields, default=_bytes, separators=(",", ":")).encode()


def _bytes(value: object) -> dict[str, str]:
    if isinstance(value, bytes):
        return {"b64": base64.b64encode(value).decode()}
    raise TypeError(f"{type(value).__name__} cannot be logged")


def _load(body: bytes) -> dict[str, Any]:
    fields: dict[str, Any] = json.loads(body)
    for name, value in fields.items():
        if isinstance(value, dict) and set(value) == {"b64"}:
            fields[name] = base64.b64decode(value["b64"])
    return fields
