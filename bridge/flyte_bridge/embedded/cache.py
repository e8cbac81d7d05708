"""The task cache: outputs by key, and who is at work on a key (for `cache_serializable` and CacheService)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from flyte_bridge.embedded.faults import AlreadyExists, NotFound

if TYPE_CHECKING:
    from flyte_bridge.backend.moments import Micros
    from flyte_bridge.embedded.store import Store


@dataclass(frozen=True)
class CacheScope:
    """Whose entries: keys are unique per project and domain."""

    project: str
    domain: str


@dataclass(frozen=True)
class CacheEntry:
    """A cached output.

    Attributes:
        output: Serialized `cacheservice.CachedOutput`.
    """

    key: str
    output: bytes
    created_at: Micros
    updated_at: Micros


@dataclass(frozen=True)
class Reservation:
    """Who may compute a key's output, and until when without a sign of life."""

    key: str
    owner: str
    heartbeat: Micros
    expires_at: Micros


class Cache:
    """The cache entries."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.clock = store.clock

    def get(self, scope: CacheScope, key: str) -> CacheEntry:
        """An entry.

        Raises:
            NotFound: There is none.
        """
        entry = self.find(scope, key)
        if entry is None:
            raise NotFound(f"no cache entry {key!r} in {scope.project}/{scope.domain}")
        return entry

    def find(self, scope: CacheScope | None, key: str) -> CacheEntry | None:
        """An entry, or None; without a scope the newest of any project (`CACHE_LOOKUP_SCOPE_GLOBAL`)."""
        if scope is None:
            row = self._store.one("SELECT * FROM cache_entries WHERE key = ? ORDER BY updated_at DESC LIMIT 1", (key,))
        else:
            row = self._store.one(
                "SELECT * FROM cache_entries WHERE project = ? AND domain = ? AND key = ?",
                (scope.project, scope.domain, key),
            )
        return CacheEntry(row["key"], row["output"], row["created_at"], row["updated_at"]) if row else None

    def put(self, scope: CacheScope, key: str, output: bytes, *, overwrite: bool) -> None:
        """Adds an entry.

        Raises:
            AlreadyExists: There is one, and `overwrite` is not set.
        """
        with self._store.transaction():
            if not overwrite and self.find(scope, key) is not None:
                raise AlreadyExists(f"cache entry {key!r} exists already; set overwrite to replace it")
            now = self._store.clock.now()
            self._store.run(
                """
                INSERT INTO cache_entries VALUES (?, ?, ?, ?, ?, ?)
                ON CONFLICT DO UPDATE SET output = excluded.output, updated_at = excluded.updated_at
                """,
                (scope.project, scope.domain, key, output, now, now),
            )

    def delete(self, scope: CacheScope, key: str) -> None:
        """Removes an entry.

        Raises:
            NotFound: There is none.
        """
        done = self._store.run(
            "DELETE FROM cache_entries WHERE project = ? AND domain = ? AND key = ?", (scope.project, scope.domain, key)
        )
        if not done.rowcount:
            raise NotFound(f"no cache entry {key!r} in {scope.project}/{scope.domain}")

    def reserve(self, scope: CacheScope, key: str, owner: str, heartbeat: Micros) -> Reservation:
        """Takes, or keeps, the right to compute a key; returns who has it now, which may be another.

        Args:
            scope: Whose key.
            key: The key.
            owner: Who asks.
            heartbeat: Microseconds between signs of life; after twice as long without one the right is free.
        """
        with self._store.transaction():
            now = self._store.clock.now()
            row = self._store.one(
                "SELECT * FROM cache_reservations WHERE project = ? AND domain = ? AND key = ?",
                (scope.project, scope.domain, key),
            )
            if row is not None and row["owner"] != owner and row["expires_at"] > now:
                return Reservation(key, row["owner"], row["heartbeat"], row["expires_at"])
            mine = Reservation(key, owner, heartbeat, now + 2 * heartbeat)
            self._store.run(
                "INSERT OR REPLACE INTO cache_reservations VALUES (?, ?, ?, ?, ?, ?)",
                (scope.project, scope.domain, key, owner, heartbeat, mine.expires_at),
            )
            return mine

    def release(self, scope: CacheScope, key: str, owner: str) -> None:
        """Gives the right back; nothing happens if another has it."""
        self._store.run(
            "DELETE FROM cache_reservations WHERE project = ? AND domain = ? AND key = ? AND owner = ?",
            (scope.project, scope.domain, key, owner),
        )
