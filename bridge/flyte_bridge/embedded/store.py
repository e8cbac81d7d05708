"""The store: one SQLite database in WAL mode, opened by one process, written by one thread.

All state lives here; memory holds only who is watching and what is running. `synchronous=NORMAL` in WAL mode loses
nothing when the process is killed (the page cache is the kernel's), and a power cut loses at most the last moments,
never consistency.
"""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from flyte_bridge.embedded.clock import Clock, SystemClock
from flyte_bridge.embedded.migrations import MIGRATIONS
from flyte_bridge.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

_CHECKED_WHOLE = 64 * 1024 * 1024
"""Databases up to this size (bytes) are checked page by page when opened; a larger one would cost seconds."""


class Store:
    """A connection, its transactions, and what to do after they are committed.

    Attributes:
        path: The database file.
        clock: What stamps the entries.
    """

    def __init__(self, path: Path, clock: Clock | None = None) -> None:
        """Opens the database, brings its schema up to date and checks it.

        Args:
            path: The file; its directory must exist.
            clock: Defaults to the machine's.

        Raises:
            StoreError: The file is not a database, is damaged, was written by a newer version, or cannot be written.
        """
        self.path = path
        self.clock = clock or SystemClock()
        self._depth = 0
        self._after: list[Callable[[], None]] = []
        try:
            self._db = sqlite3.connect(path, isolation_level=None, cached_statements=256)
        except sqlite3.Error as error:
            raise StoreError(
                f"{path}: cannot open the database: {error}. Check the directory and its rights."
            ) from error
        self._db.row_factory = sqlite3.Row
        try:
            self._configure()
            self._migrate()
        except BaseException:
            self._db.close()
            raise

    def _configure(self) -> None:
        with self._guard("open"):
            self._db.execute("PRAGMA busy_timeout = 5000")
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = NORMAL")
            self._db.execute("PRAGMA foreign_keys = ON")
            self._db.execute("PRAGMA cache_size = -8192")  # KiB: idle memory is a promise
            self._db.execute("PRAGMA temp_store = MEMORY")
            if self.path.stat().st_size <= _CHECKED_WHOLE:
                verdict = self._db.execute("PRAGMA quick_check(1)").fetchone()[0]
                if verdict != "ok":
                    raise StoreError(
                        f"{self.path}: the database is damaged ({verdict}). Nothing was changed. "
                        "Restore a copy, or move the data directory away and start anew."
                    )

    def _migrate(self) -> None:
        have = self.one("PRAGMA user_version")[0]
        if have > len(MIGRATIONS):
            raise StoreError(
                f"{self.path}: written by a newer flyte-bridge (schema {have}, this one knows {len(MIGRATIONS)}). "
                "Upgrade flyte-bridge, or use another data directory."
            )
        for number, step in enumerate(MIGRATIONS[have:], start=have + 1):
            with self.transaction():
                # executescript would commit behind our back; statements end at lines' ends
                for statement in _statements(step.sql):
                    self.run(statement)
                self.run(f"PRAGMA user_version = {number}")

    def close(self) -> None:
        """Closes the database; the write-ahead log is folded into it."""
        self._db.close()

    # -- statements ---------------------------------------------------------------------------------------------------

    def run(self, sql: str, values: Sequence[Any] | Mapping[str, Any] = ()) -> sqlite3.Cursor:
        """Executes one statement.

        Raises:
            StoreError: The disk is full, the file is damaged or cannot be written.
            sqlite3.IntegrityError: A constraint says no.
        """
        with self._guard(sql):
            return self._db.execute(sql, values)

    def one(self, sql: str, values: Sequence[Any] | Mapping[str, Any] = ()) -> Any:
        """The first row, or None."""
        with self._guard(sql):
            return self._db.execute(sql, values).fetchone()

    def all(self, sql: str, values: Sequence[Any] | Mapping[str, Any] = ()) -> list[Any]:
        """All rows."""
        with self._guard(sql):
            return self._db.execute(sql, values).fetchall()

    # -- transactions -------------------------------------------------------------------------------------------------

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing. Nests: the outermost commits. Never await inside, the connection is shared.

        Raises:
            StoreError: The commit failed; nothing was changed.
        """
        if self._depth:
            self._depth += 1
            try:
                yield
            finally:
                self._depth -= 1
            return
        self.run("BEGIN IMMEDIATE")
        self._depth = 1
        try:
            yield
            self._depth = 0
            self.run("COMMIT")
        except BaseException:
            self._depth = 0
            self._after.clear()
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise
        after, self._after = self._after, []
        for call in after:
            call()

    def after_commit(self, call: Callable[[], None]) -> None:
        """Has `call` made once the open transaction is committed, at once if none is open, not if it is rolled back."""
        if self._depth:
            self._after.append(call)
        else:
            call()

    @contextmanager
    def _guard(self, what: str) -> Iterator[None]:
        try:
            yield
        except sqlite3.IntegrityError:
            raise
        except sqlite3.Error as error:
            text = str(error)
            if "full" in text or "disk I/O" in text:
                advice = "The disk is full or failing: nothing of this change was kept. Free space and try again."
            elif "malformed" in text or "not a database" in text:
                advice = "The database is damaged: restore a copy, or move the data directory away and start anew."
            elif "locked" in text:
                advice = "Another process has it open: one server per data directory."
            else:
                advice = f"While doing: {what.strip().splitlines()[0][:120]}"
            raise StoreError(f"{self.path}: {text}. {advice}") from error


def _statements(script: str) -> Iterator[str]:
    """The statements of a script; a trigger's inner semicolons do not end one."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            if statement.strip():
                yield statement
            statement = ""
    if statement.strip():
        yield statement
