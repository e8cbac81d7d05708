"""Filters, sort orders and tokens of Flyte 1's list calls."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
from flyteidl.admin import common_pb2
from hypothesis import given
from hypothesis import strategies as st

from flyte_bridge_translators.wire import filter as filters
from flyte_bridge_translators.wire.filter import BadFilter, Filter, SortOrder

NOON = datetime(2026, 3, 1, 12, tzinfo=timezone.utc)


def test_no_text_is_no_condition() -> None:
    """An empty `filters` field lists everything."""
    assert filters.parse("", filters.TASK) == ()


def test_conditions_are_joined_by_plus_and_values_by_semicolon() -> None:
    """`+` joins conditions, `;` joins values, one space after the comma is skipped."""
    assert filters.parse("eq(name, a.b)+value_in(version,v1;v2)", filters.TASK) == (
        Filter("t", "eq", "name", ("a.b",)),
        Filter("t", "value_in", "version", ("v1", "v2")),
    )


@pytest.mark.parametrize(
    ("text", "primary", "expected"),
    [
        ("eq(workflow.name,w)", filters.LAUNCH_PLAN, Filter("w", "eq", "name", ("w",))),
        ("eq(launch_plan.version,v)", filters.EXECUTION, Filter("l", "eq", "version", ("v",))),
        ("eq(admin_tag.name,k)", filters.EXECUTION, Filter("et", "eq", "key", ("k",))),
        ("value_in(execution_tag.key,a;b)", filters.EXECUTION, Filter("et", "value_in", "key", ("a", "b"))),
        ("eq(project.name,p)", filters.PROJECT, Filter("p", "eq", "name", ("p",))),
        ("eq(state,1)", filters.NAMED_ENTITY, Filter("nem", "eq", "state", ("1",))),
        ("eq(execution.name,x)", filters.NODE_EXECUTION, Filter("e", "eq", "execution_name", ("x",))),
        ("eq(name,x)", filters.TASK_EXECUTION, Filter("te", "eq", "execution_name", ("x",))),
        ("gt(duration,90)", filters.EXECUTION, Filter("e", "gt", "duration", ("90.0",))),
        ("gt(duration,1h1m0.5s)", filters.EXECUTION, Filter("e", "gt", "duration", ("3660.5",))),
    ],
)
def test_a_field_may_be_another_entitys(text: str, primary: str, expected: Filter) -> None:
    """Prefixes name the entity; tags, execution ids and durations are put into the columns' own words."""
    assert filters.parse(text, primary) == (expected,)


@pytest.mark.parametrize(
    ("text", "primary", "message"),
    [
        ("name", filters.TASK, "invalid value for filters"),
        ("eq(name,a)+", filters.TASK, "invalid value for filters"),
        ("eq(name)", filters.TASK, "invalid value for filters"),
        ("eq(flavour,a)", filters.TASK, "'t.flavour' is invalid filter"),
        ("eq(launchplan.version,v)", filters.EXECUTION, "'e.launchplan.version' is invalid filter"),
        ("eq(execution.phase,v)", filters.TASK, "'e' entity is not allowed in filters"),
        ("eq(execution_admin_tag.x,v)", filters.EXECUTION, "'eat' entity is not allowed in filters"),
        ("like(name,a)", filters.TASK, "unrecognized filter function: like"),
        ("junk eq(name,a)", filters.TASK, "unrecognized filter function: junk eq"),
        ("gt(duration,soon)", filters.EXECUTION, "Failed to parse duration [soon]"),
        ("eq(name,a;b)", filters.TASK, "takes one value and got 2"),
    ],
)
def test_what_cannot_be_read_is_refused_in_flyteadmins_words(text: str, primary: str, message: str) -> None:
    """Each way to go wrong has flyteadmin's message."""
    with pytest.raises(BadFilter) as refusal:
        filters.parse(text, primary)
    assert message in str(refusal.value)


@pytest.mark.parametrize(
    ("text", "value", "holds"),
    [
        ("eq(name,a)", "a", True),
        ("eq(name,a)", "A", False),
        ("eq(name,a)", None, False),
        ("ne(name,a)", None, False),
        ("ne(name,a)", "b", True),
        ("contains(name,lo w)", "hello world", True),
        ("contains(name,h%d)", "hello world", True),
        ("contains(name,.)", "hello", False),
        ("not_like(name,.flytegen%)", ".flytegen.x", False),
        ("not_like(name,.flytegen%)", "x.flytegen", True),
        ("not_like(name,a_c)", "abc", False),
        ("not_like(name,a\\_c)", "abc", True),
        ("value_in(name,a;b)", "b", True),
        ("value_in(name,a)", "a", True),
        ("value_not_in(name,a;b)", "c", True),
        ("gt(created_at,2026-03-01T11:59:59Z)", NOON, True),
        ("gte(created_at,2026-03-01T11:00:00-01:00)", NOON, True),
        ("lt(created_at,2026-03-01 12:00:00.000000001)", NOON, False),
        ("lt(created_at,2026-03-02)", NOON, True),
        ("lte(created_at,2026-03-01T12:00:00.123456789Z)", NOON, True),
        ("eq(state,1)", 1, True),
        ("value_in(state,0;2)", 1, False),
    ],
)
def test_conditions_hold_as_in_postgresql(text: str, value: object, holds: bool) -> None:
    """Text is compared by case, LIKE has its wildcards, times and numbers are compared as such, nothing holds for NULL."""
    primary = filters.LAUNCH_PLAN
    (condition,) = filters.parse(text, primary)
    assert condition.matches(value) is holds


def test_durations_are_compared_with_seconds_and_with_gos_notation() -> None:
    """A bare number means seconds."""
    for written in ("90", "1m30s", "90000ms"):
        (condition,) = filters.parse(f"gte(duration,{written})", filters.EXECUTION)
        assert condition.matches(timedelta(seconds=90))
        assert not condition.matches(timedelta(seconds=89.9))


@pytest.mark.parametrize(
    ("text", "value"),
    [("eq(state,one)", 1), ("gt(created_at,yesterday)", NOON), ("contains(created_at,2026)", NOON)],
)
def test_a_value_of_another_type_is_refused(text: str, value: object) -> None:
    """Where the database would fail, the filter is refused."""
    (condition,) = filters.parse(text, filters.LAUNCH_PLAN)
    with pytest.raises(BadFilter):
        condition.matches(value)


def test_the_order_names_a_column() -> None:
    """DESCENDING is 0, the default; an unknown column, or none at all, is refused; no order is None."""
    assert filters.order(None, filters.TASK) is None
    with pytest.raises(BadFilter, match="invalid sort key ''"):
        filters.order(common_pb2.Sort(), filters.TASK)
    assert filters.order(common_pb2.Sort(key="created_at"), filters.TASK) == SortOrder("created_at", descending=True)
    ascending = common_pb2.Sort(key="name", direction=common_pb2.Sort.ASCENDING)
    assert filters.order(ascending, filters.TASK) == SortOrder("name", descending=False)
    with pytest.raises(BadFilter, match="invalid sort key 'phase'"):
        filters.order(common_pb2.Sort(key="phase"), filters.TASK)


def test_rows_without_a_value_are_the_largest() -> None:
    """As PostgreSQL sorts NULL: last when ascending, first when descending."""
    rows = [{"n": 2}, {"n": None}, {"n": 1}]
    for descending, expected in ((False, [1, 2, None]), (True, [None, 2, 1])):
        done = filters.sort(rows, SortOrder("n", descending), lambda row, field: row[field])
        assert [row["n"] for row in done] == expected
    assert filters.sort(rows, None, lambda row, field: row[field]) == rows


def test_a_token_is_a_number_of_rows() -> None:
    """Only a full page has a next one; what is no number from 0 is refused with the call's name."""
    assert filters.offset("") == 0
    assert filters.offset("20") == 20
    for wrong in ("-1", "x", "1.5", "9" * 30):
        with pytest.raises(BadFilter, match=f"invalid pagination token {wrong} for ListTasks"):
            filters.offset(wrong, "ListTasks")
    assert filters.next_token(20, 10, 10) == "30"
    assert filters.next_token(20, 9, 10) == ""
    with pytest.raises(BadFilter, match="invalid value for limit"):
        filters.check_limit(0)


FIELDS = st.sampled_from(
    ["name", "state", "created_at", "duration", "execution_tag.key", "workflow.name", "nothing", ""]
)
FUNCTIONS = st.sampled_from(["eq", "contains", "gt", "value_in", "value_not_in", "not_like", "ne", ""])
CONDITIONS = st.builds("{}({},{})".format, FUNCTIONS, FIELDS, st.text())


def settled(condition: Filter, value: object) -> bool:
    """Whether the condition holds, or is refused by name."""
    try:
        return isinstance(condition.matches(value), bool)
    except BadFilter as refusal:
        return bool(str(refusal))


@given(st.one_of(st.text(), CONDITIONS, st.lists(CONDITIONS).map("+".join)))
def test_any_text_is_read_or_refused(text: str) -> None:
    """Hostile text is a condition or a refusal, never another error."""
    try:
        conditions = filters.parse(text, filters.EXECUTION)
    except BadFilter:
        return
    values = ("text", 1, 0.5, True, NOON, timedelta(1), None)
    assert all(settled(condition, value) for condition in conditions for value in values)
