"""Whatever text a client sends as name, version or filter is kept as it is, or refused; never a defect."""

from __future__ import annotations

import sqlite3
import uuid
from datetime import timezone
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from flyteidl.admin import common_pb2, project_pb2
from flyteidl.core import identifier_pb2
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from registry.entities import square_request

if TYPE_CHECKING:
    from collections.abc import Callable

DOMAIN = "development"
HOSTILE = (
    "../../etc/passwd",
    "a'b\"c",
    "50%_off",
    "name with spaces ",
    "new\nline",
    "日本語",
    "a+b;c,d",
    "\\",
    ".",
    "flyte1.task.x",
)
MILD = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
TEXT = st.text(min_size=1, max_size=40)


@pytest.fixture(scope="module")
def project(make_project: Callable[[], str]) -> str:
    """A project in which nothing is registered."""
    return make_project()


def answered(method: Any, request: Any) -> Any:
    """An answer, or the name of a status that tells of the request's own fault."""
    try:
        return method(request)
    except grpc.RpcError as refusal:
        code, details = refusal.code().name, refusal.details()
    assert code in {"INVALID_ARGUMENT", "NOT_FOUND", "ALREADY_EXISTS"}, details
    return code


@MILD
@given(name=TEXT, version=TEXT)
@example(name="x" * 300, version="v")
@example(name="x", version="v" * 300)
@example(name="nul\0inside", version="nul\0inside")
def test_an_entity_of_any_name_is_found_again(admin: Any, project: str, name: str, version: str) -> None:
    """By its name, in the list of the name's versions, and among the names."""
    request = square_request(f"{version}{uuid.uuid4().hex}", name)
    request.id.project = project
    if answered(admin.CreateTask, request) == "INVALID_ARGUMENT":
        return
    assert admin.GetTask(common_pb2.ObjectGetRequest(id=request.id)).id == request.id
    where = common_pb2.NamedEntityIdentifier(project=project, domain=DOMAIN, name=name)
    newest = common_pb2.Sort(key="created_at", direction=common_pb2.Sort.DESCENDING)
    tasks = admin.ListTasks(common_pb2.ResourceListRequest(id=where, limit=1, sort_by=newest)).tasks
    assert [task.id for task in tasks] == [request.id]
    names = common_pb2.NamedEntityIdentifierListRequest(project=project, domain=DOMAIN, limit=1000)
    assert name in {one.name for one in admin.ListTaskIds(names).entities}


@pytest.mark.parametrize("name", HOSTILE)
def test_names_that_mean_something_elsewhere_are_plain_names(admin: Any, project: str, name: str) -> None:
    """Paths, quotes, wildcards, separators and our own prefixes; also as a filter's value, where they can be one."""
    request = square_request(f"v{uuid.uuid4().hex}", name)
    request.id.project = project
    admin.CreateTask(request)
    where = common_pb2.NamedEntityIdentifier(project=project, domain=DOMAIN)
    update = common_pb2.NamedEntityUpdateRequest(
        resource_type=request.id.resource_type,
        id=common_pb2.NamedEntityIdentifier(project=project, domain=DOMAIN, name=name),
        metadata={"description": f"of {name}"},
    )
    admin.UpdateNamedEntity(update)
    found = admin.GetNamedEntity(common_pb2.NamedEntityGetRequest(resource_type=request.id.resource_type, id=update.id))
    assert found.metadata.description == f"of {name}"
    if not set("+;\n") & set(name):
        asked = common_pb2.ResourceListRequest(id=where, limit=10, filters=f"eq(name,{name})")
        listed = [task.id.name for task in admin.ListTasks(asked).tasks]
        assert listed == [name] * len(listed)
        assert listed or name.startswith(" ")


@MILD
@given(filters=st.text(max_size=60), token=st.text(max_size=10), key=st.text(max_size=10))
@example(filters="eq(created_at,yesterday)", token="", key="")
@example(filters="contains(created_at,2026)", token="", key="")
@example(filters="eq(name,a;b)", token="", key="")
@example(filters="eq(state,on)", token="", key="")
@example(filters="", token="99999999999999999999", key="")
@example(filters="", token="999999999999999999", key="")
def test_a_list_with_any_text_is_answered_or_refused(
    admin: Any, project: str, filters: str, token: str, key: str
) -> None:
    """Filters, tokens and sort keys."""
    where = common_pb2.NamedEntityIdentifier(project=project, domain=DOMAIN)
    request = common_pb2.ResourceListRequest(id=where, limit=10, filters=filters, token=token)
    if key:
        request.sort_by.key = key
    answered(admin.ListTasks, request)
    named = common_pb2.NamedEntityListRequest(project=project, domain=DOMAIN, limit=10, filters=filters, token=token)
    named.resource_type = identifier_pb2.TASK
    answered(admin.ListNamedEntities, named)
    answered(admin.ListProjects, project_pb2.ProjectListRequest(limit=10, filters=filters, token=token))


# -- against a database -----------------------------------------------------------------------------------------------

FIELDS = ("name", "version", "type", "short_description")
NAMES = ("a", "ab", "B", "b_c", "x%y")


@pytest.fixture(scope="module")
def database(admin: Any, make_project: Callable[[], str]) -> tuple[str, sqlite3.Connection]:
    """The same tasks, registered and in a table of SQLite's: what conditions and orders mean is SQL's to say."""
    made = make_project()
    rows = sqlite3.connect(":memory:", check_same_thread=False)
    rows.execute("PRAGMA case_sensitive_like = ON")
    rows.execute("CREATE TABLE tasks (id INTEGER PRIMARY KEY, name, version, type, short_description, created_at)")
    for number in range(18):
        request = square_request(f"v{number // len(NAMES)}", NAMES[number % len(NAMES)])
        request.id.project = made
        request.spec.template.type = ("python-task", "spark", "pod")[number % 3]
        request.spec.description.short_description = "" if number % 4 else f"words {number % 5}"
        admin.CreateTask(request)
        at = admin.GetTask(common_pb2.ObjectGetRequest(id=request.id)).closure.created_at
        rows.execute(
            "INSERT INTO tasks (name, version, type, short_description, created_at) VALUES (?, ?, ?, ?, ?)",
            (
                request.id.name,
                request.id.version,
                request.spec.template.type,
                request.spec.description.short_description,
                at.ToDatetime(timezone.utc).isoformat(),
            ),
        )
    return made, rows


VALUES = st.sampled_from(
    ["a", "ab", "b", "B", "b_c", "%b%", "_", "x\\%y", "v0", "v1", "v2", "v9", "spark", "pod", "words 0", "w"]
)
SQL = {
    "eq": "= ?", "ne": "<> ?", "gt": "> ?", "gte": ">= ?", "lt": "< ?", "lte": "<= ?",
    "contains": "LIKE '%' || ? || '%' ESCAPE '\\'", "not_like": "NOT LIKE ? ESCAPE '\\'",
}  # fmt: skip
CONDITIONS = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(sorted(SQL)), st.sampled_from(FIELDS), VALUES.map(lambda one: [one])),
        st.tuples(
            st.sampled_from(["value_in", "value_not_in"]),
            st.sampled_from(FIELDS),
            st.lists(VALUES, min_size=1, max_size=3),
        ),
    ),
    max_size=3,
)


@settings(MILD, max_examples=150)
@given(
    conditions=CONDITIONS,
    order=st.one_of(st.none(), st.tuples(st.sampled_from([*FIELDS, "created_at"]), st.booleans())),
    start=st.integers(0, 6),
    limit=st.integers(1, 20),
)
def test_lists_are_what_a_database_makes_of_them(
    admin: Any,
    database: tuple[str, sqlite3.Connection],
    conditions: list[tuple[str, str, list[str]]],
    order: tuple[str, bool] | None,
    start: int,
    limit: int,
) -> None:
    """Any conditions, order and page: the rows are those of the same query in SQL."""
    made, rows = database
    clauses, values = ["1"], []
    for function, field, written in conditions:
        many = "NOT IN" if function == "value_not_in" else "IN"
        marks = ", ".join("?" * len(written))
        clauses.append(f"{field} {SQL.get(function, f'{many} ({marks})')}")
        values += written
    by = f"{order[0]} {'DESC' if order[1] else 'ASC'}, " if order else ""
    sql = f"SELECT name, version FROM tasks WHERE {' AND '.join(clauses)} ORDER BY {by}id LIMIT ? OFFSET ?"
    expected = rows.execute(sql, (*values, limit, start)).fetchall()
    request = common_pb2.ResourceListRequest(
        id=common_pb2.NamedEntityIdentifier(project=made, domain=DOMAIN),
        limit=limit,
        token=str(start) if start else "",
        filters="+".join(f"{function}({field},{';'.join(written)})" for function, field, written in conditions),
    )
    if order:
        direction = common_pb2.Sort.DESCENDING if order[1] else common_pb2.Sort.ASCENDING
        request.sort_by.CopyFrom(common_pb2.Sort(key=order[0], direction=direction))
    answer = admin.ListTasks(request)
    assert [(task.id.name, task.id.version) for task in answer.tasks] == expected
    assert answer.token == (str(start + limit) if len(expected) == limit else "")
