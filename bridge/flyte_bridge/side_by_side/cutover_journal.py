"""What a cut-over has done, one line of JSON per step, of all launch plans: whoever is killed goes on from its last line.

| step | says |
|---|---|
| `started` | what must be equal is; nothing has been changed |
| `leaving` | from now on the side that runs the schedule is told to stop |
| `left` | it was told; fire times until `boundary` are its own, later ones the other side's |
| `quiet` | it fires no more, and has all of its own; from now on the other side is told to begin |
| `arrived` | it was told |
| `handed` | its scheduler has looked meanwhile: it fires by itself |
| `confirmed` | it was seen to |
| `returning`, `reactivated`, `returned` | the same for the side that was left and is taken again, before the other was told |
| `ended` | given up before anything was changed |

A step that promises a change is written before it, one that tells of a change after it, and each change may be made twice.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

from ..errors import SourceError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ..config import Settings

V1, V2 = "v1", "v2"

LEAVING, LEFT, QUIET, ARRIVED, HANDED = "leaving", "left", "quiet", "arrived", "handed"
RETURNING, REACTIVATED, RETURNED = "returning", "reactivated", "returned"
STARTED, CONFIRMED, ENDED = "started", "confirmed", "ended"

SETTLED = frozenset({STARTED, HANDED, CONFIRMED, RETURNED, ENDED})
"""Steps after which one side alone runs the schedule."""


class Entry(NamedTuple):
    """A line: of which launch plan (`PROJECT/DOMAIN/NAME`), which step, when (seconds since 1970), and what it says."""

    plan: str
    step: str
    at: float
    facts: dict[str, Any]


@dataclass(frozen=True)
class Leg:
    """A handover in one direction.

    Attributes:
        origin: The side that runs the schedule before.
        target: The one that runs it after.
        floor: Fire times until then are dealt with (seconds since 1970, as all times here).
        settle: Seconds after which each scheduler has looked for changes.
        grid: A fire time of a fixed rate; None for cron.
        boundary: Fire times until then are the origin's; None until the origin was told to stop.
        activated: When the side that runs the schedule now was told to begin; None until then.
    """

    origin: str
    target: str
    floor: float
    settle: float
    grid: float | None = None
    boundary: float | None = None
    activated: float | None = None


@dataclass(frozen=True)
class CutoverState:
    """How far a launch plan is.

    Attributes:
        version: Its version that is handed over; empty if it was never started.
        step: The last one.
        at: When that was noted.
        side: The side that runs the schedule when nothing is under way, and the one that is left else.
        since: Fire times until then are dealt with.
        leg: The last handover.
    """

    version: str = ""
    step: str = ""
    at: float = 0.0
    side: str = V1
    since: float = 0.0
    leg: Leg | None = None

    @property
    def under_way(self) -> bool:
        """Whether a handover has begun and not ended."""
        return bool(self.step) and self.step not in SETTLED

    @property
    def callers_side(self) -> str:
        """Where executions of the launch plan belong now: on the side that was told last to run it."""
        if self.step == ARRIVED and self.leg is not None:
            return self.leg.target
        return self.side

    def after(self, entry: Entry) -> CutoverState:
        """The state when one more step was made."""
        facts, leg = entry.facts, self.leg
        if entry.step == STARTED:
            return CutoverState(str(facts["version"]), STARTED, entry.at, V1, float(facts["since"]))
        told = replace(self, step=entry.step, at=entry.at)
        if entry.step == LEAVING:
            grid = facts["grid"]
            leg = Leg(facts["origin"], facts["target"], float(facts["floor"]), float(facts["settle"]), grid)
            return replace(told, leg=leg, side=leg.origin)
        if leg is None:  # ended or confirmed
            return told
        match entry.step:
            case "left":
                leg = replace(leg, boundary=float(facts["boundary"]))
            case "arrived" | "reactivated":
                leg = replace(leg, activated=float(facts["activated"]))
            case "handed":
                return replace(told, side=leg.target, since=float(facts["since"]))
            case "returned":
                return replace(told, side=leg.origin, since=float(facts["since"]))
        return replace(told, leg=leg)


class CutoverJournal:
    """A file that only grows. A line that is cut off at the end was never written."""

    def __init__(self, path: Path) -> None:
        """Reads what is there.

        Raises:
            SourceError: It holds something else.
        """
        self.path = path
        self.states: dict[str, CutoverState] = {}
        self.refused: dict[str, list[str]] = {}
        self._read = 0
        self.refresh()

    def refresh(self) -> None:
        """Reads what others have added.

        Raises:
            SourceError: It holds something else.
        """
        try:
            with self.path.open("rb") as file:
                file.seek(self._read)
                whole = file.read()
        except FileNotFoundError:
            return
        whole = whole[: whole.rfind(b"\n") + 1]
        try:
            for line in whole.splitlines():
                self._add(Entry(**json.loads(line)))
        except (ValueError, KeyError, TypeError) as error:
            raise SourceError(
                str(self.path),
                f"is no journal of a cut-over ({error}); restore it: it says which side runs which launch plan",
            ) from None
        self._read += len(whole)

    def state(self, plan: str) -> CutoverState:
        """How far a launch plan is (`PROJECT/DOMAIN/NAME`)."""
        return self.states.get(plan, CutoverState())

    def write(self, entry: Entry) -> None:
        """Adds a step; it is on the disk when this returns."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("ab") as file:
            fcntl.flock(file, fcntl.LOCK_EX)  # until it is closed
            self.refresh()
            if file.seek(0, os.SEEK_END) > self._read:  # cut off by a crash; what is appended must not stand behind it
                file.truncate(self._read)
            line = json.dumps(entry._asdict()).encode() + b"\n"
            file.write(line)
            file.flush()
            os.fsync(file.fileno())
        self._read += len(line)
        self._add(entry)

    def _add(self, entry: Entry) -> None:
        if entry.step == "refused":  # told of a fire time; no step
            self.refused.setdefault(entry.plan, []).append(str(entry.facts["said"]))
            return
        self.states[entry.plan] = self.state(entry.plan).after(entry)


def path_of(settings: Settings) -> Path:
    """The journal of the two sides that the settings mean."""
    sides = f"{settings.v1_endpoint}\0{settings.endpoint or ''}"
    digest = hashlib.sha256(sides.encode()).hexdigest()[:16]
    return settings.data_dir / "side-by-side" / f"cutover-{digest}.jsonl"


@contextmanager
def held(path: Path, plan: str, *, needed: bool = True) -> Iterator[None]:
    """Keeps other processes from the same launch plan.

    Raises:
        UsageError: One is at it.
    """
    if not needed:
        yield
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256(plan.encode()).hexdigest()[:16]
    with path.with_suffix(f".{digest}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise UsageError(f"another process hands {plan} over; wait for it, or end it") from None
        yield
