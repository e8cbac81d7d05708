"""What lists and watches of runs and actions may be asked for: columns, scopes, filters."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from flyteidl2.common import list_pb2, phase_pb2
from flyteidl2.workflow import run_definition_pb2
from flyteidl2.workflow import run_service_pb2 as pb

from flyte_bridge.backend.phases import Phase
from flyte_bridge.embedded import filters, messages
from flyte_bridge.embedded.faults import InvalidRequest
from flyte_bridge.embedded.filters import Column, ColumnKind, OrderBy, Query

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from flyte_bridge.backend.keys import RunKey, TaskKey
    from flyte_bridge.embedded.ledger import Ledger
    from flyte_bridge.embedded.model import ActionRecord

_COLUMNS = {
    "project": Column("a.project"),
    "domain": Column("a.domain"),
    "run_name": Column("a.run_name"),
    "name": Column("a.name"),
    "parent_name": Column("a.parent"),
    "parent_action_name": Column("a.parent"),
    "action_group": Column("a.action_group"),
    "group": Column("a.action_group"),
    "phase": Column("a.phase", ColumnKind.NUMBER),
    "action_type": Column("a.type", ColumnKind.NUMBER),
    "run_source": Column("a.source", ColumnKind.NUMBER),
    "created_by": Column("a.subject"),
    "created_by_subject": Column("a.subject"),
    "trigger_task_name": Column("a.trigger_task_name"),
    "trigger_name": Column("a.trigger_name"),
    "trigger_revision": Column("a.trigger_revision", ColumnKind.NUMBER),
    "trigger_type": Column("a.trigger_type", ColumnKind.NUMBER),
    "task_project": Column("a.task_project"),
    "task_domain": Column("a.task_domain"),
    "task_name": Column("a.task_name"),
    "task_version": Column("a.task_version"),
    "function_name": Column("a.function_name"),
    "environment_name": Column("a.environment"),
    "created_at": Column("a.created_at", ColumnKind.TIME),
    "updated_at": Column("a.updated_at", ColumnKind.TIME),
    "ended_at": Column("a.ended_at", ColumnKind.TIME),
    "duration_ms": Column("a.duration_ms", ColumnKind.NUMBER),
}
"""The real backend's columns, and those its own SDK filters by in vain there (name, parent_name, created_by, group)."""

_DEFAULT = (
    OrderBy(_COLUMNS["phase"]),
    OrderBy(_COLUMNS["created_at"], descending=True),
    OrderBy(_COLUMNS["run_name"], descending=True),
    OrderBy(_COLUMNS["name"], descending=True),
)
_TIE = (OrderBy(_COLUMNS["run_name"], descending=True), OrderBy(_COLUMNS["name"], descending=True))
_LABEL = "labels."
_F = list_pb2.Filter


def runs(ledger: Ledger, request: pb.ListRunsRequest) -> tuple[list[ActionRecord], str]:
    """A page of runs.

    Raises:
        InvalidRequest: The request asks for what there is not.
    """
    query = filters.read(request.request, _COLUMNS, _DEFAULT, _TIE, special=_special)
    # IS NULL and the scope come first, so that the planner sees the partial indexes
    query.clauses.insert(0, "a.parent IS NULL")
    scope = request.WhichOneof("scope_by")
    if scope == "project_id":
        _equal(query, project=request.project_id.name, domain=request.project_id.domain)
    elif scope == "trigger_name":
        name = request.trigger_name
        _equal(
            query, project=name.project, domain=name.domain, trigger_name=name.name, trigger_task_name=name.task_name
        )
    elif scope == "task_name":
        task = request.task_name
        _equal(query, task_project=task.project, task_domain=task.domain, task_name=task.name)
    elif scope == "task_id":
        version = request.task_id
        _equal(
            query,
            task_project=version.project,
            task_domain=version.domain,
            task_name=version.name,
            task_version=version.version,
        )
    if request.paused_actions_only:
        query.where(
            "EXISTS (SELECT 1 FROM actions p WHERE p.project = a.project AND p.domain = a.domain "
            "AND p.run_name = a.run_name AND p.phase = 9)"
        )
    return _page(ledger, query)


def actions(ledger: Ledger, key: RunKey, request: list_pb2.ListRequest) -> tuple[list[ActionRecord], str]:
    """A page of a run's actions.

    Raises:
        InvalidRequest: The request asks for what there is not.
    """
    query = filters.read(request, _COLUMNS, _DEFAULT, _TIE, special=_special)
    _equal(query, project=key.project, domain=key.domain, run_name=key.name)
    return _page(ledger, query)


def _page(ledger: Ledger, query: Query) -> tuple[list[ActionRecord], str]:
    sql, values = query.tail()
    rows, token = filters.page(query, ledger.rows(sql, values), lambda row: filters.row_values(query, row))
    return [ledger.load(row) for row in rows], token


def _equal(query: Query, **columns: str) -> None:
    """Adds equalities; an empty value of a scope means any."""
    for name, value in columns.items():
        if value:
            query.where(f"a.{name} = ?", value)


def _special(query: Query, one: list_pb2.Filter) -> bool:
    if one.field.startswith(_LABEL):
        _label(query, one)
        return True
    if one.field == "phase" and one.function == _F.EQUAL and len(one.values) > 1:
        # flyte 2.12 passes the text where a list of texts is due: phase 10 arrives as "1", "0"
        query.where("a.phase = ?", _phase("".join(one.values)))
        return True
    if one.field == "run_source" and one.values and not one.values[0].lstrip("-").isdigit():
        names = run_definition_pb2.RunSource
        if not set(one.values) <= set(names.keys()):
            raise InvalidRequest(f"run_source is one of {', '.join(names.keys())}, not {', '.join(one.values)}")
        number = _F(function=one.function, field=one.field, values=[str(names.Value(value)) for value in one.values])
        filters.apply(query, number, _COLUMNS["run_source"])
        return True
    return False


def _phase(text: str) -> int:
    if not text.isdigit() or int(text) not in phase_pb2.ActionPhase.values():
        raise InvalidRequest(f"phase is a number from 0 to {max(Phase)}, not {text!r}")
    return int(text)


def _label(query: Query, one: list_pb2.Filter) -> None:
    key = one.field.removeprefix(_LABEL)
    there = "EXISTS (SELECT 1 FROM run_labels l WHERE l.action_id = a.id AND l.key = ?"
    if one.function == _F.EXISTS:
        query.where(f"{there})", key)
    elif one.function == _F.NOT_EXISTS:
        query.where(f"NOT {there})", key)
    elif one.function in {_F.EQUAL, _F.VALUE_IN} and one.values:
        marks = ", ".join("?" * len(one.values))
        query.where(f"{there} AND l.value IN ({marks}))", key, *one.values)
    elif one.function in {_F.NOT_EQUAL, _F.VALUE_NOT_IN} and one.values:
        marks = ", ".join("?" * len(one.values))
        query.where(f"NOT {there} AND l.value IN ({marks}))", key, *one.values)
    else:
        raise InvalidRequest(f"labels are filtered by EQUAL, NOT_EQUAL, VALUE_IN, VALUE_NOT_IN, EXISTS, not {one}")


# -- watches ----------------------------------------------------------------------------------------------------------


def in_scope(record: ActionRecord, request: pb.WatchRunsRequest) -> bool:
    """Whether a run belongs to a watch's target."""
    target = request.WhichOneof("target")
    if target == "project_id":
        return (record.key.project, record.key.domain) == (request.project_id.name, request.project_id.domain)
    if target == "task_id":
        wanted = messages.task_key(request.task_id)
        return record.task is not None and record.task == wanted
    return True


def matcher(asked: Sequence[list_pb2.Filter]) -> Callable[[ActionRecord], bool]:
    """The filters of WatchActions, the two that the real backend knows: phases, and a part of the name.

    Raises:
        InvalidRequest: Another filter.
    """
    phases: set[int] | None = None
    parts: list[str] = []
    for one in asked:
        if one.field.lower() == "phase" and one.function in {_F.VALUE_IN, _F.EQUAL}:
            wanted = {_phase(value) for value in one.values}
            phases = wanted if phases is None else phases & wanted
        elif one.field.lower() == "name" and one.function == _F.CONTAINS_CASE_INSENSITIVE:
            parts += [value.lower() for value in one.values]
        else:
            raise InvalidRequest("WatchActions filters by phase (VALUE_IN) and name (CONTAINS_CASE_INSENSITIVE) only")

    def fits(record: ActionRecord) -> bool:
        shown = (record.short_name or record.key.name).lower()
        return (phases is None or record.phase in phases) and all(p in shown or p in record.key.name for p in parts)

    return fits


class PhaseCounts:
    """The phases of a run's actions, kept up to date, so that each change costs the same however many there are."""

    def __init__(self) -> None:
        self._phase: dict[str, Phase] = {}
        self._last: dict[str, ActionRecord] = {}
        self._counts: dict[str, Counter[int]] = defaultdict(Counter)
        self._open = 0

    @property
    def ended(self) -> bool:
        """Whether nothing more can happen."""
        return self._open == 0

    def put(self, record: ActionRecord) -> None:
        """Takes in an action as it stands."""
        name = record.key.name
        before = self._phase.get(name)
        if before is not None:
            self._open -= not before.terminal
        self._open += not record.phase.terminal
        if record.parent is not None:
            counts = self._counts[record.parent]
            if before is not None:
                counts[before] -= 1
            counts[record.phase] += 1
        self._phase[name] = record.phase
        self._last[name] = record

    def put_all(self, records: Iterable[ActionRecord]) -> list[ActionRecord]:
        """Takes in changes; returns them, and the parents whose counts they changed."""
        touched: dict[str, ActionRecord] = {}
        changes = []
        for record in records:
            before = self._phase.get(record.key.name)
            self.put(record)
            changes.append(record)
            if record.parent is not None and before != record.phase and record.parent in self._last:
                touched[record.parent] = self._last[record.parent]
        told = {record.key.name for record in changes}
        return changes + [record for name, record in touched.items() if name not in told]

    def enrich(self, record: ActionRecord, fits: Callable[[ActionRecord], bool]) -> run_definition_pb2.EnrichedAction:
        """An action with its children's phases counted."""
        counts = {int(phase): count for phase, count in self._counts.get(record.key.name, {}).items() if count}
        return run_definition_pb2.EnrichedAction(
            action=messages.action(record, record.run_spec), meets_filter=fits(record), children_phase_counts=counts
        )


def latest_run(ledger: Ledger, key: TaskKey, *, any_version: bool) -> ActionRecord | None:
    """The newest run of a task, or of one version of it; None if it never ran."""
    version = "" if any_version else " AND a.task_version = ?"
    values = [key.project, key.domain, key.name, *([] if any_version else [key.version])]
    rows = ledger.rows(
        f"WHERE a.parent IS NULL AND a.project = ? AND a.domain = ? AND a.task_name = ?{version} "
        "ORDER BY a.created_at DESC LIMIT 1",
        values,
    )
    return ledger.load(rows[0]) if rows else None
