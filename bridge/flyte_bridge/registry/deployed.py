"""Deployed tasks under the reserved environments: put, get, and lists that read as few of them as they can.

`ListTasks` tells each name once, with the latest of its versions that a filter leaves; `ListVersions` tells a name's
versions; neither tells a spec. What both backends do alike (`runs/repository/impl/task.go` of Flyte 2):

* filters on `environment`, `name`, `version` and `created_at` are the server's, pages have at most 200 rows;
* `created_at` is the first deployment's, so it tells a new entity from one that was there before.
"""

from __future__ import annotations

import asyncio
from datetime import timezone
from typing import TYPE_CHECKING, TypeVar

from flyteidl2.common import identifier_pb2
from flyteidl2.task import task_definition_pb2

from flyte_bridge.backend.query import MOST, pages, query, where
from flyte_bridge.registry.cache import Row, VersionCache

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence

    from flyteidl2.common import list_pb2

    from flyte_bridge.backend.client import BackendClient

T = TypeVar("T")

ORG = "local"
"""Flyte 2's organisation where there is only one."""

TOGETHER = 32
"""How many reads are under way at once."""


class Deployed:
    """Reads and writes deployed tasks."""

    def __init__(self, backend: BackendClient) -> None:
        """Takes the Flyte 2 they live in."""
        self._backend = backend
        self._versions = VersionCache()

    async def put(self, task_id: task_definition_pb2.TaskIdentifier, spec: task_definition_pb2.TaskSpec) -> None:
        """Deploy, or replace."""
        await self._backend.deploy_task(task_id=task_id, spec=spec)

    async def get(self, task_id: task_definition_pb2.TaskIdentifier) -> task_definition_pb2.TaskDetails:
        """One version, whole.

        Raises:
            NotFound: It is not deployed.
        """
        return await self._backend.get_task(task_id=task_id)

    async def latest(
        self,
        environment: str,
        project: str = "",
        domain: str = "",
        *,
        filters: Iterable[list_pb2.Filter] = (),
        sort: str = "",
        descending: bool = False,
        start: int = 0,
        limit: int = MOST,
    ) -> AsyncIterator[Row]:
        """Each name once, with the latest of the versions that the filters leave; newest first.

        Args:
            environment: The reserved one.
            project: Where; everywhere if empty.
            domain: Of the project.
            filters: More conditions.
            sort: Another order, by this column.
            descending: Of that order.
            start: How many to skip.
            limit: How many to ask for at once.
        """
        scope = identifier_pb2.ProjectIdentifier(organization=ORG, name=project, domain=domain) if project else None
        token = str(start) if start else ""
        own = where("environment", environment)
        asked = query(own, *filters, sort=sort, descending=descending, limit=limit, token=token)
        async for task in pages(self._backend.list_tasks, lambda page: page.tasks, asked, project_id=scope):
            yield _row(task.task_id, task.metadata)

    async def rows(self, project: str, domain: str, versions: Mapping[str, str]) -> dict[str, Row]:
        """Some tasks by name, with one list; of those that are not there, or only in other versions, nothing.

        Args:
            project: Where.
            domain: Of the project.
            versions: The version of each name. Where a name has a newer version that is asked for another name, that one
                is told: look.
        """
        scope = identifier_pb2.ProjectIdentifier(organization=ORG, name=project, domain=domain)
        asked = query(where("name", *versions), where("version", *dict.fromkeys(versions.values())))
        found = await self._backend.list_tasks(project_id=scope, request=asked)
        return {task.task_id.name: _row(task.task_id, task.metadata) for task in found.tasks}

    async def versions(self, of: Row, *, descending: bool = True, limit: int = MOST) -> AsyncIterator[Row]:
        """The versions of a name, by when they were deployed.

        Args:
            of: Its project, domain and name are meant.
            descending: Newest first.
            limit: How many to ask for at once.
        """
        name = task_definition_pb2.TaskName(org=ORG, project=of.project, domain=of.domain, name=of.name)
        asked = query(sort="created_at", descending=descending, limit=limit)
        async for one in pages(self._backend.list_versions, lambda page: page.versions, asked, task_name=name):
            at = one.deployed_at.ToDatetime(tzinfo=timezone.utc)
            yield Row(of.project, of.domain, of.name, one.version, at)

    async def read(self, row: Row) -> task_definition_pb2.TaskDetails:
        """One listed version, whole."""
        return await self.get(
            task_definition_pb2.TaskIdentifier(
                org=ORG, project=row.project, domain=row.domain, name=row.name, version=row.version
            )
        )

    async def all_versions(self, latest: Row) -> Sequence[Row]:
        """The versions of a name, newest first; asked for again only when its latest is another.

        Args:
            latest: As `latest` tells it.
        """
        found = self._versions.get(latest)
        if found is None:
            found = tuple([row async for row in self.versions(latest)])
            self._versions.put(latest, found)
        return found


def _row(task_id: task_definition_pb2.TaskIdentifier, metadata: task_definition_pb2.TaskMetadata) -> Row:
    return Row(
        task_id.project,
        task_id.domain,
        task_id.name,
        task_id.version,
        metadata.deployed_at.ToDatetime(tzinfo=timezone.utc),
        metadata.short_description,
    )


async def together(makers: Iterable[Callable[[], Awaitable[T]]]) -> list[T]:
    """Do many things, `TOGETHER` at a time; their results in order.

    Args:
        makers: Each starts one.
    """
    gate = asyncio.Semaphore(TOGETHER)

    async def one(make: Callable[[], Awaitable[T]]) -> T:
        async with gate:
            return await make()

    return list(await asyncio.gather(*(one(make) for make in makers)))
