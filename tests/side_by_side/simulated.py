"""Two schedulers as they were measured, in virtual time, on a file that outlives whoever is killed.

The file has what was asked of both sides and when; what their schedulers have fired follows from it: each looks for changes
each 30 s at its own moments, and fires what is due while what it saw last was active.
"""

from __future__ import annotations

import json
import os
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

from flyte_bridge_translators import fire_times

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from flyte_bridge_translators.cron import Cron

POLL = 30.0
BEGIN = datetime(2026, 3, 1, 3, 0, 7, tzinfo=timezone.utc).timestamp()


def moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, timezone.utc)


class World:
    """Both sides. Calls take virtual time; waiting takes nothing else."""

    def __init__(self, path: Path, schedule: Cron | timedelta, polls: dict[str, float]) -> None:
        self.path, self.schedule, self.polls = path, schedule, polls
        self.lines: list[dict[str, float | str]] = []
        if path.exists():
            self.lines = [json.loads(line) for line in path.read_bytes().split(b"\n")[:-1]]
        self.time = max((float(line["at"]) for line in self.lines), default=BEGIN)

    def add(self, what: str, side: str = "", fire: float = 0.0) -> None:
        line = {"at": self.time, "what": what, "side": side, "fire": fire}
        with self.path.open("ab") as file:
            os.write(file.fileno(), json.dumps(line).encode() + b"\n")  # in one piece, or not at all
        self.lines.append(line)

    # -- a Clock ------------------------------------------------------------------------------------------------------

    def now(self) -> datetime:
        return moment(self.time)

    async def until(self, moment: datetime) -> None:
        if moment.timestamp() > self.time:
            self.time = moment.timestamp()
            self.add("idle")

    # -- what both schedulers do --------------------------------------------------------------------------------------

    def active(self, side: str, at: float) -> bool:
        told = [line for line in self.lines if line["side"] == side and line["what"] in ("on", "off")]
        return next((line["what"] == "on" for line in reversed(told) if float(line["at"]) <= at), False)

    def _polls(self, side: str, until: float) -> Iterator[float]:
        at = BEGIN - 600 + self.polls[side]
        while at <= until:
            yield at
            at += POLL

    def _spells(self, side: str, until: float) -> list[tuple[float, float]]:
        """From when till when its scheduler took the schedule for active."""
        spells: list[tuple[float, float]] = []
        since: float | None = None
        for poll in self._polls(side, until):
            is_active = self.active(side, poll)
            if is_active and since is None:
                since = poll
            elif not is_active and since is not None:
                spells.append((since, poll))
                since = None
        return [*spells, (since, until)] if since is not None else spells

    def by_scheduler(self, side: str, until: float) -> set[float]:
        fired: set[float] = set()
        for begin, end in self._spells(side, until):
            grid: float | None = begin
            if side == "v2":
                told = [line for line in self.lines if line["what"] == "grid" and float(line["at"]) <= begin]
                grid = float(told[-1]["fire"]) if told else begin
            # what is due at the moment of a poll the poll decides: firing comes later
            start = int(begin) + 1
            times = fire_times.between(self.schedule, moment(start), moment(int(end) + 1), grid=moment(int(grid or 0)))
            fired |= {at.timestamp() for at in times if at.timestamp() > begin}
        return fired

    def fired(self, side: str, until: float | None = None) -> set[float]:
        by_hand = {float(line["fire"]) for line in self.lines if line["what"] == "fire" and line["side"] == side}
        return by_hand | self.by_scheduler(side, self.time if until is None else until)


class SimulatedSide:
    """One of the sides; see `cutover.SchedulerSide`."""

    def __init__(self, world: World, side: str) -> None:
        self.world, self.name = world, side
        self.counts_from_activation = side == "v1"

    def _call(self) -> None:
        self.world.time += 0.4

    async def active(self) -> str:
        self._call()
        return "v" if self.world.active(self.name, self.world.time) else ""

    async def activate(self) -> None:
        self._call()
        self.world.add("on", self.name)
        self._call()

    async def deactivate(self) -> datetime | None:
        self._call()
        self.world.add("off", self.name)
        self._call()
        return None

    async def begin_rate(self, at: datetime) -> None:
        self.world.add("grid", self.name, at.timestamp())

    async def has_fired(self, at: datetime) -> bool:
        self._call()
        return at.timestamp() in self.world.fired(self.name)

    async def fire(self, at: datetime) -> str:
        self._call()
        assert at.timestamp() <= self.world.time, "nothing is run in advance"
        if at.timestamp() not in self.world.fired(self.name):
            self.world.add("fire", self.name, at.timestamp())
        return ""

    async def last_fire(self) -> datetime | None:
        self._call()
        fired = self.world.fired(self.name)
        return moment(max(fired)) if fired else None
