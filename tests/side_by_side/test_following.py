"""One endpoint for all callers while launch plans move: with `FLYTE_BRIDGE_V1_ENDPOINT` the façade answers for both Flytes."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest
from flyteidl.admin import common_pb2, execution_pb2, launch_plan_pb2
from flyteidl.core import identifier_pb2

from flyte_bridge.errors import AlreadyExists, FailedPrecondition, InvalidRequest
from flyte_bridge.remote.flyte_remote import FlyteRemote
from flyte_bridge.remote.in_process import facade_of, home_of
from flyte_bridge.side_by_side.control_plane import ControlPlane
from flyte_bridge.side_by_side.cutover_journal import STARTED, CutoverJournal, Entry, path_of
from flyte_bridge.side_by_side.following import SIDE
from flyte_bridge.side_by_side.sides import FacadeCaller

from .conftest import DOMAIN, PROJECT, VERSION

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator
    from pathlib import Path

    from flyte_bridge.config import Settings

    from .conftest import TwoSides

MOVED, RESTING = "every_hour", "by_hand"
POLL = timedelta(seconds=0.3)


@pytest.fixture
def both(two: TwoSides, tmp_path: Path) -> Iterator[Settings]:
    """Settings that mean both sides, where `every_hour` has moved: its journal is at the place that they name."""
    journal = CutoverJournal(path_of(two.settings))
    known = journal.path.read_bytes() if journal.path.exists() else None
    name, now = f"{PROJECT}/{DOMAIN}/{MOVED}", 1.0
    leg = {"origin": "v1", "target": "v2", "floor": now, "settle": 33.0, "grid": now}
    steps: list[tuple[str, dict[str, Any]]] = [
        (STARTED, {"version": VERSION, "since": now}),
        ("leaving", leg),
        ("left", {"boundary": now}),
        ("quiet", {}),
        ("arrived", {"activated": now}),
        ("handed", {"since": now}),
    ]
    for step, facts in steps:
        journal.write(Entry(name, step, now, facts))
    yield two.settings
    home_of(two.settings).close()
    if known is None:
        journal.path.unlink()
    else:
        journal.path.write_bytes(known)


def ask(settings: Settings, work: Callable[[ControlPlane], Awaitable[Any]]) -> Any:
    """Does something with the façade of both."""

    async def within() -> Any:
        caller = FacadeCaller(await facade_of(settings))
        try:
            return await work(ControlPlane("both", caller, None))  # type: ignore[arg-type]
        finally:
            await caller.close()

    return asyncio.run(within())


def execution_id(name: str) -> identifier_pb2.WorkflowExecutionIdentifier:
    return identifier_pb2.WorkflowExecutionIdentifier(project=PROJECT, domain=DOMAIN, name=name)


def create(plan: str, name: str) -> execution_pb2.ExecutionCreateRequest:
    id_ = identifier_pb2.Identifier(
        resource_type=identifier_pb2.LAUNCH_PLAN, project=PROJECT, domain=DOMAIN, name=plan, version=VERSION
    )
    spec = execution_pb2.ExecutionSpec(launch_plan=id_)
    return execution_pb2.ExecutionCreateRequest(project=PROJECT, domain=DOMAIN, name=name, spec=spec)


def test_a_script_starts_each_where_it_belongs(two: TwoSides, both: Settings) -> None:
    """flytekit's FlyteRemote starts, waits for and reads executions of both Flytes at one endpoint."""
    remote = FlyteRemote(settings=both, default_project=PROJECT, default_domain=DOMAIN)
    ended = {}
    for plan in (MOVED, RESTING):
        entity = remote.fetch_launch_plan(name=plan, version=VERSION)
        started = remote.execute(entity, {"plus": 4}, execution_name=f"f{plan.replace('_', '')}")
        ended[plan] = remote.sync(remote.wait(started, poll_interval=POLL), sync_nodes=True)
    assert {plan: execution.outputs["o0"] for plan, execution in ended.items()} == {MOVED: 5, RESTING: 5}
    assert all("n0" in execution.node_executions for execution in ended.values())
    assert {plan: execution.spec.annotations.values[SIDE] for plan, execution in ended.items()} == {
        MOVED: "v2",
        RESTING: "v1",
    }
    names = {side: {one.id.name for one in two.remote(side).recent_executions(limit=100)} for side in ("v1", "v2")}
    assert "feveryhour" in names["v2"] - names["v1"]
    assert "fbyhand" in names["v1"] - names["v2"]


def test_lists_are_merged(two: TwoSides, both: Settings) -> None:
    """Pages of any size give each execution of both sides once, in order, with where it is."""
    for side in ("v1", "v2"):
        two.run(lambda v1, v2, side=side: _start_three(v1 if side == "v1" else v2, side))

    async def pages(plane: ControlPlane, limit: int) -> list[execution_pb2.Execution]:
        told: list[execution_pb2.Execution] = []
        token = ""
        while True:
            request = common_pb2.ResourceListRequest(
                id=common_pb2.NamedEntityIdentifier(project=PROJECT, domain=DOMAIN),
                limit=limit,
                token=token,
                filters="eq(launch_plan.name,by_hand)+value_in(name,lv10;lv11;lv12;lv20;lv21;lv22)",
                sort_by=common_pb2.Sort(key="created_at", direction=common_pb2.Sort.DESCENDING),
            )
            method = "/flyteidl.service.AdminService/ListExecutions"
            page = await plane.caller.unary(method, request, execution_pb2.ExecutionList)
            assert len(page.executions) <= limit
            told += page.executions
            token = page.token
            if not token:
                return told

    for limit in (1, 2, 4, 100):
        told = ask(both, lambda plane, limit=limit: pages(plane, limit))
        assert sorted(one.id.name for one in told) == ["lv10", "lv11", "lv12", "lv20", "lv21", "lv22"]
        assert all(one.spec.annotations.values[SIDE] == one.id.name[1:3] for one in told)
        created = [one.closure.created_at.ToNanoseconds() for one in told]
        assert created == sorted(created, reverse=True)

    async def bad(plane: ControlPlane) -> None:
        request = common_pb2.ResourceListRequest(
            id=common_pb2.NamedEntityIdentifier(project=PROJECT, domain=DOMAIN), limit=5, token="100"
        )
        await plane.caller.unary("/flyteidl.service.AdminService/ListExecutions", request, execution_pb2.ExecutionList)

    with pytest.raises(InvalidRequest, match="it is none that a list of both Flytes gave"):
        ask(both, bad)


async def _start_three(plane: ControlPlane, side: str) -> None:
    for number in range(3):
        await plane.create(create(RESTING, f"l{side}{number}"))


def test_a_name_is_taken_on_both(two: TwoSides, both: Settings) -> None:
    """An execution cannot get the name of one on the other side: a name means one execution."""
    two.run(lambda v1, _: v1.create(create(RESTING, "taken")))
    with pytest.raises(AlreadyExists, match="an execution taken is on the other side already"):
        ask(both, lambda plane: plane.create(create(MOVED, "taken")))


def test_launch_plans_tell_the_state_of_their_side(two: TwoSides, both: Settings) -> None:
    """Activated through the endpoint, what has moved is active on Flyte 2 alone, and is told as active everywhere."""
    id_ = create(MOVED, "").spec.launch_plan
    name = common_pb2.NamedEntityIdentifier(project=PROJECT, domain=DOMAIN, name=MOVED)
    method = "/flyteidl.service.AdminService/"

    async def set_state(plane: ControlPlane, state: launch_plan_pb2.LaunchPlanState) -> None:
        request = launch_plan_pb2.LaunchPlanUpdateRequest(id=id_, state=state)
        await plane.caller.unary(f"{method}UpdateLaunchPlan", request, launch_plan_pb2.LaunchPlanUpdateResponse)

    async def look(plane: ControlPlane) -> list[str]:
        await set_state(plane, launch_plan_pb2.ACTIVE)
        active = launch_plan_pb2.ActiveLaunchPlanListRequest(project=PROJECT, domain=DOMAIN, limit=100)
        listed = await plane.caller.unary(f"{method}ListActiveLaunchPlans", active, launch_plan_pb2.LaunchPlanList)
        [plan] = await plane.launch_plans(name)
        assert plan.closure.state == (await plane.launch_plan(id_)).closure.state == launch_plan_pb2.ACTIVE
        assert (await plane.active_launch_plan(name)).id == id_
        return [plan.id.name for plan in listed.launch_plans]

    try:
        assert MOVED in ask(both, look)
        state = two.run(lambda v1, _: v1.launch_plan(id_)).closure.state
        assert state == launch_plan_pb2.INACTIVE
    finally:
        ask(both, lambda plane: set_state(plane, launch_plan_pb2.INACTIVE))


def test_under_way_nobody_activates_it(two: TwoSides, both: Settings) -> None:
    """While it is handed over its state is the cut-over's; how to end that is told."""
    name = f"{PROJECT}/{DOMAIN}/{MOVED}"
    leg = {"origin": "v2", "target": "v1", "floor": 1.0, "settle": 33.0, "grid": 1.0}
    now = datetime.now(timezone.utc).timestamp()
    CutoverJournal(path_of(both)).write(Entry(name, "leaving", now, leg))
    request = launch_plan_pb2.LaunchPlanUpdateRequest(
        id=create(MOVED, "").spec.launch_plan, state=launch_plan_pb2.ACTIVE
    )

    async def activate(plane: ControlPlane) -> None:
        method = "/flyteidl.service.AdminService/UpdateLaunchPlan"
        await plane.caller.unary(method, request, launch_plan_pb2.LaunchPlanUpdateResponse)

    with pytest.raises(FailedPrecondition, match="is being handed over"):
        ask(both, activate)
