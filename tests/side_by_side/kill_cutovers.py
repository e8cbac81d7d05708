"""Hands a launch plan over and back while it is killed (SIGKILL) at random moments; prints what became of the fire times.

python kill_cutovers.py DIRECTORY KILLS SEED SETTLE
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import sys
import time
from pathlib import Path

from simulated import BEGIN, SimulatedSide, World, moment

from flyte_bridge.side_by_side.cutover import Cutover, CutoverOptions, NotNow
from flyte_bridge.side_by_side.cutover_journal import STARTED, CutoverJournal, Entry
from flyte_bridge_translators import cron, fire_times

PLAN = "p/d/n"
EVERY_MINUTE = cron.parse("* * * * *")
KILLS_A_WORLD = 10
LONGEST = 0.03
"""Seconds: about what a handover takes here."""


def act(directory: Path, polls: dict[str, float], action: str, settle: float) -> None:
    """What one process does."""
    world = World(directory / "world", EVERY_MINUTE, polls)
    journal = CutoverJournal(directory / "journal.jsonl")
    if not journal.state(PLAN).version:
        journal.write(Entry(PLAN, STARTED, world.time, {"version": "v", "since": BEGIN}))
    sides = {side: SimulatedSide(world, side) for side in ("v1", "v2")}
    cutover = Cutover(PLAN, EVERY_MINUTE, sides, journal, CutoverOptions(settle, by_hand=True), world, lambda _: None)
    if action == "start":
        return
    if action == "confirm":
        try:
            asyncio.run(cutover.confirm(wait=True))
        except NotNow:
            return
    else:
        asyncio.run(cutover.bring_to("v2" if action == "handover" else "v1"))


def killed(directory: Path, polls: dict[str, float], action: str, settle: float, after: float) -> bool:
    """Whether a process that does something was killed before it was done."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            act(directory, polls, action, settle)
            code = 0
        finally:
            os._exit(code)
    time.sleep(after)
    os.kill(child, signal.SIGKILL)
    status = os.waitpid(child, 0)[1]
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0, f"{action} failed"
    return os.WIFSIGNALED(status)


def one_world(directory: Path, chance: random.Random, kills: int, settle: float) -> dict[str, int]:
    """Kills so often in one history, then lets it end; what became of its fire times."""
    directory.mkdir(parents=True)
    polls = {side: round(chance.uniform(0.1, 29.9), 1) for side in ("v1", "v2")}
    world = World(directory / "world", EVERY_MINUTE, polls)
    world.time = BEGIN - 300
    world.add("on", "v1")
    world.time = BEGIN
    world.add("idle")
    done = unreadable = 0
    while done < kills:
        action = chance.choice(["start", "handover", "handover", "confirm", "abort", "abort"])
        done += killed(directory, polls, action, settle, chance.uniform(0, LONGEST))
        try:
            CutoverJournal(directory / "journal.jsonl")
        except Exception:
            unreadable += 1
        world = World(directory / "world", EVERY_MINUTE, polls)
        world.time += chance.uniform(0, 200)
        world.add("idle")
    target = chance.choice(["handover", "abort"])
    act(directory, polls, target, settle)
    world = World(directory / "world", EVERY_MINUTE, polls)
    world.time += 300
    end = world.time
    world.add("idle")
    fired = {side: world.fired(side, end) for side in ("v1", "v2")}
    due = [at.timestamp() for at in fire_times.between(EVERY_MINUTE, moment(BEGIN), moment(end))]
    state = CutoverJournal(directory / "journal.jsonl").state(PLAN)
    stands = [side for side in ("v1", "v2") if world.active(side, end)]
    return {
        "kills": done,
        "fire_times": len(due),
        "lost": sum(at not in fired["v1"] | fired["v2"] for at in due),
        "doubled": len(fired["v1"] & fired["v2"]),
        "stuck": int(state.under_way or stands != [state.side]),
        "unreadable": unreadable,
    }


def main(directory: Path, kills: int, seed: int, settle: float) -> None:
    chance = random.Random(seed)
    sums: dict[str, int] = {}
    while sums.get("kills", 0) < kills:
        some = min(KILLS_A_WORLD, kills - sums.get("kills", 0))
        told = one_world(directory / str(sums.get("kills", 0)), chance, some, settle)
        sums = {name: sums.get(name, 0) + value for name, value in told.items()}
    print(json.dumps(sums))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4]))
