"""AdminService's list of executions.

What Flyte 2 can filter and sort by it does (project, domain, launch plan, phase, times); the rest is held against each
run here, page after page. A run's own settings never change, so that a list costs one call for a page of runs it has seen.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from flyteidl.admin import execution_pb2
from flyteidl.core import execution_pb2 as core_execution_pb2
from flyteidl.core import identifier_pb2
from flyteidl2.common import identifier_pb2 as v2_identifier_pb2

from flyte_bridge.admin import columns, validation
from flyte_bridge.admin.caches import Recent, caller
from flyte_bridge.admin.execution_messages import complete, to_message
from flyte_bridge.admin.nodes import NodeCalls
from flyte_bridge.admin.snapshots import RunView
from flyte_bridge.backend.query import MOST, compare, query, where
from flyte_bridge.errors import InvalidRequest, NotFound
from flyte_bridge.registry.deployed import ORG, together
from flyte_bridge_translators.wire import execution, identifier, phase
from flyte_bridge_translators.wire import filter as filters
from flyte_bridge_translators.wire.node_execution import trimmed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

    from flyteidl.admin import common_pb2
    from flyteidl2.common import list_pb2

    from flyte_bridge.admin.archive import Archive
    from flyte_bridge.admin.context import CallContext
    from flyte_bridge.admin.snapshots import ExecutionPlan

_Phase = core_execution_pb2.WorkflowExecution.Phase
_PHASES = set(_Phase.keys())
_ENDED = phase.ENDED | {phase.Workflow.ABORTING}

MOST_REMEMBERED = 64 * 1024 * 1024
"""Bytes of executions, without how they stand, that are remembered."""

_SORTED = {"created_at": "created_at", "execution_created_at": "created_at"}
"""Sort keys that Flyte 2 has, too; others are sorted by here."""

_COMPARED = {
    "gt": "GREATER_THAN",
    "gte": "GREATER_THAN_OR_EQUAL",
    "lt": "LESS_THAN",
    "lte": "LESS_THAN_OR_EQUAL",
}


class Lasting(NamedTuple):
    """What never changes of an execution: its message, less how it stands, what it runs, and how it ended, if it had."""

    message: execution_pb2.Execution
    plan: ExecutionPlan
    outcome: execution_pb2.ExecutionClosure


class ListCalls(NodeCalls):
    """Lists of executions."""

    archive: Archive
    lasting: Recent[Any, Lasting]

    async def list_executions(
        self, request: common_pb2.ResourceListRequest, context: CallContext
    ) -> execution_pb2.ExecutionList:
        """The executions of a project and domain, errors trimmed; archived ones only if a filter asks for them."""
        if not request.HasField("id"):
            raise validation.missing("id")
        validation.parts(request.id, ("project", "domain"))
        conditions, order, start = self.wanted(request)
        lister = _Lister(self, context, request.id.project, request.id.domain)
        try:
            rows = await lister.rows(conditions, order, start, request.limit)
        except filters.BadFilter as error:
            raise InvalidRequest(str(error)) from None
        return execution_pb2.ExecutionList(executions=rows, token=filters.next_token(start, len(rows), request.limit))

    def wanted(
        self, request: common_pb2.ResourceListRequest
    ) -> tuple[list[filters.Filter], filters.SortOrder | None, int]:
        """The conditions of a request, its default ones too, its order, and how many rows it skips."""
        asked, order, start = validation.query(request, filters.EXECUTION, "ListExecutions")
        conditions = list(asked)
        if request.id.name:
            conditions.append(filters.Filter(filters.EXECUTION, "eq", "execution_name", (request.id.name,)))
        if not any(one.field == "state" and one.entity == filters.EXECUTION for one in conditions):
            conditions.append(filters.Filter(filters.EXECUTION, "eq", "state", (str(execution_pb2.EXECUTION_ACTIVE),)))
        return conditions, order, start


class _Lister:
    """One list."""

    def __init__(self, calls: ListCalls, context: CallContext, project: str, domain: str) -> None:
        self._calls = calls
        self._reader = calls.reader
        self._archive = calls.archive
        self._lasting = calls.lasting
        self._context = context
        self._project = project
        self._domain = domain
        self._scope = v2_identifier_pb2.ProjectIdentifier(organization=ORG, name=project, domain=domain)

    async def rows(
        self, conditions: Sequence[filters.Filter], order: filters.SortOrder | None, start: int, limit: int
    ) -> list[execution_pb2.Execution]:
        archived = await self._archive.names(self._project, self._domain)
        named = _one_name(conditions)
        if named is not None:
            found = await self._named(named)
            return self._kept([found] if found is not None else [], conditions)[start : start + limit]
        pushed, left = self._split(conditions, bool(archived))
        sort = "created_at" if order is None else _SORTED.get(order.field, "")
        descending = order is not None and order.descending
        if order is not None and not sort:
            every = [one async for one in self._pages(pushed, "created_at", descending=False, start=0)]
            kept = filters.sort(self._kept(every, left), order, columns.column(columns.EXECUTION))
            return kept[start : start + limit]
        if not left:
            found_rows = [
                one async for one in self._pages(pushed, sort, descending=descending, start=start, most=limit)
            ]
            return found_rows[:limit]
        rows: list[execution_pb2.Execution] = []
        async for one in self._pages(pushed, sort, descending=descending, start=0):
            rows += self._kept([one], left)
            if len(rows) >= start + limit:
                break
        return rows[start : start + limit]

    def _kept(
        self, rows: list[execution_pb2.Execution], conditions: Sequence[filters.Filter]
    ) -> list[execution_pb2.Execution]:
        return [row for row in rows if all(holds(one, row) for one in conditions)]

    # -- what Flyte 2 does --------------------------------------------------------------------------------------------

    def _split(
        self, conditions: Sequence[filters.Filter], archived: bool
    ) -> tuple[list[list_pb2.Filter], list[filters.Filter]]:
        """The conditions that Flyte 2 can hold, and those that are left."""
        pushed, left = [], []
        for one in conditions:
            made = _pushed(one)
            if made is not None:
                pushed.append(made)
            active = one.field == "state" and one.function == "eq" and one.values == ("0",)
            exact = made is not None and one.field != "phase"
            if not exact and not (active and not archived):
                left.append(one)
        return pushed, left

    async def _pages(
        self, pushed: list[list_pb2.Filter], sort: str, *, descending: bool, start: int, most: int | None = None
    ) -> AsyncIterator[execution_pb2.Execution]:
        token, left = (str(start) if start else ""), most
        while left is None or left > 0:
            size = MOST if left is None else min(MOST, left)
            asked = query(*pushed, sort=sort, descending=descending, limit=size, token=token)
            page = await self._reader.backend.list_runs(project_id=self._scope, request=asked)
            for row in await together(partial(self._row, run.action) for run in page.runs):
                if row is not None:
                    yield row
            left = None if left is None else left - len(page.runs)
            token = page.token
            if not token:
                return

    async def _named(self, name: str) -> execution_pb2.Execution | None:
        asked = identifier_pb2.WorkflowExecutionIdentifier(project=self._project, domain=self._domain, name=name)
        try:
            view = await self._reader.run(asked, self._context)
        except NotFound:
            return None
        plan = await self._reader.plan(view)
        found = to_message(view, plan)
        await self._calls.tell_failing(found, plan, self._context)
        await self._finish(found)
        return found

    async def _row(self, action: Any) -> execution_pb2.Execution | None:
        """A listed run as an execution."""
        known = await self._settings(action)
        if known is None:
            return None
        found = execution_pb2.Execution()
        found.CopyFrom(known.message)
        execution.stand(found, action)
        await self._calls.tell_failing(found, known.plan, self._context)
        if found.closure.phase in _ENDED:
            outcome = known.outcome
            if outcome.phase != found.closure.phase or outcome.phase != phase.Workflow.SUCCEEDED:
                outcome = await self._outcome(action)
            which = outcome.WhichOneof("output_result")
            if which is not None:
                getattr(found.closure, which).CopyFrom(getattr(outcome, which))
        await self._finish(found)
        return found

    async def _finish(self, found: execution_pb2.Execution) -> None:
        found.spec.ClearField("inputs")
        if found.closure.HasField("error"):
            found.closure.error.message = trimmed(found.closure.error.message)
        await self._archive.mark([found])

    async def _settings(self, action: Any) -> Lasting | None:
        """What a run was asked to be, from memory if possible: it never changes."""
        key = (caller(self._context), action.id.run.SerializeToString(deterministic=True))
        known = self._lasting.get(key)
        if known is None:
            try:
                details = await self._reader.backend.get_run(run_id=action.id.run)
            except NotFound:  # removed since it was listed
                return None
            view = RunView(details, execution.settings(details.run_spec, details.action.id.run))
            message = execution.lasting(details.run_spec, view.run_id)
            known = Lasting(message, await self._reader.plan(view), execution.outcome(details.action))
            complete(known.message, known.plan)
            self._lasting.put(key, known, known.message.ByteSize() + 500)
        return known

    async def _outcome(self, action: Any) -> execution_pb2.ExecutionClosure:
        details = await self._reader.details(action.id, self._context)
        return execution.outcome(details)


def _pushed(one: filters.Filter) -> list_pb2.Filter | None:
    """A condition in Flyte 2's words; None for one that it does not know."""
    if one.entity == filters.LAUNCH_PLAN and one.field == "name" and one.function in {"eq", "value_in"}:
        return where("task_name", *(_deployed(name) for name in one.values))
    if one.entity != filters.EXECUTION:
        return None
    if one.field == "phase" and one.function in {"eq", "value_in"}:
        phases = [cast("_Phase", _Phase.Value(name)) for name in one.values if name in _PHASES]
        wanted = {v2 for v1 in phases for v2 in phase.runs_in(v1)}
        return where("phase", *sorted(wanted)) if wanted else None
    if one.field in {"created_at", "execution_created_at"} and one.function in _COMPARED:
        return compare("created_at", _COMPARED[one.function], _utc(one.values[0]))
    return None


def _deployed(plan: str) -> str:
    return identifier.task_name(identifier.LAUNCH_PLAN, plan)


def _utc(written: str) -> str:
    """A time as Flyte 2 reads it.

    Raises:
        BadFilter: It is none.
    """
    return filters.time_of(written).isoformat().replace("+00:00", "Z")


def _one_name(conditions: Sequence[filters.Filter]) -> str | None:
    for one in conditions:
        if one.entity == filters.EXECUTION and one.field == "execution_name" and one.function == "eq":
            return one.values[0]
    return None


def holds(one: filters.Filter, row: execution_pb2.Execution) -> bool:
    """Whether a condition holds of an execution.

    Raises:
        BadFilter: Its value is none of the column's type.
    """
    if one.entity == filters.EXECUTION_TAG:
        return _tagged(one, row)
    table = _TABLES.get(one.entity)
    if table is None or one.field not in table:
        return False
    return one.matches(table[one.field](row))


def _of_task(read: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """A column of the task that runs alone; nothing of an execution of a launch plan."""
    return lambda row: read(row) if row.spec.launch_plan.resource_type == identifier_pb2.TASK else None


_TABLES = {
    filters.EXECUTION: columns.EXECUTION,
    filters.LAUNCH_PLAN: columns.LAUNCH_PLAN,
    filters.WORKFLOW: columns.WORKFLOW,
    filters.TASK: {field: _of_task(read) for field, read in columns.LAUNCH_PLAN.items()},
}


def _tagged(one: filters.Filter, row: execution_pb2.Execution) -> bool:
    """Whether any of an execution's tags matches: labels have a key and a value, tags a key alone."""
    pairs = [*row.spec.labels.values.items(), *((tag, "") for tag in row.spec.tags)]
    return any(one.matches(key if one.field == "key" else value) for key, value in pairs)
