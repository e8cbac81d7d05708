"""Which executions were archived: Flyte 2 knows nothing like it, so a document per project and domain says so."""

from __future__ import annotations

import asyncio
import json
import time
from typing import TYPE_CHECKING, Any

from flyteidl.admin import execution_pb2

from flyte_bridge.errors import InternalError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from flyteidl.core import identifier_pb2

NAME = "archived-executions"
"""The document."""

FRESH = 2.0
"""Seconds for which the document is not read again; what this process writes it knows at once."""


class Archive:
    """The archived executions of all projects."""

    def __init__(self, registry: Any) -> None:
        """Nothing is read yet.

        Args:
            registry: Keeps documents.
        """
        self._registry = registry
        self._held: dict[tuple[str, str], tuple[float, dict[str, int]]] = {}
        self._lock = asyncio.Lock()

    async def names(self, project: str, domain: str) -> dict[str, int]:
        """The archived executions of a project and domain: when (nanoseconds since the epoch), by v1 name."""
        held = self._held.get((project, domain))
        if held is not None and time.monotonic() - held[0] < FRESH:
            return held[1]
        return await self._read(project, domain)

    async def _read(self, project: str, domain: str) -> dict[str, int]:
        text = await self._registry.documents.get(project, domain, NAME)
        try:
            found = {str(name): int(at) for name, at in json.loads(text).items()} if text else {}
        except (ValueError, AttributeError) as error:
            raise InternalError(f"document {NAME!r} of {project}/{domain} is broken: {error}") from error
        self._held[project, domain] = (time.monotonic(), found)
        return found

    async def put(self, v1_id: identifier_pb2.WorkflowExecutionIdentifier, state: int) -> None:
        """Archive an execution, or make it active again."""
        async with self._lock:
            names = dict(await self._read(v1_id.project, v1_id.domain))
            if state == execution_pb2.EXECUTION_ARCHIVED:
                names.setdefault(v1_id.name, time.time_ns())
            elif names.pop(v1_id.name, None) is None:
                return
            text = json.dumps(names, separators=(",", ":"), sort_keys=True)
            await self._registry.documents.put(v1_id.project, v1_id.domain, NAME, text)
            self._held[v1_id.project, v1_id.domain] = (time.monotonic(), names)

    async def mark(self, executions: Iterable[execution_pb2.Execution]) -> None:
        """Tell in executions that they are archived."""
        for one in executions:
            archived = (await self.names(one.id.project, one.id.domain)).get(one.id.name)
            if archived is not None:
                one.closure.state_change_details.state = execution_pb2.EXECUTION_ARCHIVED
                one.closure.state_change_details.occurred_at.FromNanoseconds(archived)
