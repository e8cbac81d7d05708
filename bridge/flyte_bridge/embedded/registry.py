"""What is registered rather than run: projects and tasks."""

from __future__ import annotations

import dataclasses
import json
import sqlite3
from typing import TYPE_CHECKING, Any

from flyte_bridge.backend.keys import TaskKey
from flyte_bridge.embedded.faults import AlreadyExists, NotFound
from flyte_bridge.embedded.model import ProjectRecord, TaskRecord

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flyte_bridge.embedded.ledger import Ledger
    from flyte_bridge.embedded.store import Store

DOMAINS = (("development", "Development"), ("staging", "Staging"), ("production", "Production"))
"""The domains every project has: (id, display name). Static configuration in the real backend too."""

DEFAULT_PROJECT = "flytesnacks"
"""The project a fresh data directory has, as Flyte's own demo cluster does."""


class Projects:
    """The projects."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def seed(self) -> None:
        """Makes the default project in an empty store."""
        if self._store.one("SELECT 1 FROM projects LIMIT 1") is None:
            self.create(ProjectRecord(DEFAULT_PROJECT, DEFAULT_PROJECT, "Made with the data directory."))

    def create(self, project: ProjectRecord) -> None:
        """Adds a project.

        Raises:
            AlreadyExists: There is one of that id.
        """
        now = self._store.clock.now()
        try:
            self._store.run(
                "INSERT INTO projects VALUES (?, ?, ?, ?, ?, ?, ?)",
                (
                    project.id, project.name, project.description, json.dumps(project.labels), project.state, now, now,
                ),
            )  # fmt: skip
        except sqlite3.IntegrityError:
            raise AlreadyExists(f"project {project.id} exists already; update it instead") from None

    def update(self, project: ProjectRecord) -> None:
        """Overwrites name, description, labels and state.

        Raises:
            NotFound: There is no project of that id.
        """
        done = self._store.run(
            "UPDATE projects SET name = ?, description = ?, labels = ?, state = ?, updated_at = ? WHERE id = ?",
            (
                project.name,
                project.description,
                json.dumps(project.labels),
                project.state,
                self._store.clock.now(),
                project.id,
            ),
        )
        if not done.rowcount:
            raise NotFound(f"project {project.id} does not exist")

    def get(self, project_id: str) -> ProjectRecord:
        """One project.

        Raises:
            NotFound: There is none of that id.
        """
        row = self._store.one("SELECT * FROM projects WHERE id = ?", (project_id,))
        if row is None:
            raise NotFound(
                f"project {project_id!r} does not exist; create it (`flyte create project --id {project_id} …`) "
                "or name another (`flyte get project` lists them)"
            )
        return _project(row)

    def select(self, rest: str, values: Sequence[Any]) -> list[ProjectRecord]:
        """Projects by a condition of ours."""
        return [_project(row) for row in self._store.all(f"SELECT * FROM projects p {rest}", values)]


def _project(row: sqlite3.Row) -> ProjectRecord:
    return ProjectRecord(
        row["id"],
        row["name"],
        row["description"],
        json.loads(row["labels"]),
        row["state"],
        row["created_at"],
        row["updated_at"],
    )


_TASK = """
SELECT t.*, s.spec AS spec FROM tasks t JOIN task_specs s ON s.digest = t.spec_digest
"""


class Tasks:
    """The deployed tasks; a version can be deployed again and then is replaced, as on the real backend."""

    def __init__(self, store: Store, ledger: Ledger) -> None:
        self._store = store
        self._ledger = ledger

    def deploy(self, task: TaskRecord) -> None:
        """Adds a version, or replaces it."""
        fields = dataclasses.asdict(task)
        key = task.key
        with self._store.transaction():
            digest = self._ledger.keep_spec(task.spec)
            self._store.run(
                """
                INSERT INTO tasks (project, domain, name, version, spec_digest, short_name, environment, function_name,
                  env_description, short_description, deployed_by, is_entrypoint, created_at, updated_at)
                VALUES (:project, :domain, :name, :version, :digest, :short_name, :environment, :function_name,
                  :env_description, :short_description, :deployed_by, :is_entrypoint, :now, :now)
                ON CONFLICT (project, domain, name, version) DO UPDATE SET
                  spec_digest = excluded.spec_digest, short_name = excluded.short_name,
                  environment = excluded.environment, function_name = excluded.function_name,
                  env_description = excluded.env_description, short_description = excluded.short_description,
                  deployed_by = excluded.deployed_by, is_entrypoint = excluded.is_entrypoint,
                  updated_at = excluded.updated_at
                """,
                {
                    "project": key.project, "domain": key.domain, "name": key.name, "version": key.version,
                    "digest": digest, "now": self._store.clock.now(),
                    **{
                        name: fields[name]
                        for name in (
                            "short_name", "environment", "function_name", "env_description", "short_description",
                            "deployed_by", "is_entrypoint",
                        )
                    },
                },
            )  # fmt: skip

    def get(self, key: TaskKey) -> TaskRecord:
        """One version.

        Raises:
            NotFound: It is not deployed.
        """
        row = self._store.one(
            f"{_TASK} WHERE t.project = ? AND t.domain = ? AND t.name = ? AND t.version = ?",
            (key.project, key.domain, key.name, key.version),
        )
        if row is None:
            raise NotFound(f"task {key} is not deployed; `flyte get task` lists what is")
        return _task(row)

    def latest(self, project: str, domain: str, name: str) -> TaskRecord | None:
        """The version deployed last; None if there is none."""
        row = self._store.one(
            f"{_TASK} WHERE t.project = ? AND t.domain = ? AND t.name = ? "
            "ORDER BY t.created_at DESC, t.id DESC LIMIT 1",
            (project, domain, name),
        )
        return _task(row) if row else None

    def rows(self, extra: str, rest: str, values: Sequence[Any]) -> list[sqlite3.Row]:
        """Rows by a condition of ours, with more columns; `t` names the table; `load` reads the rows.

        Their specs are left out: a list tells of none, and a page of large ones would be tens of megabytes.
        """
        return self._store.all(f"SELECT t.*, x'' AS spec, {extra} FROM tasks t {rest}", values)

    @staticmethod
    def load(row: sqlite3.Row) -> TaskRecord:
        """A row as a record."""
        return _task(row)

    def count(self, rest: str, values: Sequence[Any]) -> int:
        """How many tasks a condition of ours holds for."""
        return int(self._store.one(f"SELECT count(*) FROM tasks t {rest}", values)[0])

    def names(self, scope: Sequence[str]) -> int:
        """How many tasks there are, whatever their versions: of a project and domain, or of all."""
        where = "WHERE project = ? AND domain = ?" if scope else ""
        names = f"SELECT DISTINCT project, domain, name FROM tasks {where}"
        return int(self._store.one(f"SELECT count(*) FROM ({names})", scope)[0])


def _task(row: sqlite3.Row) -> TaskRecord:
    return TaskRecord(
        key=TaskKey(row["project"], row["domain"], row["name"], row["version"]),
        spec=row["spec"],
        short_name=row["short_name"],
        environment=row["environment"],
        function_name=row["function_name"],
        env_description=row["env_description"],
        short_description=row["short_description"],
        deployed_by=row["deployed_by"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        is_entrypoint=bool(row["is_entrypoint"]),
    )
