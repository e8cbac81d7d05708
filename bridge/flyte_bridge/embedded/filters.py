"""`common.ListRequest` → SQL: filters, sorts, limit and page token, the same for every list.

Tokens are keysets (the last row's sort values), so that runs created between two pages neither hide nor repeat a row;
the real backend's are offsets, which shift. A decimal token is still taken as an offset. All filter values travel as
strings. Functions, limits and refusals follow `runs/repository/impl/filters.go` and `requests.go`; where that one fails
with INTERNAL (VALUE_IN with one value, CONTAINS on numbers) this one does what was asked, or refuses properly.
"""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any

from flyteidl2.common import list_pb2

from flyte_bridge.backend.moments import parse_time
from flyte_bridge.embedded.faults import InvalidRequest
from flyte_bridge_translators.wire.enum_name import enum_name

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Mapping, Sequence

DEFAULT_LIMIT = 50
MAX_LIMIT = 200


class ColumnKind(Enum):
    """How a column's values compare."""

    TEXT = "text"
    NUMBER = "number"
    TIME = "time"  # RFC 3339 outside, microseconds inside


@dataclass(frozen=True)
class Column:
    """A name of the API and the SQL it stands for."""

    sql: str
    kind: ColumnKind = ColumnKind.TEXT


@dataclass(frozen=True)
class OrderBy:
    """One column of an ORDER BY."""

    column: Column
    descending: bool = False


@dataclass
class Query:
    """A SELECT's tail under construction.

    Attributes:
        clauses: Conditions, ANDed.
        values: Their values, in order.
    """

    clauses: list[str] = field(default_factory=list)
    values: list[Any] = field(default_factory=list)
    order: tuple[OrderBy, ...] = ()
    limit: int = DEFAULT_LIMIT
    offset: int = 0

    def where(self, clause: str, *values: Any) -> None:
        """Adds a condition."""
        self.clauses.append(clause)
        self.values.extend(values)

    @property
    def conditions(self) -> str:
        """The WHERE alone, as a count wants it."""
        return f"WHERE {' AND '.join(self.clauses)}" if self.clauses else ""

    def tail(self) -> tuple[str, list[Any]]:
        """WHERE … ORDER BY … LIMIT with one row more than asked for, which tells whether there is a next page."""
        order = ", ".join(f"{o.column.sql} {'DESC' if o.descending else 'ASC'}" for o in self.order)
        sql = f"{self.conditions} ORDER BY {order} LIMIT ? OFFSET ?"
        return sql, [*self.values, self.limit + 1, self.offset]


def read(
    request: list_pb2.ListRequest,
    columns: Mapping[str, Column],
    default: Sequence[OrderBy],
    tie: Sequence[OrderBy],
    *,
    special: Callable[[Query, list_pb2.Filter], bool] | None = None,
) -> Query:
    """A request's filters, sorts and page as a query.

    Args:
        request: As received.
        columns: What may be filtered and sorted by.
        default: The order where the request names none.
        tie: Columns that make any order total; appended where missing.
        special: Tried on each filter first; tells whether it took it.

    Raises:
        InvalidRequest: An unknown column or function, a value that does not fit, a limit or token out of bounds.
    """
    query = Query(limit=_limit(request.limit))
    for one in request.filters:
        if special is None or not special(query, one):
            _filter(query, one, columns)
    query.order = _order(request, columns, default, tie)
    if request.token:
        _continue(query, request.token)
    return query


def _limit(limit: int) -> int:
    if limit > MAX_LIMIT:
        raise InvalidRequest(f"limit {limit} is above {MAX_LIMIT}; ask for pages and follow the token")
    return limit or DEFAULT_LIMIT


# -- filters ----------------------------------------------------------------------------------------------------------

_F = list_pb2.Filter
_COMPARE = {
    _F.EQUAL: "=",
    _F.NOT_EQUAL: "<>",
    _F.GREATER_THAN: ">",
    _F.GREATER_THAN_OR_EQUAL: ">=",
    _F.LESS_THAN: "<",
    _F.LESS_THAN_OR_EQUAL: "<=",
}
# instr and substr, not LIKE: values may hold wildcards, and LIKE ignores case
_TEXT = {
    _F.CONTAINS: "instr({c}, ?) > 0",
    _F.CONTAINS_CASE_INSENSITIVE: "instr(lower({c}), lower(?)) > 0",
    _F.ENDS_WITH: "substr({c}, -length(?)) = ?",
    _F.NOT_ENDS_WITH: "substr({c}, -length(?)) <> ?",
}


def _filter(query: Query, one: list_pb2.Filter, columns: Mapping[str, Column]) -> None:
    column = columns.get(one.field)
    if column is None:
        raise InvalidRequest(f"cannot filter by {one.field!r}; the columns are: {', '.join(sorted(columns))}")
    apply(query, one, column)


def apply(query: Query, one: list_pb2.Filter, column: Column) -> None:
    """Adds one filter on one column.

    Raises:
        InvalidRequest: The function is unknown, or does not fit the column or the number of values.
    """
    function = one.function
    name = enum_name(_F.Function, function)
    if not one.values:
        raise InvalidRequest(f"filter {name} on {one.field!r} has no value")
    if function in {_F.VALUE_IN, _F.VALUE_NOT_IN}:
        marks = ", ".join("?" * len(one.values))
        negation = "NOT " if function == _F.VALUE_NOT_IN else ""
        query.where(f"{column.sql} {negation}IN ({marks})", *(_value(column, one.field, v) for v in one.values))
        return
    if len(one.values) != 1:
        raise InvalidRequest(f"filter {name} on {one.field!r} takes one value, not {len(one.values)}")
    if function in _COMPARE:
        query.where(f"{column.sql} {_COMPARE[function]} ?", _value(column, one.field, one.values[0]))
    elif function in _TEXT:
        if column.kind is not ColumnKind.TEXT:
            raise InvalidRequest(f"filter {name} needs text, {one.field!r} is a {column.kind.value}")
        clause = _TEXT[function].format(c=column.sql)
        query.where(clause, *[one.values[0]] * clause.count("?"))
    else:
        raise InvalidRequest(f"filter function {name} is not supported")


def _value(column: Column, name: str, text: str) -> Any:
    if column.kind is ColumnKind.NUMBER:
        try:
            return int(text)
        except ValueError:
            raise InvalidRequest(f"{name!r} is compared with whole numbers, not {text!r}") from None
    if column.kind is ColumnKind.TIME:
        return parse_time(name, text)
    return text


# -- order and pages --------------------------------------------------------------------------------------------------


def _order(
    request: list_pb2.ListRequest, columns: Mapping[str, Column], default: Sequence[OrderBy], tie: Sequence[OrderBy]
) -> tuple[OrderBy, ...]:
    asked = list(request.sort_by_fields)
    if not asked and request.HasField("sort_by") and request.sort_by.key:
        asked = [request.sort_by]
    order: list[OrderBy] = []
    for sort in asked:
        column = columns.get(sort.key)
        if column is None:
            raise InvalidRequest(f"cannot sort by {sort.key!r}; the columns are: {', '.join(sorted(columns))}")
        order.append(OrderBy(column, sort.direction == list_pb2.Sort.DESCENDING))
    order = order or list(default)
    order += [more for more in tie if more.column.sql not in {o.column.sql for o in order}]
    return tuple(order)


def _continue(query: Query, token: str) -> None:
    if token.isascii() and token.isdigit():
        query.offset = int(token)
        return
    try:
        last = json.loads(base64.urlsafe_b64decode(token.encode() + b"=="))
        if not isinstance(last, list) or len(last) != len(query.order):
            raise ValueError
    except (ValueError, binascii.Error):
        raise InvalidRequest(f"page token {token!r} is not one of this list's; start without one") from None
    # (a, b, c) after (x, y, z): a > x, or a = x and b > y, or …; NULL sorts first in SQLite
    alternatives: list[str] = []
    values: list[Any] = []
    equal, equal_values = "", list[Any]()
    for order, value in zip(query.order, last, strict=True):
        sql = order.column.sql
        if value is None:
            after = "" if order.descending else f"{sql} IS NOT NULL"
            after_values: list[Any] = []
        elif order.descending:
            after, after_values = f"({sql} < ? OR {sql} IS NULL)", [value]
        else:
            after, after_values = f"{sql} > ?", [value]
        if after:
            alternatives.append(f"({equal}{after})")
            values += [*equal_values, *after_values]
        equal += f"{sql} IS ? AND "
        equal_values.append(value)
    query.where(f"({' OR '.join(alternatives)})" if alternatives else "0", *values)


def page(query: Query, rows: Sequence[Any], values: Callable[[Any], Sequence[Any]]) -> tuple[Sequence[Any], str]:
    """Cuts the row too many, and makes the token that continues after the last of the rest.

    Args:
        query: What was asked.
        rows: Up to `limit + 1` of them.
        values: A row's values of `query.order`, in its order.
    """
    if len(rows) <= query.limit:
        return rows, ""
    rows = rows[: query.limit]
    token = base64.urlsafe_b64encode(json.dumps(list(values(rows[-1])), separators=(",", ":")).encode())
    return rows, token.decode().rstrip("=")


def row_values(query: Query, row: sqlite3.Row) -> list[Any]:
    """A row's values of the query's order, where each column's SQL is its name, maybe with the table's before it."""
    return [row[order.column.sql.rpartition(".")[2]] for order in query.order]
