"""`flyte-bridge cutover` on two backends: one launch plan is handed over and taken back, with their own schedulers."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from datetime import datetime, timedelta, timezone
from os import environ
from typing import TYPE_CHECKING, Any

import pytest
from flyteidl.admin import launch_plan_pb2
from flyteidl.core import identifier_pb2

from flyte_bridge.side_by_side.cutover_journal import STARTED, CutoverJournal, Entry, path_of
from flyte_bridge.side_by_side.cutover_sides import Flyte1Side, Flyte2Side, WallClock

from .conftest import DOMAIN, PROJECT, VERSION

if TYPE_CHECKING:
    from flyte_bridge.side_by_side.control_plane import ControlPlane

    from .conftest import TwoSides

NAME = f"{PROJECT}/{DOMAIN}/every_minute"


def identity(name: str) -> identifier_pb2.Identifier:
    return identifier_pb2.Identifier(
        resource_type=identifier_pb2.LAUNCH_PLAN, project=PROJECT, domain=DOMAIN, name=name, version=VERSION
    )


async def set_state(plane: ControlPlane, name: str, state: launch_plan_pb2.LaunchPlanState) -> None:
    request = launch_plan_pb2.LaunchPlanUpdateRequest(id=identity(name), state=state)
    method = "/flyteidl.service.AdminService/UpdateLaunchPlan"
    await plane.caller.unary(method, request, launch_plan_pb2.LaunchPlanUpdateResponse)


def cutover(two: TwoSides, *words: str) -> tuple[int, dict[str, Any], str]:
    """What `cutover` exits with, tells of the one launch plan, and says."""
    done = two.bridge("cutover", *words, "--json")
    told = json.loads(done.stdout)["launch_plans"][0] if done.stdout else {}
    return done.returncode, told, done.stderr


async def fired(plane: ControlPlane) -> list[datetime]:
    filters = "eq(launch_plan.name,every_minute)+eq(mode,1)"
    return [
        execution.spec.metadata.scheduled_at.ToDatetime(tzinfo=timezone.utc)
        async for execution in plane.executions(PROJECT, DOMAIN, filters)
    ]


def test_there_and_back(two: TwoSides) -> None:
    """Checked, started, handed over, confirmed by Flyte 2's own scheduler, and taken back: every minute ran once."""
    quick = ("--settle", "1.5s", "--wait", "--yes")
    two.run(lambda v1, _: set_state(v1, "every_minute", launch_plan_pb2.ACTIVE))
    try:
        code, told, said = cutover(two, "start", "every_minute", "--wait")
        assert (code, told["step"], told["done"]) == (0, "", False), said
        assert told["said"] == "would start with version v1"
        assert "have not been compared" in told["notes"][0]
        code, told, said = cutover(two, "handover", "every_minute", "--yes")
        assert (code, told["hindrances"][0]) == (1, f"{NAME}: `flyte-bridge cutover start {NAME}` comes first"), said
        assert cutover(two, "start", "every_minute", "--wait", "--yes")[0] == 0
        code, told, said = cutover(two, "handover", "every_minute", "--settle", "1.5s", "--wait")
        assert (code, told["step"], told["side"]) == (0, "started", "v1"), said
        code, told, said = cutover(two, "handover", "every_minute", *quick)
        assert (code, told["step"], told["side"]) == (0, "handed", "v2"), said
        assert told["active"] == {"v1": "", "v2": "v1"}
        code, told, said = cutover(two, "confirm", "every_minute", "--yes", "--wait")
        assert (code, told["step"]) == (0, "confirmed"), said
        code, told, said = cutover(two, "status")
        assert (code, told["side"], bool(told["next_fire"])) == (0, "v2", True), said
        code, told, said = cutover(two, "abort", "every_minute", *quick)
        assert (code, told["step"], told["side"], told["active"]) == (0, "handed", "v1", {"v1": "v1", "v2": ""}), said
    finally:
        for side in (0, 1):
            two.run(lambda v1, v2, side=side: set_state((v1, v2)[side], "every_minute", launch_plan_pb2.INACTIVE))

    async def look(v1: ControlPlane, v2: ControlPlane) -> tuple[list[datetime], list[datetime]]:
        return await fired(v1), await fired(v2)

    on_v1, on_v2 = two.run(look)
    times = sorted(on_v1 + on_v2)
    assert on_v2, "Flyte 2's own scheduler has fired"
    assert times == [times[0] + timedelta(minutes=number) for number in range(len(times))]


def test_what_both_schedulers_call_it(two: TwoSides) -> None:
    """What is started by hand has the scheduler's own name and input on each side; the second one is told that it is there."""
    at = datetime(2026, 2, 1, 4, 5, tzinfo=timezone.utc)

    async def work(v1: ControlPlane, v2: ControlPlane) -> list[Any]:
        from flyte_bridge.backend.connect import connect

        plan = await v1.launch_plan(identity("every_minute"))
        async with connect(two.settings) as client:
            sides = [Flyte1Side(v1, plan), Flyte2Side(v2, plan, client)]
            told = []
            for side in sides:
                assert not await side.has_fired(at)
                assert [await side.fire(at), await side.fire(at)] == ["", ""]
                assert await side.has_fired(at)
                execution = await side.plane.execution(side._identity(at))
                inputs, _ = await side.plane.execution_data(execution.id)
                told.append((execution, inputs.literals["at"].scalar.primitive.datetime.ToDatetime(timezone.utc)))
            return told

    for (execution, given), letter in zip(two.run(work), "fr", strict=True):
        assert execution.id.name.startswith(letter)
        assert execution.spec.metadata.scheduled_at.ToDatetime(tzinfo=timezone.utc) == given == at


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("start", "every_mintue"), 2, "did you mean 'every_minute'?"),
        (("start",), 2, "cutover start: name the launch plans"),
        (("start", "every_day:v1"), 2, "leave the version out"),
        (("start", "by_hand"), 1, "it has no schedule: there is nothing to hand over"),
        (("start", "every_day"), 1, "no version of it is active on Flyte 1"),
        (("confirm", "every_day"), 1, "`flyte-bridge cutover start flytesnacks/development/every_day` comes first"),
    ],
)
def test_what_hinders_is_told(two: TwoSides, words: tuple[str, ...], code: int, said: str) -> None:
    """By name, with what to do."""
    done = two.bridge("cutover", *words)
    assert done.returncode == code, done.stdout + done.stderr
    assert said in done.stderr


def test_a_side_out_of_reach(two: TwoSides) -> None:
    """It is told, and the same command goes on later."""
    done = two.bridge("cutover", "status", "every_day", FLYTE_BRIDGE_V1_ENDPOINT="127.0.0.1:1")
    assert done.returncode == 7, done.stdout + done.stderr
    assert "Flyte 1 at 127.0.0.1:1 cannot be reached" in done.stderr


def test_interrupted(two: TwoSides) -> None:
    """Ctrl-C while it waits exits with 130, and what was noted stays."""
    name = f"{PROJECT}/{DOMAIN}/every_hour"
    journal = CutoverJournal(path_of(two.settings))
    now = WallClock().now().timestamp()
    journal.write(Entry(name, STARTED, now, {"version": VERSION, "since": now}))
    leg = {"origin": "v1", "target": "v2", "floor": now, "settle": 3600.0, "grid": now}
    journal.write(Entry(name, "leaving", now, leg))
    with subprocess.Popen(
        [sys.executable, "-m", "flyte_bridge_cli.main", "cutover", "handover", "every_hour", "--yes"],
        env={**environ, **two.env},
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if "settles" in line:
                process.send_signal(signal.SIGINT)
        assert process.wait(60) == 130
    journal.refresh()
    assert journal.state(name).step == "left"
