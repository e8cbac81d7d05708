"""What lists are asked with: filters, order and pages, within what the real backend can do.

It takes at most 200 rows at a time, ANDs the filters, wants a phase as its number in a string, and answers INTERNAL to
VALUE_IN with a single value (`runs/repository/impl/{requests,filters}.go`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flyteidl2.common import list_pb2

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterable

MOST = 200
"""Rows of a page at most."""


def where(field: str, *values: object) -> list_pb2.Filter:
    """The field has one of these values."""
    texts = [str(value) for value in values]
    function = list_pb2.Filter.EQUAL if len(texts) == 1 else list_pb2.Filter.VALUE_IN
    return list_pb2.Filter(function=function, field=field, values=texts)


def compare(field: str, function: str, value: object) -> list_pb2.Filter:
    """The field compares to the value as `list_pb2.Filter.Function` names it: `CONTAINS`, `GREATER_THAN`, …"""
    return list_pb2.Filter(function=function, field=field, values=[str(value)])


def query(
    *filters: list_pb2.Filter, sort: str = "", descending: bool = False, limit: int = MOST, token: str = ""
) -> list_pb2.ListRequest:
    """A page's worth of a list.

    Args:
        *filters: All of them hold.
        sort: The field to order by; the backend's own order if empty.
        descending: The greatest first.
        limit: Rows at most; 200 is the most there is.
        token: The page before's.
    """
    direction = list_pb2.Sort.DESCENDING if descending else list_pb2.Sort.ASCENDING
    by = [list_pb2.Sort(key=sort, direction=direction)] if sort else []
    return list_pb2.ListRequest(limit=min(limit, MOST), token=token, filters=filters, sort_by_fields=by)


async def pages(
    verb: Callable[..., Awaitable[Any]],
    rows: Callable[[Any], Iterable[Any]],
    request: list_pb2.ListRequest | None = None,
    **scope: Any,
) -> AsyncIterator[Any]:
    """Every row of a list, page after page.

    Offsets shift while rows are added, so that a row may come twice.

    Args:
        verb: One of the backend's lists.
        rows: What of its answer are the rows.
        request: The first page.
        **scope: What else the verb takes.
    """
    wanted = list_pb2.ListRequest()
    wanted.CopyFrom(request if request is not None else query())
    while True:
        answer = await verb(request=wanted, **scope)
        for row in rows(answer):
            yield row
        if not answer.token:
            return
        wanted.token = answer.token
