"""Lists of executions: filters, joins, orders, pages; archived executions."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest

pytest.importorskip("flytekit", reason="flytekit stops at Python 3.12")

from flyteidl.admin import common_pb2, execution_pb2
from flyteidl.core import execution_pb2 as core_execution_pb2
from flyteidl.core import identifier_pb2
from flytekit.models.common import Labels
from flytekit.tools.translator import Options

if TYPE_CHECKING:
    from collections.abc import Callable

    from admin.control import Control


@pytest.fixture(scope="module")
def some(control: Control, flows: Any) -> list[str]:
    """Five executions: three of `child`, one of a task alone, one that failed; in the order they were made."""
    control.register(flows.everything)
    options = Options(labels=Labels({"team": "lists"}))
    made = [control.run(flows.child, {"a": one}, options=options, tags=["five"]).id.name for one in range(3)]
    task = control.remote.fetch_task(name="flows.plus", version="v1")
    made.append(control.done(control.remote.execute(task, inputs={"a": 5, "b": 6}, options=options)).id.name)
    made.append(control.run(flows.failing, {"a": 1}, options=options, tags=["five", "bad"]).id.name)
    return made


@pytest.fixture(scope="module")
def listed(admin: Any, some: list[str]) -> Callable[..., list[str]]:
    """Asks for executions; those of `some`, by their place in it, and the token."""

    def ask(filters: str = "", key: str = "", *, descending: bool = False, limit: int = 100, token: str = "") -> Any:
        request = common_pb2.ResourceListRequest(
            id=common_pb2.NamedEntityIdentifier(project="flytesnacks", domain="development"),
            filters="+".join(filter(None, ["eq(execution_tag.value,lists)", filters])),
            limit=limit,
            token=token,
        )
        if key:
            order = common_pb2.Sort.DESCENDING if descending else common_pb2.Sort.ASCENDING
            request.sort_by.CopyFrom(common_pb2.Sort(key=key, direction=order))
        answer = admin.ListExecutions(request)
        return [some.index(one.id.name) for one in answer.executions], answer.token

    return ask


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ("", [0, 1, 2, 3, 4]),
        ("eq(phase,FAILED)", [4]),
        ("value_in(phase,FAILED;SUCCEEDED)", [0, 1, 2, 3, 4]),
        ("ne(phase,SUCCEEDED)", [4]),
        ("eq(phase,SUCCEEDED)+eq(launch_plan.name,flows.child)", [0, 1, 2]),
        ("value_in(launch_plan.name,flows.child;flows.failing)", [0, 1, 2, 4]),
        ("contains(launch_plan.name,fail)", [4]),
        ("eq(workflow.name,flows.failing)", [4]),
        ("eq(task.name,flows.plus)", [3]),
        ("eq(admin_tag.name,five)", [0, 1, 2, 4]),
        ("eq(execution_tag.key,bad)", [4]),
        ("eq(error_code,USER:RuntimeError)", [4]),
        ("eq(error_kind,USER)", [4]),
        ("eq(launch_entity,task)", [3]),
        ("eq(mode,0)", [0, 1, 2, 3, 4]),
        ("gt(duration,0)", [0, 1, 2, 3, 4]),
        ("gt(duration,1h)", []),
        ("eq(phase,NOTHING)", []),
        ("eq(user,nobody)", []),
    ],
)
def test_filters(listed: Any, filters: str, found: list[int]) -> None:
    """What flyteadmin's table and those it joins can be asked."""
    assert sorted(listed(filters)[0]) == found


def test_times_are_compared(listed: Any) -> None:
    """Bounds in the past and in the future, written as RFC 3339."""
    now = datetime.now(timezone.utc)
    later = (now + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    earlier = (now - timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    assert listed(f"gt(created_at,{later})")[0] == []
    assert sorted(listed(f"gte(created_at,{earlier})")[0]) == [0, 1, 2, 3, 4]
    assert sorted(listed(f"lt(execution_created_at,{later})+gt(started_at,{earlier})")[0]) == [0, 1, 2, 3, 4]


def test_orders(listed: Any) -> None:
    """By what Flyte 2 can sort by, and by what only the façade can."""
    assert listed(key="created_at")[0] == [0, 1, 2, 3, 4]
    assert listed(key="created_at", descending=True)[0] == [4, 3, 2, 1, 0]
    assert listed(key="phase")[0][0] == 4  # FAILED before SUCCEEDED
    names = listed(key="execution_name")[0]
    assert sorted(names) == [0, 1, 2, 3, 4]


def test_pages(listed: Any) -> None:
    """A token is how many rows came before; the last page has none unless it is full."""
    first, token = listed(key="created_at", limit=2)
    second, token_2 = listed(key="created_at", limit=2, token=token)
    third, end = listed(key="created_at", limit=2, token=token_2)
    assert (first, second, third) == ([0, 1], [2, 3], [4])
    assert (token, token_2, end) == ("2", "4", "")
    assert listed(key="created_at", limit=2, token="3")[0] == [3, 4]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"filters": "eq(nothing,1)"}, "'e.nothing' is invalid filter"),
        ({"filters": "eq(phase)"}, "invalid value for filters"),
        ({"filters": "eq(launchplan.version,1)"}, "invalid filter"),
        ({"filters": "gt(created_at,yesterday)"}, "invalid input syntax"),
        ({"limit": 0}, "invalid value for limit"),
        ({"token": "-1"}, "invalid pagination token"),
        ({"token": "x"}, "invalid pagination token"),
        ({"sort_by": common_pb2.Sort(key="nothing")}, "invalid sort key"),
        ({"id": common_pb2.NamedEntityIdentifier(domain="development")}, "missing project"),
        ({"id": common_pb2.NamedEntityIdentifier(project="flytesnacks")}, "missing domain"),
    ],
)
def test_what_cannot_be_asked_is_refused(admin: Any, refused: Any, change: dict[str, Any], message: str) -> None:
    """INVALID_ARGUMENT, in flyteadmin's words."""
    fields: dict[str, Any] = {
        "id": common_pb2.NamedEntityIdentifier(project="flytesnacks", domain="development"),
        "limit": 1,
    }
    told = refused("INVALID_ARGUMENT", admin.ListExecutions, common_pb2.ResourceListRequest(**{**fields, **change}))
    assert message in told


def test_an_archived_execution_is_listed_only_if_asked_for(admin: Any, some: list[str], listed: Any) -> None:
    """It says that it is archived, and can be taken back."""
    who = identifier_pb2.WorkflowExecutionIdentifier(project="flytesnacks", domain="development", name=some[1])
    admin.UpdateExecution(execution_pb2.ExecutionUpdateRequest(id=who, state=execution_pb2.EXECUTION_ARCHIVED))
    try:
        assert sorted(listed()[0]) == [0, 2, 3, 4]
        assert listed(key="created_at", limit=2)[0] == [0, 2]
        assert listed("eq(state,1)")[0] == [1]
        found = admin.GetExecution(execution_pb2.WorkflowExecutionGetRequest(id=who))
        assert found.closure.state_change_details.state == execution_pb2.EXECUTION_ARCHIVED
    finally:
        admin.UpdateExecution(execution_pb2.ExecutionUpdateRequest(id=who, state=execution_pb2.EXECUTION_ACTIVE))
    assert sorted(listed()[0]) == [0, 1, 2, 3, 4]


def test_one_execution_by_name(admin: Any, some: list[str]) -> None:
    """As `flyte-cli` asks for it."""
    asked = common_pb2.ResourceListRequest(
        id=common_pb2.NamedEntityIdentifier(project="flytesnacks", domain="development", name=some[0]), limit=10
    )
    (found,) = admin.ListExecutions(asked).executions
    assert found.id.name == some[0]
    asked.id.name = "nobody"
    assert not admin.ListExecutions(asked).executions


def test_an_execution_is_failing_while_its_failure_node_runs(control: Control, flows: Any, admin: Any) -> None:
    """FAILING, with the node's error, by name and in lists, until the failure node has ended: then FAILED with the same error."""
    execution = control.start(flows.failing_slowly, {"a": 1})
    failing = core_execution_pb2.WorkflowExecution.FAILING
    control.until(execution, lambda now: now.closure.phase == failing)
    told = admin.GetExecution(execution_pb2.WorkflowExecutionGetRequest(id=execution.id.to_flyte_idl()))
    assert "ValueError" in told.closure.error.message
    place = common_pb2.NamedEntityIdentifier(project="flytesnacks", domain="development")

    def listed(phase: str) -> list[execution_pb2.Execution]:
        asked = common_pb2.ResourceListRequest(id=place, limit=100, filters=f"eq(phase,{phase})")
        return [one for one in admin.ListExecutions(asked).executions if one.id == told.id]

    (row,) = listed("FAILING")
    assert row.closure.error.code == told.closure.error.code
    assert not listed("RUNNING")
    control.until(execution, lambda _: bool(control.remote.list_signals(execution.id.name)))
    control.remote.set_input("enough", execution.id.name, 1)
    done = control.done(execution)
    assert done.closure.phase == core_execution_pb2.WorkflowExecution.FAILED
    assert done.closure.error.message == told.closure.error.message
    assert not listed("FAILING")
