"""Executions that have ended on another control plane: read-only records, kept as documents.

A document holds one execution whole; lists of up to a hundred hold what a list of executions tells, so that a filter or an
order needs no reading of all of them.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from flyte_bridge.errors import InternalError
from flyte_bridge_translators.wire import document, past_execution

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from flyteidl.admin import execution_pb2
    from flyteidl.core import identifier_pb2

    from flyte_bridge.registry.documents import Documents
    from flyte_bridge_translators.wire.past_execution import PastExecution

FRESH = 2.0
"""Seconds for which it is not asked again which executions there are."""


class History:
    """The records of all projects."""

    def __init__(self, documents: Documents) -> None:
        """Nothing is read yet."""
        self._documents = documents
        self._asked: dict[tuple[str, str], tuple[float, Mapping[str, execution_pb2.Execution]]] = {}
        self._lists: dict[tuple[str, str, str], tuple[str, list[execution_pb2.Execution]]] = {}

    async def executions(
        self, project: str, domain: str, *, now: bool = False
    ) -> Mapping[str, execution_pb2.Execution]:
        """The executions of a project and domain by name, the oldest first; not to be changed.

        Args:
            project: Where.
            domain: Where.
            now: Ask, however lately somebody has.

        Raises:
            InternalError: One of the documents is broken.
        """
        asked = self._asked.get((project, domain))
        if asked is not None and not now and time.monotonic() - asked[0] < FRESH:
            return asked[1]
        told: dict[str, execution_pb2.Execution] = {}
        for row, text in await self._documents.of_kind(past_execution.LIST, project, domain):
            told.update({execution.id.name: execution for execution in self._list((project, domain, row.name), text)})
        ordered = dict(sorted(told.items(), key=lambda item: (item[1].closure.created_at.ToNanoseconds(), item[0])))
        self._asked[project, domain] = (time.monotonic(), ordered)
        return ordered

    def _list(self, key: tuple[str, str, str], text: str) -> list[execution_pb2.Execution]:
        held = self._lists.get(key)
        if held is None or held[0] != text:
            try:
                self._lists[key] = held = (text, past_execution.read_list(text))
            except past_execution.BadRecord as error:
                raise InternalError(f"document {key[2]!r} of {key[0]}/{key[1]}: {error}") from error
        return held[1]

    async def find(self, identity: identifier_pb2.WorkflowExecutionIdentifier) -> PastExecution | None:
        """An execution with its nodes; None if there is no record of it.

        Raises:
            InternalError: Its record is broken.
        """
        text = await self._documents.get(identity.project, identity.domain, _name(identity.name))
        if not text:
            return None
        try:
            names = past_execution.pieces_of(text)
            pieces = await self._documents.get_all(identity.project, identity.domain, names) if names else {}
            return past_execution.from_text(text, pieces.__getitem__)
        except past_execution.BadRecord as error:
            raise InternalError(f"execution {identity.project}/{identity.domain}/{identity.name}: {error}") from error

    async def put(self, past: PastExecution) -> int:
        """Keeps the record of an execution; it is listed when it is in a list, too.

        Returns:
            How many documents that took.
        """
        identity = past.message.id
        text, pieces = past_execution.to_text(past)
        await self._documents.put_all(identity.project, identity.domain, pieces)
        await self._documents.put(identity.project, identity.domain, _name(identity.name), text)
        return len(pieces) + 1

    async def put_list(self, project: str, domain: str, executions: Sequence[execution_pb2.Execution]) -> None:
        """Lists executions whose records are kept."""
        name, text = past_execution.list_text(executions)
        await self._documents.put(project, domain, name, text)


def _name(execution: str) -> str:
    return document.name(past_execution.RECORD, execution)
