"""Filters, sort orders and page tokens of Flyte 1's list calls, as flyteadmin 1.16 reads them.

A filter is `function(field,value)`; several are joined by `+`, all must hold, and values of `value_in` are joined by `;`.
A field is a column of the listed entity's table, or of another's with its prefix (`workflow.name`). A page token is the
number of rows before the page. What a list has in hand are rows: `matches` and `sort` take each column's value as Python
has it (text, number, `datetime`, `timedelta`), `None` for one that is not set.

Sources: `flyteadmin/pkg/manager/impl/util/filters.go`, `pkg/common/{filters,sorting}.go`, `pkg/repositories/models/*.go`
(v1.16.8). One rule is wider than 1.16's: `project`, `domain` and `name` of executions, which earlier flyteadmins took and
1.16 only knows as `execution_project` and so on, are accepted.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from flyteidl.admin import common_pb2

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

EXECUTION, LAUNCH_PLAN, NODE_EXECUTION, TASK, TASK_EXECUTION, WORKFLOW = "e", "l", "ne", "t", "te", "w"
NAMED_ENTITY, NAMED_ENTITY_METADATA, PROJECT, SIGNAL, ADMIN_TAG, EXECUTION_TAG = "nen", "nem", "p", "s", "at", "et"
DESCRIPTION = "de"
"""Entities, by flyteadmin's short names for them, which its messages show."""

_PREFIXES = {
    "task": TASK,
    "workflow": WORKFLOW,
    "launch_plan": LAUNCH_PLAN,
    "execution": EXECUTION,
    "node_execution": NODE_EXECUTION,
    "task_execution": TASK_EXECUTION,
    "entities": NAMED_ENTITY,
    "named_entity_metadata": NAMED_ENTITY_METADATA,
    "project": PROJECT,
    "signal": SIGNAL,
    "admin_tag": ADMIN_TAG,
    "execution_admin_tag": "eat",
    "execution_tag": EXECUTION_TAG,
}

_JOINS = {
    EXECUTION: {EXECUTION, LAUNCH_PLAN, WORKFLOW, TASK, ADMIN_TAG, EXECUTION_TAG},
    LAUNCH_PLAN: {LAUNCH_PLAN, WORKFLOW},
    NODE_EXECUTION: {NODE_EXECUTION, EXECUTION},
    TASK: {TASK},
    TASK_EXECUTION: {TASK_EXECUTION, TASK, EXECUTION, NODE_EXECUTION},
    WORKFLOW: {WORKFLOW},
    NAMED_ENTITY: {NAMED_ENTITY, NAMED_ENTITY_METADATA},
    PROJECT: {PROJECT},
    SIGNAL: {SIGNAL},
}
"""Whose columns a list of the entity may be filtered by."""

_BASE = "id created_at updated_at deleted_at"
_NAMED = "project domain name version"
_EXECUTION = "execution_project execution_domain execution_name"
COLUMNS = {
    entity: frozenset(columns.split())
    for entity, columns in {
        TASK: f"{_BASE} {_NAMED} closure digest type short_description",
        WORKFLOW: f"{_BASE} {_NAMED} typed_interface remote_closure_identifier digest short_description",
        LAUNCH_PLAN: f"{_BASE} {_NAMED} spec workflow_id closure state digest schedule_type launch_condition_type",
        NAMED_ENTITY: "resource_type project domain name description state",
        NAMED_ENTITY_METADATA: f"{_BASE} resource_type project domain name description state",
        PROJECT: f"{_BASE} identifier name description labels state",
        DESCRIPTION: f"{_BASE} {_NAMED} resource_type short_description long_description link",
        EXECUTION: f"{_BASE} {_EXECUTION} launch_plan_id workflow_id task_id phase closure spec started_at "
        "execution_created_at execution_updated_at duration abort_cause mode source_execution_id parent_node_execution_id "
        "cluster inputs_uri user_inputs_uri error_kind error_code user state launch_entity",
        NODE_EXECUTION: f"{_BASE} {_EXECUTION} node_id phase input_uri closure started_at node_execution_created_at "
        "node_execution_updated_at duration node_execution_metadata parent_id parent_task_execution_id error_kind "
        "error_code cache_status dynamic_workflow_remote_closure_reference internal_data",
        TASK_EXECUTION: f"{_BASE} {_NAMED} {_EXECUTION} node_id retry_attempt phase phase_version input_uri closure "
        "started_at task_execution_created_at task_execution_updated_at duration",
        SIGNAL: f"{_BASE} {_EXECUTION} signal_id type value",
        ADMIN_TAG: f"{_BASE} name",
        EXECUTION_TAG: f"{_BASE} {_EXECUTION} key value",
    }.items()
}
"""The columns of each entity's table; of most, only the readable ones are of use in a filter."""

_OF_EXECUTIONS = {EXECUTION, NODE_EXECUTION, TASK_EXECUTION, SIGNAL}
_FILTER = re.compile(r"(.+)\((.+),\s?(.+)\)", re.ASCII)
_DURATION = re.compile(r"([0-9]*\.?[0-9]+|[0-9]+\.)(ns|us|µs|μs|ms|s|m|h)")
_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_MANY = {"value_in", "value_not_in"}


class BadFilter(ValueError):
    """Raised when a filter, a sort order, a limit or a token cannot be; flyteadmin's message, INVALID_ARGUMENT."""


@dataclass(frozen=True)
class Filter:
    """One condition on one column.

    Attributes:
        entity: Whose column; `execution_tag` stands for `admin_tag` too, and metadata's of named entities for `state`
            and `description`.
        function: `eq`, `contains` and so on.
        field: The column.
        values: As they were written; one, except for `value_in` and `value_not_in`.
    """

    entity: str
    function: str
    field: str
    values: tuple[str, ...]

    def matches(self, value: Any) -> bool:
        """Whether a row whose column has this value is listed; nothing holds for `None`, as in SQL.

        Raises:
            BadFilter: The filter's value is none of the column's type.
        """
        if value is None:
            return False
        return _FUNCTIONS[self.function](value, self.values)


@dataclass(frozen=True)
class SortOrder:
    """How a list is sorted: by one column of the listed entity's."""

    field: str
    descending: bool


def parse(text: str, primary: str) -> tuple[Filter, ...]:
    """The conditions of a `filters` field.

    Args:
        text: As the request has it; empty means no condition.
        primary: The listed entity.

    Raises:
        BadFilter: It cannot be read, or names what the entity has not.
    """
    return tuple(_filter(expression, primary) for expression in text.split("+")) if text else ()


def _filter(expression: str, primary: str) -> Filter:
    found = _FILTER.search(expression)
    if found is None:
        raise BadFilter("invalid value for filters")
    function, written, value = found.groups()
    prefix, dot, rest = written.partition(".")
    known = dot and prefix in _PREFIXES
    entity, field = (_PREFIXES[prefix], rest) if known else (primary, written)
    if entity not in _JOINS.get(primary, ()):
        raise BadFilter(f"'{entity}' entity is not allowed in filters")
    if entity in _OF_EXECUTIONS and f"execution_{field}" in COLUMNS[entity] and field in ("project", "domain", "name"):
        field = f"execution_{field}"
    if field not in COLUMNS[entity]:
        raise BadFilter(f"'{entity}.{field}' is invalid filter")
    values = tuple(value.split(";"))
    if field == "duration":
        values = tuple(str(_duration(one)) for one in values)
    if function not in _FUNCTIONS:
        raise BadFilter(f"unrecognized filter function: {function}")
    if len(values) > 1 and function not in _MANY:
        raise BadFilter(f"{function}({written},…) takes one value and got {len(values)} joined by ';': use value_in")
    if entity == ADMIN_TAG:
        entity, field = EXECUTION_TAG, "key" if field == "name" else field
    if entity == NAMED_ENTITY and field in ("description", "state"):
        entity = NAMED_ENTITY_METADATA
    return Filter(entity, function, field, values)


def order(sort_by: common_pb2.Sort | None, primary: str) -> SortOrder | None:
    """The sort order of a request; None when it has none. One without a key is refused, as flyteadmin does.

    Raises:
        BadFilter: It names no column of the entity's.
    """
    if sort_by is None:
        return None
    if sort_by.key not in COLUMNS[primary]:
        raise BadFilter(f"invalid sort key '{sort_by.key}'")
    if sort_by.direction not in common_pb2.Sort.Direction.values():
        raise BadFilter(f"invalid sort order specified: {sort_by.direction}")
    return SortOrder(sort_by.key, sort_by.direction == common_pb2.Sort.DESCENDING)


def offset(token: str, call: str = "") -> int:
    """How many rows a page token skips.

    Args:
        token: As the request has it; empty means none.
        call: The RPC, for the message.

    Raises:
        BadFilter: It is no whole number from 0.
    """
    if not token:
        return 0
    if not re.fullmatch(r"[+-]?[0-9]{1,18}", token, re.ASCII) or int(token) < 0:
        raise BadFilter(f"invalid pagination token {token}{f' for {call}' if call else ''}")
    return int(token)


def check_limit(limit: int) -> None:
    """Hold that a list asks for rows.

    Raises:
        BadFilter: The limit is 0.
    """
    if limit == 0:
        raise BadFilter("invalid value for limit")


def next_token(start: int, found: int, limit: int) -> str:
    """The token of the page after this one; empty unless this one is full.

    Args:
        start: How many rows were skipped.
        found: How many rows the page has.
        limit: How many it may have.
    """
    return str(start + found) if found == limit else ""


def sort(rows: Iterable[Any], by: SortOrder | None, column: Callable[[Any, str], Any]) -> list[Any]:
    """Rows in the order asked for, else as they come; as in PostgreSQL, rows without a value count as the largest.

    Args:
        rows: Of any kind.
        by: The order.
        column: Gives a row's value of a column.
    """
    if by is None:
        return list(rows)
    return sorted(rows, key=lambda row: _sortable(column(row, by.field)), reverse=by.descending)


def _sortable(value: Any) -> tuple[bool, Any]:
    return (True, 0) if value is None else (False, value)


# -- values -----------------------------------------------------------------------------------------------------------


def _as(value: Any, written: str) -> Any:
    """What was written, as the type the column's value has."""
    try:
        if isinstance(value, datetime):
            return _time(written)
        if isinstance(value, timedelta):
            return timedelta(seconds=float(written))
        if isinstance(value, bool):
            return {"true": True, "t": True, "1": True, "false": False, "f": False, "0": False}[written.strip().lower()]
        if isinstance(value, (int, float)):
            return float(written)
    except (ValueError, KeyError, OverflowError):
        kind = {datetime: "timestamp with time zone", bool: "boolean"}.get(type(value), "bigint")
        raise BadFilter(f'invalid input syntax for type {kind}: "{written}"') from None
    return written


def time_of(written: str) -> datetime:
    """A time as a filter writes it.

    Raises:
        BadFilter: It is none.
    """
    try:
        return _time(written)
    except ValueError:
        raise BadFilter(f'invalid input syntax for type timestamp with time zone: "{written}"') from None


@lru_cache(maxsize=256)
def _time(written: str) -> datetime:
    text = written.strip().replace(" ", "T", 1)
    text = re.sub(r"[zZ]$", "+00:00", text)
    text = re.sub(r"\.(\d+)", lambda found: "." + found[1][:6].ljust(6, "0"), text)  # Python 3.10 reads 3 or 6 digits
    text = re.sub(r"([+-]\d\d)$", r"\1:00", text) if "T" in text else text
    time = datetime.fromisoformat(text)
    return time if time.tzinfo else time.replace(tzinfo=timezone.utc)


def _duration(written: str) -> float:
    """Seconds, of a number of them or of Go's notation."""
    text = written.strip()
    try:
        return float(text)
    except ValueError:
        bare = text.lstrip("+-")
        parts = _DURATION.findall(bare)
        if not parts or "".join(number + unit for number, unit in parts) != bare:
            raise BadFilter(f"Failed to parse duration [{written}]") from None
        return (-1 if text.startswith("-") else 1) * sum(float(number) * _UNITS[unit] for number, unit in parts)


@lru_cache(maxsize=256)
def _like(pattern: str) -> re.Pattern[str]:
    """SQL's LIKE: `%` any text, `_` any character, a backslash takes their meaning."""
    parts, characters = [], iter(pattern)
    for character in characters:
        if character == "\\":
            parts.append(re.escape(next(characters, "\\")))
        else:
            parts.append({"%": ".*", "_": "."}.get(character) or re.escape(character))
    return re.compile("".join(parts), re.DOTALL)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise BadFilter(f"contains and not_like are for text, and the column holds a {type(value).__name__}")
    return value


def _contains(value: Any, written: Sequence[str]) -> bool:
    return _like(f"%{written[0]}%").fullmatch(_text(value)) is not None


def _not_like(value: Any, written: Sequence[str]) -> bool:
    return _like(written[0]).fullmatch(_text(value)) is None


_FUNCTIONS: dict[str, Callable[[Any, Sequence[str]], bool]] = {
    "contains": _contains,
    "not_like": _not_like,
    "gt": lambda value, written: bool(value > _as(value, written[0])),
    "gte": lambda value, written: bool(value >= _as(value, written[0])),
    "lt": lambda value, written: bool(value < _as(value, written[0])),
    "lte": lambda value, written: bool(value <= _as(value, written[0])),
    "eq": lambda value, written: bool(value == _as(value, written[0])),
    "ne": lambda value, written: bool(value != _as(value, written[0])),
    "value_in": lambda value, written: any(value == _as(value, one) for one in written),
    "value_not_in": lambda value, written: all(value != _as(value, one) for one in written),
}
