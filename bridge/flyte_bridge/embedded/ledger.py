"""Actions and their log: every change is an entry, and the row follows from it in the same transaction."""

from __future__ import annotations

import dataclasses
import hashlib
from typing import TYPE_CHECKING, Any

from flyte_bridge.backend.keys import ActionKey, RunKey, TaskKey, TriggerKey
from flyte_bridge.backend.phases import Phase
from flyte_bridge.embedded import events
from flyte_bridge.embedded.model import ActionRecord, ActionType, EventKind, LogEntry

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from flyte_bridge.embedded.store import Store
    from flyte_bridge.embedded.watch import Hub

_PLAIN = (
    "id", "parent", "version", "created_at", "updated_at", "started_at", "ended_at", "attempts", "cache_status",
    "subject", "source", "trigger_revision", "trigger_type", "task_type", "short_name", "function_name", "environment",
    "cache_key", "input_uri", "run_output_base", "output_uri", "report_uri", "spec_digest", "spec", "run_spec",
    "error", "abort", "signal", "recovered_from",
)  # fmt: skip
"""Columns that hold a field of the record under its own name."""

COLUMNS = (
    *_PLAIN, "project", "domain", "run_name", "name", "action_group", "type", "phase", "duration_ms",
    "trigger_task_name", "trigger_name", "task_project", "task_domain", "task_name", "task_version",
)  # fmt: skip

_CHANGING = (
    "version", "phase", "updated_at", "started_at", "ended_at", "duration_ms", "attempts", "cache_status", "error",
    "abort",
    "signal", "output_uri", "report_uri", "recovered_from",
)  # fmt: skip
"""Columns that a STATUS entry can change."""

_SELECT = "SELECT a.* FROM actions a"
_INSERT = f"INSERT INTO actions ({', '.join(COLUMNS)}) VALUES ({', '.join(f':{c}' for c in COLUMNS)})"
_UPDATE = f"UPDATE actions SET {', '.join(f'{c} = :{c}' for c in _CHANGING)} WHERE id = :id"
_LOG = "INSERT INTO log (action_id, kind, at, attempt, phase, body) VALUES (?, ?, ?, ?, ?, ?)"
_SUBTREE = """
WITH RECURSIVE tree (name) AS (
  VALUES (:name)
  UNION SELECT a.name FROM actions a JOIN tree ON a.parent = tree.name
  WHERE a.project = :project AND a.domain = :domain AND a.run_name = :run
)
SELECT a.* FROM actions a JOIN tree ON a.name = tree.name
WHERE a.project = :project AND a.domain = :domain AND a.run_name = :run ORDER BY a.id
"""


class ActionExists(Exception):
    """Raised when an action of that name is there already.

    Attributes:
        record: The one that is there.
    """

    def __init__(self, record: ActionRecord) -> None:
        super().__init__(f"action {record.key} exists already")
        self.record = record


class Ledger:
    """Reads and writes actions.

    Attributes:
        store: Where they lie.
        hub: Who is told once a change is committed.
    """

    def __init__(self, store: Store, hub: Hub) -> None:
        self.store = store
        self.hub = hub

    # -- writing ------------------------------------------------------------------------------------------------------

    def create(
        self, record: ActionRecord, *, task_spec: bytes = b"", labels: Mapping[str, str] | None = None
    ) -> ActionRecord:
        """Adds an action.

        Args:
            record: As it begins; `id`, `version` and `spec_digest` are the store's to fill.
            task_spec: Serialized `task.TaskSpec`, stored once however many actions share it.
            labels: A run's labels, for filters.

        Raises:
            ActionExists: One of that name is there; nothing was changed.
        """
        with self.store.transaction():
            there = self.find(record.key)
            if there is not None:
                raise ActionExists(there)
            digest = self.keep_spec(task_spec) if task_spec else b""
            record = dataclasses.replace(record, id=self._next_id(), spec_digest=digest)
            self.store.run(_INSERT, _row(record))
            seq = self._log(record, EventKind.CREATED, record.created_at, record.attempts, events.dump_record(record))
            record = dataclasses.replace(record, version=seq)
            self.store.run("UPDATE actions SET version = ? WHERE id = ?", (seq, record.id))
            for key, value in (labels or {}).items():
                self.store.run("INSERT INTO run_labels VALUES (?, ?, ?)", (record.id, key, value))
            self.store.after_commit(lambda: self.hub.publish(record))
        return record

    def change(self, key: ActionKey, change: events.StatusChange) -> ActionRecord | None:
        """Writes down what happened to an action.

        Returns:
            The action after it; None if it is not there or was at its end already (then nothing is written).
        """
        with self.store.transaction():
            record = self.find(key)
            if record is None or record.phase.terminal:
                return None
            return self._change(record, change)

    def amend(self, record: ActionRecord, change: events.StatusChange) -> None:
        """Adds results to an action, also to one that has ended; its phase and times stay."""
        with self.store.transaction():
            self._change(record, change)

    def change_all(self, records: Iterable[ActionRecord], change: events.StatusChange) -> list[ActionRecord]:
        """Writes the same change to each of them that is still open, in one transaction.

        `records` must have been read in the same turn of the event loop.
        """
        with self.store.transaction():
            return [self._change(record, change) for record in records if not record.phase.terminal]

    def _change(self, record: ActionRecord, change: events.StatusChange) -> ActionRecord:
        at = self.store.clock.now()
        attempt = change.attempts or record.attempts
        seq = self._log(record, EventKind.STATUS, at, attempt, events.dump_change(change), change.phase)
        after = events.fold(record, seq, at, change)
        row = _row(after)
        self.store.run(_UPDATE, {name: row[name] for name in (*_CHANGING, "id")})
        self.store.after_commit(lambda: self.hub.publish(after))
        return after

    def overwrite(self, record: ActionRecord, change: events.StatusChange) -> None:
        """Writes a change to an action that has ended, which nothing of this backend's own does (`go_like`)."""
        with self.store.transaction():
            self._change(record, change)

    def set_aside(self, record: ActionRecord) -> None:
        """Gives an action another name, so that one of its own can be made anew: what the Go backend does when it has
        collected one (`go_like`)."""
        with self.store.transaction():
            aside = f"{record.key.name}~{record.id}"
            self.store.run("UPDATE actions SET name = ?, parent = '~' WHERE id = ?", (aside, record.id))

    def log_attempt(self, record: ActionRecord, attempt: int, phase: Phase, event: bytes) -> None:
        """Writes down what happened to one attempt.

        Args:
            record: The action.
            attempt: Counted from 1.
            phase: The attempt's phase from now on.
            event: Serialized `workflow.ActionEvent`.
        """
        with self.store.transaction():
            self._log(record, EventKind.ATTEMPT, self.store.clock.now(), attempt, event, phase)

    def _log(
        self, record: ActionRecord, kind: EventKind, at: int, attempt: int, body: bytes, phase: Phase | None = None
    ) -> int:
        phase = record.phase if phase is None else phase
        seq = self.store.run(_LOG, (record.id, kind, at, attempt, phase, body)).lastrowid
        assert seq is not None  # SQLite gives every insert a row id
        return seq

    def _next_id(self) -> int:
        return int(self.store.one("SELECT coalesce(max(id), 0) + 1 FROM actions")[0])

    def keep_spec(self, spec: bytes) -> bytes:
        """Stores a serialized `task.TaskSpec` once; returns its digest."""
        digest = hashlib.sha256(spec).digest()
        self.store.run("INSERT OR IGNORE INTO task_specs VALUES (?, ?)", (digest, spec))
        return digest

    # -- reading ------------------------------------------------------------------------------------------------------

    def find(self, key: ActionKey) -> ActionRecord | None:
        """An action by its name; None if there is none."""
        row = self.store.one(
            f"{_SELECT} WHERE project = ? AND domain = ? AND run_name = ? AND name = ?",
            (key.project, key.domain, key.run, key.name),
        )
        return load(row) if row else None

    def task_spec(self, record: ActionRecord) -> bytes:
        """The serialized `task.TaskSpec` of an action; empty where it has none."""
        if not record.spec_digest:
            return b""
        row = self.store.one("SELECT spec FROM task_specs WHERE digest = ?", (record.spec_digest,))
        return bytes(row[0]) if row else b""

    def children(self, key: ActionKey) -> list[ActionRecord]:
        """The direct children of an action, oldest first."""
        rows = self.store.all(
            f"{_SELECT} WHERE project = ? AND domain = ? AND run_name = ? AND parent = ? ORDER BY id",
            (key.project, key.domain, key.run, key.name),
        )
        return [load(row) for row in rows]

    def subtree(self, key: ActionKey) -> list[ActionRecord]:
        """An action and everything below it, oldest first."""
        values = {"project": key.project, "domain": key.domain, "run": key.run, "name": key.name}
        if key.is_root:  # a run is its whole tree: no need to walk
            rows = self.store.all(
                f"{_SELECT} WHERE project = :project AND domain = :domain AND run_name = :run ORDER BY id",
                _only(values),
            )
        else:
            rows = self.store.all(_SUBTREE, values)
        return [load(row) for row in rows]

    def open_actions(self) -> Iterator[ActionRecord]:
        """Every action that has not ended, oldest first: what a restart takes up again."""
        for row in self.store.all(f"{_SELECT} WHERE phase IN (0, 1, 2, 3, 4, 9) ORDER BY id"):
            yield load(row)

    def aborted_without_end(self) -> list[ActionRecord]:
        """Aborted actions with an attempt that the log has no end of: their process may run still."""
        return [
            load(row)
            for row in self.store.all(
                f"{_SELECT} WHERE phase = 7 AND type = 1 "
                "AND EXISTS (SELECT 1 FROM log l WHERE l.action_id = a.id AND l.kind = 2) "
                "AND NOT EXISTS (SELECT 1 FROM log l WHERE l.action_id = a.id AND l.kind = 2 "
                "AND l.attempt = a.attempts AND l.phase IN (5, 6, 7, 8, 10))"
            )
        ]

    def run_page(self, key: RunKey, after: int = 0, limit: int = 1000) -> list[ActionRecord]:
        """A run's actions in order of creation, a page at a time.

        Args:
            key: The run.
            after: The last `id` of the page before.
            limit: At most so many.
        """
        rows = self.store.all(
            f"{_SELECT} WHERE project = ? AND domain = ? AND run_name = ? AND id > ? ORDER BY id LIMIT ?",
            (key.project, key.domain, key.name, after, limit),
        )
        return [load(row) for row in rows]

    def rows(self, where: str, values: Sequence[Any]) -> list[sqlite3.Row]:
        """Rows by a condition of ours (`filters` makes it from a request); `a` names the table, `load` reads them."""
        return self.store.all(f"{_SELECT} {where}", values)

    @staticmethod
    def load(row: sqlite3.Row) -> ActionRecord:
        """A row as a record."""
        return load(row)

    def entries(self, record: ActionRecord, kind: EventKind | None = None) -> list[LogEntry]:
        """What the log says about an action, oldest first."""
        if kind is None:
            rows = self.store.all("SELECT * FROM log WHERE action_id = ? ORDER BY seq", (record.id,))
        else:
            rows = self.store.all("SELECT * FROM log WHERE action_id = ? AND kind = ? ORDER BY seq", (record.id, kind))
        return [
            LogEntry(
                r["seq"], r["action_id"], EventKind(r["kind"]), r["at"], r["attempt"], Phase(r["phase"]), r["body"]
            )
            for r in rows
        ]

    def labels(self, records: Sequence[ActionRecord]) -> dict[int, dict[str, str]]:
        """The labels of runs, by their record's id."""
        found: dict[int, dict[str, str]] = {record.id: {} for record in records}
        marks = ", ".join("?" * len(found))
        for row in self.store.all(f"SELECT * FROM run_labels WHERE action_id IN ({marks})", tuple(found)):
            found[row["action_id"]][row["key"]] = row["value"]
        return found


def _only(values: dict[str, str]) -> Any:
    """The values without the name: Python 3.12 warns of parameters a statement does not use."""
    return {name: value for name, value in values.items() if name != "name"}


def _row(record: ActionRecord) -> Any:
    row: dict[str, Any] = {name: getattr(record, name) for name in _PLAIN}
    key, task, trigger = record.key, record.task, record.trigger
    row |= {
        "project": key.project, "domain": key.domain, "run_name": key.run, "name": key.name,
        "action_group": record.group, "type": int(record.type), "phase": int(record.phase),
        "duration_ms": record.duration_ms,
        "trigger_task_name": trigger.task_name if trigger else None, "trigger_name": trigger.name if trigger else None,
        "task_project": task.project if task else None, "task_domain": task.domain if task else None,
        "task_name": task.name if task else None, "task_version": task.version if task else None,
    }  # fmt: skip
    return row


def load(row: sqlite3.Row) -> ActionRecord:
    """A row of `actions` as a record."""
    fields: dict[str, Any] = {name: row[name] for name in _PLAIN}
    key = ActionKey(row["project"], row["domain"], row["run_name"], row["name"])
    trigger = row["trigger_name"]
    return ActionRecord(
        **fields,
        key=key,
        group=row["action_group"],
        type=ActionType(row["type"]),
        phase=Phase(row["phase"]),
        trigger=None if trigger is None else TriggerKey(key.project, key.domain, row["trigger_task_name"], trigger),
        task=None
        if row["task_name"] is None
        else TaskKey(row["task_project"], row["task_domain"], row["task_name"], row["task_version"]),
    )
