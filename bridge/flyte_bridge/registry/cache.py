"""What lists of deployed tasks keep in memory, and when it is no longer true."""

from __future__ import annotations

import time
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from google.protobuf.message import Message


@dataclass(frozen=True)
class Row:
    """One version of a deployed task, without its spec.

    Attributes:
        project, domain, name, version: Its identity in Flyte 2.
        created_at: When it was deployed first.
        short_description: What `ListTasks` tells; empty from `ListVersions`.
    """

    project: str
    domain: str
    name: str
    version: str
    created_at: datetime
    short_description: str = field(default="", compare=False)


class VersionCache:
    """Each name's versions, valid while its latest is the one they were read with.

    A new version is the latest, so that a list of names tells which of these are stale. The age limit is for a backend
    whose clock was set back meanwhile.
    """

    _AGE = 60.0
    _MOST = 4096

    def __init__(self) -> None:
        self._held: OrderedDict[tuple[str, str, str], tuple[str, datetime, float, Sequence[Row]]] = OrderedDict()

    def get(self, latest: Row) -> Sequence[Row] | None:
        """The versions, if they were read with this latest one."""
        held = self._held.get((latest.project, latest.domain, latest.name))
        if held is None:
            return None
        version, created_at, until, versions = held
        fresh = (version, created_at) == (latest.version, latest.created_at) and time.monotonic() < until
        return versions if fresh else None

    def put(self, latest: Row, versions: Sequence[Row]) -> None:
        """Keep them."""
        key = (latest.project, latest.domain, latest.name)
        self._held[key] = (latest.version, latest.created_at, time.monotonic() + self._AGE, versions)
        self._held.move_to_end(key)
        while len(self._held) > self._MOST:
            self._held.popitem(last=False)


class BodyCache:
    """Entities by the row they were read for.

    What is registered never changes, and a row tells when it was deployed first: so that an entity is the same as long
    as its row is, even when a backend's data were wiped meanwhile.
    """

    _MOST = 64 * 1024 * 1024

    def __init__(self) -> None:
        self._held: OrderedDict[Row, tuple[int, Message]] = OrderedDict()
        self._size = 0

    def get(self, row: Row) -> Any:
        """The entity, not to be changed; `None` if it is not kept."""
        held = self._held.get(row)
        if held is None:
            return None
        self._held.move_to_end(row)
        return held[1]

    def put(self, row: Row, entity: Message) -> None:
        """Keep it, and let go of those that were not asked for longest when all take more than 64 MiB."""
        if row in self._held:
            return
        size = entity.ByteSize()
        self._held[row] = (size, entity)
        self._size += size
        while self._size > self._MOST and self._held:
            self._size -= self._held.popitem(last=False)[1][0]
