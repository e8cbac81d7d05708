"""Executions of Flyte 1 that have ended, kept in Flyte 2 as records, with their nodes and values.

An execution costs its share of a list, its values and its nodes; a node that has run costs its values, a task's its attempts,
one with nodes inside another list. What was told cut short (errors, in lists) is asked for whole.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from flyteidl.admin import execution_pb2, node_execution_pb2
from flyteidl.core import execution_pb2 as core_execution_pb2

from flyte_bridge_translators.flyte1.names import SENTINELS
from flyte_bridge_translators.wire.past_execution import IMPORTED_FROM, PastExecution, PastNode

from ..errors import NotFound, ObjectError, StatusError
from ..verify.literals import plain_map
from .control_plane import told
from .import_files import references
from .import_state import Arrival, Imported
from .import_writer import OUT_OF_REACH

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from flyteidl.core import literals_pb2

    from ..registry.history import History
    from .control_plane import ControlPlane
    from .import_writer import ImportWriter
    from .paced import PacedCaller
    from .registrations import Place

EXECUTION = "execution"
"""What an execution is called in the state of an import."""

LISTED = 100
"""Executions in one list; what is stopped does at most so many again."""

AT_ONCE = 8
"""Executions that are read at once."""

ENDED = "value_in(phase,SUCCEEDED;FAILED;ABORTED;TIMED_OUT)+value_in(state,0;1)"
"""What has ended, archived or not."""

_NODE = core_execution_pb2.NodeExecution
_NOT_RUN = frozenset({_NODE.UNDEFINED, _NODE.QUEUED, _NODE.SKIPPED})


@dataclass
class HistoryImport:
    """What an import of executions has done in this call.

    Attributes:
        source: Flyte 1.
        writer: Knows Flyte 2, and keeps in mind what became of each.
        history: Keeps the records.
        reading: Calls Flyte 1.
        writing: Calls Flyte 2; records go at its pace, and are counted by it.
        executions: How many were read.
        nodes: How many nodes they have.
        tasks: How many task executions.
        reads: Calls of Flyte 1 for them.
        writes: Documents that were written to Flyte 2.
        stores: Where files lie that their values name.
    """

    source: ControlPlane
    writer: ImportWriter
    history: History
    reading: PacedCaller
    writing: PacedCaller
    executions: int = 0
    nodes: int = 0
    tasks: int = 0
    reads: int = 0
    writes: int = 0
    stores: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        """Nobody is at work yet."""
        self._slots = asyncio.Semaphore(AT_ONCE)

    async def run(self, places: Sequence[Place], since: datetime | None = None) -> None:
        """Copies what has ended, the oldest first; what is there already is left alone.

        Args:
            places: Projects and domains.
            since: Only what was created since then; all if `None`.

        Raises:
            StatusError: A side is out of reach.
        """
        before = self.reading.reads
        filters = ENDED if since is None else f"{ENDED}+gte(execution_created_at,{since.isoformat()})"
        try:
            for project, domain in places:
                known = await self.history.executions(project, domain, now=True)
                batch: list[execution_pb2.Execution] = []
                async for execution in self.source.executions(project, domain, filters):
                    if execution.id.name not in known:
                        batch.append(execution)
                    elif not self.writer.state.is_there(EXECUTION, _text(execution)):
                        self.writer.note(Imported(EXECUTION, _text(execution), Arrival.THERE))
                    if len(batch) == LISTED:
                        await self._keep(batch)
                        batch = []
                if batch:
                    await self._keep(batch)
        finally:
            self.reads += self.reading.reads - before

    async def _keep(self, batch: Sequence[execution_pb2.Execution]) -> None:
        """Copies some executions, then lists them: only what is listed is done."""
        records = [one for one in await _together(map(self._copied, batch)) if one is not None]
        if not records:
            return
        identity = records[0].message.id
        await self._write()
        await self.history.put_list(identity.project, identity.domain, [record.message for record in records])
        for record in records:
            back = await self._read_back(record)
            self.writer.note(Imported(EXECUTION, _text(record.message), *back))

    async def _copied(self, execution: execution_pb2.Execution) -> PastExecution | None:
        async with self._slots:
            try:
                if await self._is_run(execution):
                    told_why = f"{self.writer.target.name} has run an execution of this name itself"
                    self.writer.note(Imported(EXECUTION, _text(execution), Arrival.REFUSED, told_why))
                    return None
                record = await self._read(execution)
                await self._write()
                self._count(await self.history.put(record) - 1)  # a long record is several documents
            except OUT_OF_REACH:
                raise
            except (StatusError, ObjectError) as error:
                why = told(error) if isinstance(error, StatusError) else str(error)
                self.writer.note(Imported(EXECUTION, _text(execution), Arrival.REFUSED, why))
                return None
        self.executions += 1
        self.nodes += len(record.nodes)
        self.tasks += record.tasks
        return record

    async def _is_run(self, execution: execution_pb2.Execution) -> bool:
        """Whether Flyte 2 has run something under the name; a record may be there from a call that was stopped."""
        try:
            there = await self.writer.target.execution(execution.id)
        except NotFound:
            return False
        return IMPORTED_FROM not in there.spec.annotations.values

    async def _read_back(self, record: PastExecution) -> tuple[Arrival, str]:
        await self.writing.pace.turn()
        self.writing.reads += 1
        if await self.history.find(record.message.id) == record:
            return Arrival.SAME, ""
        return Arrival.DIFFERENT, "read back, its record is another"

    async def _write(self) -> None:
        await self.writing.pace.turn()
        self._count(1)

    def _count(self, documents: int) -> None:
        self.writing.writes += documents
        self.writes += documents

    # -- one execution ------------------------------------------------------------------------------------------------

    async def _read(self, listed: execution_pb2.Execution) -> PastExecution:
        """An execution with its nodes, as Flyte 1 tells it."""
        execution = listed
        if listed.closure.WhichOneof("output_result") == "error":
            execution = await self.source.execution(listed.id)
        inputs, outputs = await self.source.execution_data(listed.id)
        self._note_stores(inputs, outputs)
        message = execution_pb2.Execution()
        message.CopyFrom(execution)
        message.spec.annotations.values[IMPORTED_FROM] = self.source.name
        data = execution_pb2.WorkflowExecutionGetDataResponse(full_inputs=inputs, full_outputs=outputs)
        nodes = await self._below(listed, "")
        return PastExecution(message, data, {node.message.id.node_id: node for node in nodes})

    async def _below(self, execution: execution_pb2.Execution, parent: str) -> list[PastNode]:
        nodes: list[PastNode] = []
        for message in await self.source.nodes(execution.id, parent):
            nodes.append(await self._node(message, parent))
            if message.metadata.is_parent_node:
                nodes += await self._below(execution, message.id.node_id)
        return nodes

    async def _node(self, message: node_execution_pb2.NodeExecution, parent: str) -> PastNode:
        empty = node_execution_pb2.NodeExecutionGetDataResponse()
        if message.metadata.spec_node_id in SENTINELS or message.closure.phase in _NOT_RUN:
            return PastNode(message, empty, (), parent)
        if message.closure.WhichOneof("output_result") == "error":
            message = await self.source.node(message.id)
        data = await self.source.node_data(message.id)
        self._note_stores(data.full_inputs, data.full_outputs)
        for name in ("inputs", "outputs"):  # sizes and URLs that are good for an hour
            data.ClearField(name)
        attempts = await self.source.attempts(message.id) if _may_have_tasks(message) else []
        return PastNode(message, data, tuple(attempts), parent)

    def _note_stores(self, *maps: literals_pb2.LiteralMap) -> None:
        for values in maps:
            for uri, _ in references(list(plain_map(values).values())):
                self.stores.add("/".join(uri.split("/", 3)[:3]))


def _may_have_tasks(message: node_execution_pb2.NodeExecution) -> bool:
    """Whether a node may be a task's: not that of a sub-workflow, a branch, or a child execution."""
    if message.closure.HasField("workflow_node_metadata"):
        return False
    return not message.metadata.is_parent_node or message.metadata.is_dynamic or message.metadata.is_array


def _text(execution: execution_pb2.Execution) -> str:
    return f"{execution.id.project}/{execution.id.domain}/{execution.id.name}"


async def _together(work: Iterable[Any]) -> list[PastExecution | None]:
    """All of it; when one fails the others are ended before that is told."""
    tasks = [asyncio.ensure_future(one) for one in work]
    try:
        return list(await asyncio.gather(*tasks))
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
