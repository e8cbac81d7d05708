"""The way of a launch plan from one side to the other, on two schedulers as they were measured, in virtual time."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import random
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from flyte_bridge.errors import SourceError, UsageError
from flyte_bridge.side_by_side.cutover import Cutover, CutoverOptions, NotNow
from flyte_bridge.side_by_side.cutover_journal import (
    ARRIVED,
    CONFIRMED,
    ENDED,
    HANDED,
    LEFT,
    RETURNED,
    STARTED,
    CutoverJournal,
    Entry,
    held,
)
from flyte_bridge_translators import cron, fire_times
from modes import FULL

from .simulated import BEGIN, SimulatedSide, World, moment

PLAN = "p/d/n"
EVERY_MINUTE = cron.parse("* * * * *")
HOURLY = cron.parse("0 * * * *")
KILLS = 200 if FULL else 20


class Stage:
    """A launch plan that is active on Flyte 1, and the journal of its cut-over."""

    def __init__(
        self,
        place: Path,
        schedule: cron.Cron | timedelta,
        options: CutoverOptions,
        polls: tuple[float, float] = (27.9, 20.3),
    ) -> None:
        self.world = World(place / "world", schedule, dict(zip(("v1", "v2"), polls, strict=True)))
        self.world.time = BEGIN - 300
        self.world.add("on", "v1")
        self.world.time = BEGIN
        self.journal = CutoverJournal(place / "journal.jsonl")
        self.journal.write(Entry(PLAN, STARTED, BEGIN, {"version": "v", "since": BEGIN}))
        self.sides = {side: SimulatedSide(self.world, side) for side in ("v1", "v2")}
        self.told: list[str] = []
        self.cutover = Cutover(PLAN, schedule, self.sides, self.journal, options, self.world, self.told.append)

    def bring_to(self, side: str) -> None:
        asyncio.run(self.cutover.bring_to(side))

    def later(self, seconds: float) -> None:
        self.world.time += seconds
        self.world.add("idle")

    def fired(self) -> list[tuple[float, str]]:
        """Fire times since the beginning, and where."""
        return sorted((at, side) for side in ("v1", "v2") for at in self.world.fired(side) if at > BEGIN)

    def gaps(self) -> list[float]:
        times = [at for at, _ in self.fired()]
        return [later - at for at, later in itertools.pairwise(times)]


@pytest.mark.parametrize("seed", range(8))
def test_cron_there_and_back(tmp_path: Path, seed: int) -> None:
    """Whenever both schedulers look, every minute fires once: 4 handovers at random moments."""
    chance = random.Random(seed)
    stage = Stage(tmp_path, EVERY_MINUTE, CutoverOptions(by_hand=True), (chance.uniform(0, 30), chance.uniform(0, 30)))
    for side in ("v2", "v1", "v2", "v1"):
        stage.later(chance.uniform(0, 200))
        stage.bring_to(side)
        assert stage.cutover.state.step == HANDED
    stage.later(200)
    due = [at.timestamp() for at in fire_times.between(EVERY_MINUTE, moment(BEGIN), moment(stage.world.time))]
    assert [at for at, _ in stage.fired()] == due
    assert {side for _, side in stage.fired()} == {"v1", "v2"}


@pytest.mark.parametrize("seed", range(8))
def test_a_fixed_rate_keeps_its_grid_towards_flyte_2(tmp_path: Path, seed: int) -> None:
    """No interval is another one on the way there; on the way back none is longer and at most one is shorter."""
    chance, rate = random.Random(seed), timedelta(minutes=1)
    stage = Stage(tmp_path, rate, CutoverOptions(by_hand=True), (chance.uniform(0, 30), chance.uniform(0, 30)))
    stage.later(chance.uniform(0, 200))
    stage.bring_to("v2")
    stage.later(300)
    assert set(stage.gaps()) == {60.0}
    assert stage.fired()[-1][1] == "v2"
    stage.bring_to("v1")
    stage.later(300)
    gaps = stage.gaps()
    assert max(gaps) == 60.0
    assert sum(gap < 60.0 for gap in gaps) <= 1
    assert stage.fired()[-1][1] == "v1"


def test_a_window_without_fire_times(tmp_path: Path) -> None:
    """It is refused when it would fire meanwhile, with when to try again; told to wait it waits, and nothing is run by hand."""
    stage = Stage(tmp_path, HOURLY, CutoverOptions())
    stage.world.time = BEGIN + 3600 - 7 - 20
    with pytest.raises(
        NotNow, match=r"it fires at 2026-03-01 04:00:00\+00:00, within the 66 s .* try again at .* 04:00:33"
    ):
        stage.bring_to("v2")
    assert stage.cutover.state.step == STARTED
    patient = Cutover(
        PLAN, HOURLY, stage.sides, stage.journal, CutoverOptions(wait=True), stage.world, stage.told.append
    )
    asyncio.run(patient.bring_to("v2"))
    assert stage.told[0].startswith("p/d/n: waits until 2026-03-01 04:00:33")
    stage.later(7200)
    assert [side for _, side in stage.fired()] == ["v1", "v2", "v2"]
    assert not [line for line in stage.world.lines if line["what"] == "fire"]


def test_schedules_without_any_window(tmp_path: Path) -> None:
    """Where fire times follow one another within it there is no window: --by-hand must be said."""
    with pytest.raises(NotNow, match="between no two of its next fire times are 99 s: use --by-hand"):
        Stage(tmp_path, EVERY_MINUTE, CutoverOptions()).bring_to("v2")


def test_a_rate_that_has_never_fired(tmp_path: Path) -> None:
    """Nobody knows its grid yet."""
    stage = Stage(tmp_path, timedelta(hours=3), CutoverOptions())
    with pytest.raises(NotNow, match="its fixed rate has not fired yet on v1"):
        stage.bring_to("v2")


def test_active_on_both_sides(tmp_path: Path) -> None:
    """Somebody has activated it on Flyte 2 by hand, or deactivated it on Flyte 1: it is not handed over."""
    stage = Stage(tmp_path, HOURLY, CutoverOptions())
    stage.world.add("on", "v2")
    with pytest.raises(NotNow, match="active on v2, too, so it fires twice"):
        stage.bring_to("v2")
    stage.world.add("off", "v2")
    stage.world.add("off", "v1")
    with pytest.raises(NotNow, match="no version is active on v1, not 'v' as the journal has it"):
        stage.bring_to("v2")


def test_confirmed_by_the_schedulers_own_fire(tmp_path: Path) -> None:
    """What was started by hand confirms nothing; the first fire time after does, and is waited for if wanted."""
    stage = Stage(tmp_path, EVERY_MINUTE, CutoverOptions(by_hand=True))
    with pytest.raises(NotNow, match="it is not handed over; its last step is started"):
        asyncio.run(stage.cutover.confirm(wait=False))
    stage.bring_to("v2")
    by_hand = stage.fired()[-1][0]
    assert asyncio.run(stage.cutover.confirm(wait=False)) is None
    fire = asyncio.run(stage.cutover.confirm(wait=True))
    assert fire is not None
    assert fire.timestamp() == by_hand + 60
    assert stage.cutover.state.step == CONFIRMED
    stage.bring_to("v1")
    assert stage.cutover.state.side == "v1"


def test_given_up_before_flyte_2_was_told(tmp_path: Path) -> None:
    """Stopped between, it goes back to Flyte 1 without Flyte 2 ever firing, and nothing is lost."""
    stage = Stage(tmp_path, EVERY_MINUTE, CutoverOptions(by_hand=True))

    class Stopped(Exception):
        pass

    async def until(_: object) -> None:
        raise Stopped

    stage.later(100)
    waiting, stage.world.until = stage.world.until, until  # type: ignore[method-assign]
    with pytest.raises(Stopped):
        stage.bring_to("v2")
    assert stage.cutover.state.step == LEFT
    stage.world.until = waiting  # type: ignore[method-assign]
    stage.later(400)
    stage.bring_to("v1")
    assert (stage.cutover.state.step, stage.cutover.state.side) == (RETURNED, "v1")
    assert set(stage.gaps()) == {60.0}
    assert {side for _, side in stage.fired()} == {"v1"}


def test_callers_go_where_it_was_told_last_to_run() -> None:
    """From its activation on Flyte 2 until its deactivation there."""
    from flyte_bridge.side_by_side.cutover_journal import CutoverState

    state = CutoverState()
    leg = {"origin": "v1", "target": "v2", "floor": 0.0, "settle": 33.0, "grid": None}
    seen = []
    for step, facts in [
        (STARTED, {"version": "v", "since": 0.0}),
        ("leaving", leg),
        ("left", {"boundary": 1.0}),
        ("quiet", {}),
        (ARRIVED, {"activated": 2.0}),
        (HANDED, {"since": 3.0}),
        ("leaving", {**leg, "origin": "v2", "target": "v1"}),
        ("left", {"boundary": 4.0}),
        ("quiet", {}),
        (ARRIVED, {"activated": 5.0}),
        (HANDED, {"since": 6.0}),
    ]:
        state = state.after(Entry(PLAN, step, 0.0, facts))
        seen.append(state.callers_side)
    assert seen == ["v1"] * 4 + ["v2"] * 5 + ["v1"] * 2


def test_the_journal(tmp_path: Path) -> None:
    """It grows by whole lines, two processes may write it, a line that was cut off was never written, nonsense is refused."""
    path = tmp_path / "journal.jsonl"
    one, other = CutoverJournal(path), CutoverJournal(path)
    one.write(Entry("a/b/c", STARTED, 1.0, {"version": "1", "since": 0.0}))
    other.write(Entry("a/b/d", STARTED, 2.0, {"version": "2", "since": 0.0}))
    with path.open("ab") as file:
        file.write(b'{"plan": "a/b/c", "st')
    assert CutoverJournal(path).state("a/b/d").version == "2"
    one.write(Entry("a/b/c", ENDED, 3.0, {}))
    again = CutoverJournal(path)
    assert (again.state("a/b/c").step, again.state("a/b/d").step) == (ENDED, STARTED)
    assert len(path.read_text().splitlines()) == 3
    with (
        held(path, "a/b/c"),
        held(path, "a/b/d"),
        pytest.raises(UsageError, match="another process"),
        held(path, "a/b/c"),
    ):
        pass
    path.write_text("nonsense\n")
    with pytest.raises(SourceError, match="is no journal of a cut-over"):
        CutoverJournal(path)


def kills(place: Path, number: int, settle: float) -> dict[str, int]:
    """What became of the fire times of cut-overs that were killed so often."""
    script = Path(__file__).with_name("kill_cutovers.py")
    done = subprocess.run(
        [sys.executable, str(script), str(place), str(number), "7", str(settle)],
        capture_output=True,
        text=True,
        timeout=300,
        env={**os.environ, "PYTHONPATH": str(script.parent)},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told: dict[str, int] = json.loads(done.stdout)
    return told


def test_killed_at_any_moment(tmp_path: Path) -> None:
    """Killed (SIGKILL) at random moments of every action, no fire time is lost, doubled or stuck, and the journal is readable."""
    told = kills(tmp_path / "rule", KILLS, 33.0)
    print(f"cut-overs killed {told['kills']} times: {told}")
    assert told["kills"] >= KILLS
    assert told["fire_times"] > KILLS
    assert {name: told[name] for name in ("lost", "doubled", "stuck", "unreadable")} == dict.fromkeys(
        ("lost", "doubled", "stuck", "unreadable"), 0
    )


def test_without_settling_fire_times_double(tmp_path: Path) -> None:
    """The schedulers of these tests are such that a handover that does not wait for them goes wrong."""
    wrong = 0
    for seed in range(8):
        (tmp_path / str(seed)).mkdir()
        chance = random.Random(seed)
        stage = Stage(
            tmp_path / str(seed),
            EVERY_MINUTE,
            CutoverOptions(0.5, by_hand=True),
            (chance.uniform(0, 30), chance.uniform(0, 30)),
        )
        for side in ("v2", "v1", "v2", "v1"):
            stage.later(chance.uniform(0, 200))
            stage.bring_to(side)
        stage.later(200)
        times = [at for at, _ in stage.fired()]
        due = [at.timestamp() for at in fire_times.between(EVERY_MINUTE, moment(BEGIN), moment(stage.world.time))]
        wrong += times != due
    assert wrong
