"""Triggers and their revisions, kept in the store.

One row per trigger as it stands, and one immutable row per change (deploy, activate, deactivate, delete), as the real
backend has it. Deleted triggers keep their row, so that a trigger deployed again goes on counting revisions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from flyteidl2.trigger import trigger_definition_pb2 as definition

from flyte_bridge.backend.keys import TriggerKey
from flyte_bridge.embedded.faults import NotFound, NotNow
from flyte_bridge.embedded.model import TriggerRecord

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Sequence
    from typing import Any

    from flyte_bridge.backend.moments import Micros
    from flyte_bridge.embedded.filters import Query
    from flyte_bridge.embedded.store import Store

_KEY = "project = :project AND domain = :domain AND task_name = :task_name AND name = :name"
_SHARED = (
    "project", "domain", "task_name", "name", "revision", "active", "task_version", "automation_type", "spec",
    "automation", "description", "deployed_at", "updated_at", "triggered_at", "deleted_at",
)  # fmt: skip

SCHEDULED = "TYPE_SCHEDULE"
"""`automation_type` of a trigger with a schedule; the name is `TriggerAutomationSpecType`'s, which lists filter by."""


@dataclass(frozen=True)
class Deployment:
    """What a trigger is deployed with.

    Attributes:
        spec: Serialized `trigger.TriggerSpec`.
        automation: Serialized `task.TriggerAutomationSpec`.
        automation_type: Name of its `TriggerAutomationSpecType`.
    """

    key: TriggerKey
    active: bool
    task_version: str
    spec: bytes
    automation: bytes
    automation_type: str
    description: str


@dataclass(frozen=True)
class Revision:
    """One change of a trigger: what it was afterwards, which change, when."""

    trigger: TriggerRecord
    action: definition.TriggerRevisionAction
    created_at: Micros


class TriggerRepository:
    """Reads and writes triggers; each change is one transaction (or joins the one that is open)."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def deploy(self, deployment: Deployment, expected_revision: int = 0) -> TriggerRecord:
        """Add a trigger or replace it.

        Args:
            deployment: The trigger.
            expected_revision: The revision it must stand at; 0 takes any.

        Raises:
            NotNow: It stands at another revision.
        """
        with self._store.transaction():
            now = self._store.clock.now()
            before = self._row(deployment.key)
            if expected_revision and (before is None or before["revision"] != expected_revision):
                stands = "there is none" if before is None else f"it stands at {before['revision']}"
                raise NotNow(
                    f"trigger {deployment.key}: revision {expected_revision} is expected, but {stands}; "
                    "get it again and repeat the change"
                )
            alive = before is not None and before["deleted_at"] is None
            toggled = not alive or bool(before["active"]) != deployment.active
            rescheduled = toggled or before["automation"] != deployment.automation
            values = {
                **_named(deployment.key),
                "revision": before["revision"] + 1 if before is not None else 1,
                "active": deployment.active,
                "task_version": deployment.task_version,
                "automation_type": deployment.automation_type,
                "spec": deployment.spec,
                "automation": deployment.automation,
                "description": deployment.description,
                "deployed_at": now,
                "updated_at": now if toggled else before["updated_at"],
                "triggered_at": before["triggered_at"] if before is not None else None,
                "deleted_at": None,
                "counts_from": now if rescheduled else before["counts_from"],
                "last_fire": before["last_fire"] if before is not None else None,
                "last_error": "",
            }
            self._store.run(
                f"INSERT OR REPLACE INTO triggers ({', '.join(values)}) VALUES ({', '.join(f':{n}' for n in values)})",
                values,
            )
            return self._remember(deployment.key, definition.TRIGGER_REVISION_ACTION_DEPLOY, now)

    def replace_for_task(self, project: str, domain: str, task_name: str, deployments: Sequence[Deployment]) -> None:
        """Deploy the triggers a task was deployed with; others of the task are deleted, but only if there is any.

        A task deployed without triggers keeps those it has, as on the real backend: they may have been made apart.
        """
        if not deployments:
            return
        with self._store.transaction():
            names = {deployment.key.name for deployment in deployments}
            rows = self._store.all(
                "SELECT name FROM triggers WHERE project = ? AND domain = ? AND task_name = ? AND deleted_at IS NULL",
                (project, domain, task_name),
            )
            self.delete(TriggerKey(project, domain, task_name, row["name"]) for row in rows if row["name"] not in names)
            for deployment in deployments:
                self.deploy(deployment)

    def get(self, key: TriggerKey) -> TriggerRecord:
        """A trigger; without a task name the one of that name in the domain.

        Raises:
            NotFound: There is none.
            NotNow: Several tasks have one of that name.
        """
        condition = _KEY if key.task_name else "project = :project AND domain = :domain AND name = :name"
        values = _named(key)
        if not key.task_name:
            del values["task_name"]
        rows = self._store.all(f"SELECT * FROM triggers WHERE {condition} AND deleted_at IS NULL LIMIT 2", values)
        if not rows:
            raise NotFound(f"trigger {key} does not exist; `flyte get trigger` lists those that do")
        if len(rows) > 1:
            raise NotNow(f"several tasks have a trigger named {key.name!r}; name the task too")
        return _record(rows[0])

    def revision(self, key: TriggerKey, revision: int) -> TriggerRecord:
        """A trigger as it was.

        Raises:
            NotFound: It had no such revision.
        """
        row = self._store.one(
            f"SELECT * FROM trigger_revisions WHERE {_KEY} AND revision = :revision",
            {**_named(key), "revision": revision},
        )
        if row is None:
            raise NotFound(f"trigger {key} has no revision {revision}")
        return _record(row)

    def select(self, query: Query) -> list[TriggerRecord]:
        """Triggers that a list asks for, one more than its page holds."""
        tail, values = query.tail()
        return [_record(row) for row in self._store.all(f"SELECT * FROM triggers {tail}", values)]

    def history(self, key: TriggerKey, limit: int, offset: int) -> list[Revision]:
        """A trigger's revisions, newest first."""
        rows = self._store.all(
            f"SELECT * FROM trigger_revisions WHERE {_KEY} ORDER BY revision DESC LIMIT :limit OFFSET :offset",
            {**_named(key), "limit": limit, "offset": offset},
        )
        return [Revision(_record(row), row["action"], row["created_at"]) for row in rows]

    def set_active(self, keys: Iterable[TriggerKey], active: bool) -> None:
        """Activate or deactivate; those that are in that state are left alone.

        Raises:
            NotFound: One does not exist; none is changed.
        """
        kind = definition.TRIGGER_REVISION_ACTION_ACTIVATE if active else definition.TRIGGER_REVISION_ACTION_DEACTIVATE
        with self._store.transaction():
            for key in keys:
                if self.get(key).active == active:
                    continue
                now = self._store.clock.now()
                self._store.run(
                    f"UPDATE triggers SET active = :active, updated_at = :now, counts_from = :now, last_error = '', "
                    f"revision = revision + 1 WHERE {_KEY}",
                    {**_named(key), "active": active, "now": now},
                )
                self._remember(key, kind, now)

    def delete(self, keys: Iterable[TriggerKey]) -> None:
        """Delete; those that are gone already are left alone."""
        with self._store.transaction():
            for key in keys:
                now = self._store.clock.now()
                done = self._store.run(
                    f"UPDATE triggers SET deleted_at = :now, active = 0, revision = revision + 1 "
                    f"WHERE {_KEY} AND deleted_at IS NULL",
                    {**_named(key), "now": now},
                )
                if done.rowcount:
                    self._remember(key, definition.TRIGGER_REVISION_ACTION_DELETE, now)

    def of_task(self, project: str, domain: str, task_name: str) -> list[TriggerRecord]:
        """A task's triggers, by name."""
        rows = self._store.all(
            "SELECT * FROM triggers WHERE project = ? AND domain = ? AND task_name = ? AND deleted_at IS NULL "
            "ORDER BY name",
            (project, domain, task_name),
        )
        return [_record(row) for row in rows]

    def scheduled(self) -> list[TriggerRecord]:
        """The triggers that fire by themselves."""
        rows = self._store.all(
            "SELECT * FROM triggers WHERE automation_type = ? AND active = 1 AND deleted_at IS NULL", (SCHEDULED,)
        )
        return [_record(row) for row in rows]

    def get_if_active(self, key: TriggerKey) -> TriggerRecord | None:
        """A trigger that fires by itself; `None` when it is deleted or inactive."""
        row = self._row(key)
        return _record(row) if row is not None and row["active"] and row["deleted_at"] is None else None

    def triggered(self, key: TriggerKey) -> None:
        """Note that a run was just started by the trigger, by its schedule or by hand."""
        self._store.run(
            f"UPDATE triggers SET triggered_at = :now WHERE {_KEY}", {**_named(key), "now": self._store.clock.now()}
        )

    def dealt_with(self, key: TriggerKey, fire_time: Micros, error: str = "") -> None:
        """Note that all fire times up to this one are dealt with, and what went wrong with the last."""
        self._store.run(
            f"UPDATE triggers SET last_fire = max(:at, coalesce(last_fire, 0)), last_error = :error WHERE {_KEY}",
            {**_named(key), "at": fire_time, "error": error},
        )

    def _row(self, key: TriggerKey) -> Any:
        return self._store.one(f"SELECT * FROM triggers WHERE {_KEY}", _named(key))

    def _remember(self, key: TriggerKey, action: definition.TriggerRevisionAction, now: Micros) -> TriggerRecord:
        columns = ", ".join(_SHARED)
        self._store.run(
            f"INSERT INTO trigger_revisions ({columns}, action, created_at) "
            f"SELECT {columns}, :action, :now FROM triggers WHERE {_KEY}",
            {**_named(key), "action": action, "now": now},
        )
        return _record(self._row(key))


def _named(key: TriggerKey) -> dict[str, Any]:
    return {"project": key.project, "domain": key.domain, "task_name": key.task_name, "name": key.name}


def _record(row: sqlite3.Row) -> TriggerRecord:
    own = row.keys()
    return TriggerRecord(
        key=TriggerKey(row["project"], row["domain"], row["task_name"], row["name"]),
        revision=row["revision"],
        active=bool(row["active"]),
        task_version=row["task_version"],
        spec=row["spec"],
        automation=row["automation"],
        description=row["description"],
        deployed_at=row["deployed_at"],
        updated_at=row["updated_at"],
        triggered_at=row["triggered_at"],
        deleted_at=row["deleted_at"],
        counts_from=row["counts_from"] if "counts_from" in own else 0,
        last_fire=row["last_fire"] if "last_fire" in own else None,
        last_error=row["last_error"] if "last_error" in own else "",
    )
