"""Lists of Flyte 1's entities, read from as few deployed tasks as the request allows.

| the request | what is asked of Flyte 2 |
|---|---|
| names a name | that name's versions, and the entities of the page |
| names a version only | the names that have it: one list, filtered by the server |
| neither | the names; of each the versions, kept in memory while its latest version is the same |
| filters or sorts by what only the entity tells (`type`, `schedule_type`, …) | the same, and candidates until the page is full |
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from flyte_bridge.backend.query import MOST, compare, where
from flyte_bridge.errors import InvalidRequest, NotFound
from flyte_bridge.registry.cache import BodyCache, Row
from flyte_bridge.registry.deployed import TOGETHER, Deployed, together
from flyte_bridge_translators.wire import filter as filters
from flyte_bridge_translators.wire import identifier

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence

    from flyteidl2.task import task_definition_pb2
    from google.protobuf.timestamp_pb2 import Timestamp

E = TypeVar("E", bound=Any)

_TOLD = {"project", "domain", "name", "version", "created_at"}
"""The columns that a list of deployed tasks tells."""

_NEVER = datetime.min.replace(tzinfo=timezone.utc)
_HASHED = re.compile(r".{46}-[0-9a-f]{16}")  # what `identifier.version` makes of a version that is too long


@dataclass(frozen=True)
class Listed(Generic[E]):
    """What is listed.

    Attributes:
        entity: As filters name it.
        environment: Where it is deployed.
        read: Makes the entity of the deployed task.
        columns: The further columns that can be filtered and sorted by, each with how it is read from the entity.
        joined: The same for columns of another entity, named `entity.column`.
    """

    entity: str
    environment: str
    read: Callable[[task_definition_pb2.TaskDetails], E]
    columns: dict[str, Callable[[E], Any]]
    joined: dict[str, Callable[[E], Any]]

    def name(self, row: Row) -> str:
        """The v1 name of a deployed task."""
        return row.name.removeprefix(f"{self.environment}.")


@dataclass(frozen=True)
class ListQuery:
    """What a list asks for.

    Attributes:
        project: Where.
        domain: Of the project.
        name: All names if empty.
        conditions: All of them must hold.
        order: By what to sort; by the time of registration if `None`.
        start: How many to skip.
        limit: How many at most.
    """

    project: str
    domain: str
    name: str
    conditions: tuple[filters.Filter, ...]
    order: filters.SortOrder | None
    start: int
    limit: int

    def wanted(self, entity: str, field: str) -> set[str] | None:
        """The only values that a column of the entity's may have; `None` when it is not restricted so."""
        found: set[str] | None = {self.name} if self.name and field == "name" else None
        for one in self.conditions:
            if (one.entity, one.field) == (entity, field) and one.function in ("eq", "value_in"):
                found = set(one.values) if found is None else found & set(one.values)
        return found


class EntityLists:
    """Lists entities."""

    def __init__(self, deployed: Deployed) -> None:
        """Takes the deployed tasks."""
        self._deployed = deployed
        self._bodies = BodyCache()

    async def page(
        self, kind: Listed[E], request: ListQuery, *, prepare: Callable[[list[E]], Any] | None = None
    ) -> list[E]:
        """One page of a list.

        Args:
            kind: What is listed.
            request: Which of them.
            prepare: Completes entities by what is kept elsewhere, before conditions are tested.

        Raises:
            InvalidRequest: It filters or sorts by what Flyte 2 does not keep, or by a value of another type.
        """
        self._check(kind, request)
        with filtering():
            return await self._page(kind, request, prepare)

    async def _page(self, kind: Listed[E], request: ListQuery, prepare: Callable[[list[E]], Any] | None) -> list[E]:
        costly = any(not self._told(kind, one) for one in request.conditions)
        by = request.order.field if request.order else "created_at"
        ordered = by in _TOLD
        enough = request.start + request.limit
        rows = await self._rows(kind, request, None if costly or not ordered else enough)
        if any(_HASHED.fullmatch(row.version) for row in rows):
            costly, ordered = True, ordered and by != "version"
        rows.sort(key=lambda row: (row.created_at, row.name))  # what the order asked for leaves open
        if ordered:
            rows = filters.sort(rows, request.order, partial(_told, kind))
        if not costly and ordered:
            return await self._bodied(kind, rows[request.start : enough], prepare)
        if not ordered:
            entities = await self._matching(kind, request, rows, len(rows), prepare)
            column = partial(_column, kind)
            return filters.sort(entities, request.order, column)[request.start : enough]
        return (await self._matching(kind, request, rows, enough, prepare))[request.start : enough]

    async def names(
        self, environment: str, project: str, domain: str, order: filters.SortOrder | None, start: int, limit: int
    ) -> list[str]:
        """A page of distinct names, in alphabetical order unless another is asked for.

        Raises:
            InvalidRequest: They have no such column to sort by.
        """
        by = order or filters.SortOrder("name", descending=False)
        if by.field not in ("name", "created_at"):
            raise InvalidRequest(f"names are sorted by name or created_at, not by '{by.field}': leave sort_by out")
        found: list[str] = []
        listed = self._deployed.latest(
            environment,
            project,
            domain,
            sort=by.field,
            descending=by.descending,
            start=start,
            limit=min(limit, MOST),
        )
        async for row in listed:
            found.append(row.name.removeprefix(f"{environment}."))
            if len(found) == limit:
                break
        return found

    # -- rows ---------------------------------------------------------------------------------------------------------

    async def _rows(self, kind: Listed[E], request: ListQuery, enough: int | None) -> list[Row]:
        """The rows that may belong to the list; `enough` of its beginning, where that can be told."""
        found: list[Row] = []
        names, versions = request.wanted(kind.entity, "name"), request.wanted(kind.entity, "version")
        by = request.order or filters.SortOrder("created_at", descending=False)
        if names is not None:
            for name in sorted(names):
                count = 0
                async for row in self._versions_of(kind, request, name, by, enough):
                    if self._may(kind, request, row):
                        found.append(row)
                        count += 1
                        if count == enough and by.field == "created_at":
                            break
        elif versions is not None:
            await self._of_versions(
                kind, request, sorted({identifier.version(one) for one in versions if one}), enough, found
            )
        else:
            newest = enough if by == filters.SortOrder("created_at", descending=True) else None
            await self._all(kind, request, newest, found)
        return found

    async def _of_versions(
        self, kind: Listed[E], request: ListQuery, versions: Sequence[str], enough: int | None, found: list[Row]
    ) -> None:
        """Adds the names that have these versions; the beginning of them where the server can sort as is asked for."""
        by = request.order or filters.SortOrder("created_at", descending=False)
        sort = by.field if by.field in ("created_at", "name") else ""
        if enough is None or not sort or len(versions) != 1:
            enough = None
        for version in versions:
            listed = self._deployed.latest(
                kind.environment,
                request.project,
                request.domain,
                filters=[where("version", version)],
                sort=sort,
                descending=by.descending,
                limit=min(enough or MOST, MOST),
            )
            async for row in listed:
                if self._may(kind, request, row):
                    found.append(row)
                    if len(found) == enough:
                        return

    async def _versions_of(
        self, kind: Listed[E], request: ListQuery, name: str, by: filters.SortOrder, enough: int | None
    ) -> AsyncIterator[Row]:
        try:
            deployed = identifier.task_name(kind.environment, name)
        except identifier.Unnameable:
            return
        some = Row(request.project, request.domain, deployed, "", _NEVER)
        limit = min(enough or MOST, MOST) if by.field == "created_at" else MOST
        async for row in self._deployed.versions(some, descending=by.descending, limit=limit):
            yield row

    async def _all(self, kind: Listed[E], request: ListQuery, newest: int | None, found: list[Row]) -> None:
        """Adds every name's versions to `found`; only the `newest` of them all, where that is enough."""
        parts = [
            one.values[0]
            for one in request.conditions
            if (one.entity, one.field, one.function) == (kind.entity, "name", "contains")
        ]
        pushed = [compare("name", "CONTAINS", part) for part in parts if not set("%_\\") & set(part)]
        batch: list[Row] = []
        names = self._deployed.latest(
            kind.environment,
            request.project,
            request.domain,
            filters=pushed,
            limit=min(newest + 1 if newest else MOST, MOST),
        )
        async for latest in names:
            oldest = _last(found, newest)
            if oldest is not None and latest.created_at < oldest:
                break
            batch.append(latest)
            if len(batch) == TOGETHER or (newest is not None and len(found) + len(batch) >= newest):
                await self._versions(kind, request, batch, found)
                batch = []
        await self._versions(kind, request, batch, found)

    async def _versions(self, kind: Listed[E], request: ListQuery, batch: Iterable[Row], found: list[Row]) -> None:
        for rows in await together(partial(self._deployed.all_versions, latest) for latest in batch):
            found += [row for row in rows if self._may(kind, request, row)]

    def _may(self, kind: Listed[E], request: ListQuery, row: Row) -> bool:
        """Whether nothing that the row tells speaks against it."""
        for one in request.conditions:
            if one.entity != kind.entity or one.field not in _TOLD:
                continue
            if one.field == "version" and _HASHED.fullmatch(row.version):
                continue
            if not one.matches(_told(kind, row, one.field)):
                return False
        return True

    # -- entities -----------------------------------------------------------------------------------------------------

    async def _matching(
        self,
        kind: Listed[E],
        request: ListQuery,
        rows: Sequence[Row],
        enough: int,
        prepare: Callable[[list[E]], Any] | None,
    ) -> list[E]:
        found: list[E] = []
        for at in range(0, len(rows), TOGETHER):
            if len(found) >= enough:
                break
            found += [
                entity
                for entity in await self._bodied(kind, rows[at : at + TOGETHER], prepare)
                if all(one.matches(_condition(kind, entity, one)) for one in request.conditions)
            ]
        return found

    async def _bodied(self, kind: Listed[E], rows: Sequence[Row], prepare: Callable[[list[E]], Any] | None) -> list[E]:
        read = await together(partial(self._body, kind, row) for row in rows)
        entities = [entity for entity in read if entity is not None]
        if prepare is not None:
            entities = await prepare(entities)
        return entities

    async def _body(self, kind: Listed[E], row: Row) -> E | None:
        held: E | None = self._bodies.get(row)
        if held is not None:
            return held
        try:
            entity = kind.read(await self._deployed.read(row))
        except NotFound:  # gone between list and read: the data directory was wiped
            return None
        self._bodies.put(row, entity)
        return entity

    def _check(self, kind: Listed[E], request: ListQuery) -> None:
        asked = [(one.entity, one.field) for one in request.conditions]
        asked += [(kind.entity, request.order.field)] if request.order else []
        for entity, field in asked:
            if entity == kind.entity and field not in _TOLD and field not in kind.columns:
                raise InvalidRequest(f"'{entity}.{field}': Flyte 2 keeps no such column; filter and sort by another")
            if entity != kind.entity and f"{entity}.{field}" not in kind.joined:
                raise InvalidRequest(f"'{entity}.{field}': Flyte 2 keeps no such column; filter by another")

    @staticmethod
    def _told(kind: Listed[E], one: filters.Filter) -> bool:
        return one.entity == kind.entity and one.field in _TOLD


def _told(kind: Listed[Any], row: Row, field: str) -> Any:
    return kind.name(row) if field == "name" else getattr(row, field)


def _condition(kind: Listed[E], entity: E, one: filters.Filter) -> Any:
    return _column(kind, entity, one.field if one.entity == kind.entity else f"{one.entity}.{one.field}")


def _column(kind: Listed[E], entity: E, field: str) -> Any:
    if field in kind.joined:
        return kind.joined[field](entity)
    if field == "created_at":
        return time_of(entity.closure.created_at)
    if field in _TOLD:
        return getattr(entity.id, field)
    return kind.columns[field](entity)


def _last(found: Sequence[Row], enough: int | None) -> datetime | None:
    """When the last of the newest `enough` rows was registered; `None` while there are fewer."""
    if enough is None or len(found) < enough:
        return None
    return sorted((row.created_at for row in found), reverse=True)[enough - 1]


def time_of(stamp: Timestamp) -> datetime:
    """A timestamp as Python has it."""
    at: datetime = stamp.ToDatetime(tzinfo=timezone.utc)
    return at


@contextmanager
def filtering() -> Iterator[None]:
    """Conditions are held against values here: a value of another type is the request's fault.

    Raises:
        InvalidRequest: It is.
    """
    try:
        yield
    except filters.BadFilter as error:
        raise InvalidRequest(str(error)) from None
