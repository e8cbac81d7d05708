"""The columns that flyteadmin's tables have, of messages that no table holds: for filters and sort orders of lists.

Values are as `wire.filter` compares them: text, numbers, `datetime`, `timedelta`; None for what is not set.
"""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any, TypeAlias

from flyteidl.admin import execution_pb2
from flyteidl.core import catalog_pb2, identifier_pb2
from flyteidl.core import execution_pb2 as core_execution_pb2

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from flyteidl.admin import node_execution_pb2, signal_pb2, task_execution_pb2

    from flyte_bridge_translators.wire import filter as filters

Row = Any
Columns = "Mapping[str, Callable[[Row], Any]]"


def when(stamp: Any) -> datetime | None:
    """A timestamp, None if it is not set."""
    return stamp.ToDatetime(tzinfo=timezone.utc) if stamp.seconds or stamp.nanos else None


def _lasts(duration: Any) -> timedelta | None:
    found: timedelta = duration.ToTimedelta()
    return found


def _set(value: str) -> str | None:
    return value or None


_Error = core_execution_pb2.ExecutionError
_Closure: TypeAlias = "execution_pb2.ExecutionClosure | node_execution_pb2.NodeExecutionClosure"


def _error_kind(closure: _Closure) -> str | None:
    return _Error.ErrorKind.Name(closure.error.kind) if closure.HasField("error") else None


def _error_code(closure: _Closure) -> str | None:
    return closure.error.code if closure.HasField("error") else None


EXECUTION: Mapping[str, Callable[[execution_pb2.Execution], Any]] = {
    "created_at": lambda row: when(row.closure.created_at),
    "updated_at": lambda row: when(row.closure.updated_at),
    "execution_created_at": lambda row: when(row.closure.created_at),
    "execution_updated_at": lambda row: when(row.closure.updated_at),
    "execution_project": lambda row: row.id.project,
    "execution_domain": lambda row: row.id.domain,
    "execution_name": lambda row: row.id.name,
    "phase": lambda row: core_execution_pb2.WorkflowExecution.Phase.Name(row.closure.phase),
    "started_at": lambda row: when(row.closure.started_at),
    "duration": lambda row: _lasts(row.closure.duration),
    "abort_cause": lambda row: row.closure.abort_metadata.cause,
    "mode": lambda row: int(row.spec.metadata.mode),
    "cluster": lambda row: row.spec.metadata.system_metadata.execution_cluster,
    "error_kind": lambda row: _error_kind(row.closure),
    "error_code": lambda row: _error_code(row.closure),
    "user": lambda row: row.spec.metadata.principal,
    "state": lambda row: int(row.closure.state_change_details.state),
    "launch_entity": lambda row: identifier_pb2.ResourceType.Name(row.spec.launch_plan.resource_type).lower(),
}
"""Of executions. Keys of other tables (`workflow_id` and the like) are numbers that exist in flyteadmin's database only."""

LAUNCH_PLAN: Mapping[str, Callable[[execution_pb2.Execution], Any]] = {
    "project": lambda row: row.spec.launch_plan.project,
    "domain": lambda row: row.spec.launch_plan.domain,
    "name": lambda row: row.spec.launch_plan.name,
    "version": lambda row: row.spec.launch_plan.version,
}
WORKFLOW: Mapping[str, Callable[[execution_pb2.Execution], Any]] = {
    "project": lambda row: row.closure.workflow_id.project,
    "domain": lambda row: row.closure.workflow_id.domain,
    "name": lambda row: row.closure.workflow_id.name,
    "version": lambda row: row.closure.workflow_id.version,
}

_NODE_PHASE = core_execution_pb2.NodeExecution.Phase
NODE: Mapping[str, Callable[[node_execution_pb2.NodeExecution], Any]] = {
    "created_at": lambda row: when(row.closure.created_at),
    "updated_at": lambda row: when(row.closure.updated_at),
    "node_execution_created_at": lambda row: when(row.closure.created_at),
    "node_execution_updated_at": lambda row: when(row.closure.updated_at),
    "execution_project": lambda row: row.id.execution_id.project,
    "execution_domain": lambda row: row.id.execution_id.domain,
    "execution_name": lambda row: row.id.execution_id.name,
    "node_id": lambda row: row.id.node_id,
    "phase": lambda row: _NODE_PHASE.Name(row.closure.phase),
    "input_uri": lambda row: row.input_uri,
    "started_at": lambda row: when(row.closure.started_at),
    "duration": lambda row: _lasts(row.closure.duration),
    "error_kind": lambda row: _error_kind(row.closure),
    "error_code": lambda row: _error_code(row.closure),
    "cache_status": lambda row: (
        catalog_pb2.CatalogCacheStatus.Name(row.closure.task_node_metadata.cache_status)
        if row.closure.HasField("task_node_metadata")
        else None
    ),
}

TASK: Mapping[str, Callable[[task_execution_pb2.TaskExecution], Any]] = {
    "created_at": lambda row: when(row.closure.created_at),
    "updated_at": lambda row: when(row.closure.updated_at),
    "task_execution_created_at": lambda row: when(row.closure.created_at),
    "task_execution_updated_at": lambda row: when(row.closure.updated_at),
    "project": lambda row: row.id.task_id.project,
    "domain": lambda row: row.id.task_id.domain,
    "name": lambda row: row.id.task_id.name,
    "version": lambda row: row.id.task_id.version,
    "execution_project": lambda row: row.id.node_execution_id.execution_id.project,
    "execution_domain": lambda row: row.id.node_execution_id.execution_id.domain,
    "execution_name": lambda row: row.id.node_execution_id.execution_id.name,
    "node_id": lambda row: row.id.node_execution_id.node_id,
    "retry_attempt": lambda row: row.id.retry_attempt,
    "phase": lambda row: core_execution_pb2.TaskExecution.Phase.Name(row.closure.phase),
    "phase_version": lambda _row: 0,
    "input_uri": lambda row: row.input_uri,
    "started_at": lambda row: when(row.closure.started_at),
    "duration": lambda row: _lasts(row.closure.duration),
}

SIGNAL: Mapping[str, Callable[[signal_pb2.Signal], Any]] = {
    "execution_project": lambda row: row.id.execution_id.project,
    "execution_domain": lambda row: row.id.execution_id.domain,
    "execution_name": lambda row: row.id.execution_id.name,
    "signal_id": lambda row: row.id.signal_id,
}


def column(columns: Mapping[str, Callable[[Any], Any]]) -> Callable[[Any, str], Any]:
    """How `wire.filter` reads a column of a row; None for one that only flyteadmin's own database has."""

    def read(row: Any, field: str) -> Any:
        made = columns.get(field)
        return made(row) if made is not None else None

    return read


def matching(
    rows: Iterable[Any], conditions: Sequence[filters.Filter], tables: Mapping[str, Mapping[str, Callable[[Any], Any]]]
) -> list[Any]:
    """The rows that all conditions hold of.

    Args:
        rows: Messages.
        conditions: As `wire.filter.parse` gives them.
        tables: The columns by the entity that a condition names.

    Raises:
        wire.filter.BadFilter: A condition's value is none of its column's type.
    """
    read = {entity: column(columns) for entity, columns in tables.items()}
    return [
        row
        for row in rows
        if all(one.entity in read and one.matches(read[one.entity](row, one.field)) for one in conditions)
    ]
