"""A launch plan's schedule, handed over from one side to the other: no fire time lost, none doubled, however often it is killed.

Each scheduler looks for changes now and then (flyteadmin's and Flyte 2's each 30 s) at moments that nobody tells. So:

1. The side that runs the schedule is deactivated. Settled (`settle` seconds later) it is quiet. That moment is the boundary,
   fixed before anything is looked at: fire times until then are its own, later ones the other side's.
2. What it has not fired by then is started there, under its scheduler's own name: whoever comes second is told ALREADY_EXISTS.
3. The other side is activated. Until that has settled, what is due is started there in the same way, at its time.

Both directions are the same. A fixed rate keeps its grid towards Flyte 2, which can be told it. Flyte 1 counts from when its
scheduler looks: there the old grid goes on until its scheduler has fired, so that one interval is shorter, and none longer.

Measured on a running flyteadmin 1.16.8 and Flyte 2.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any, Protocol

from flyte_bridge_translators import fire_times

from ..errors import UsageError
from .cutover_journal import (
    ARRIVED,
    CONFIRMED,
    ENDED,
    HANDED,
    LEAVING,
    LEFT,
    QUIET,
    REACTIVATED,
    RETURNED,
    RETURNING,
    V1,
    V2,
    CutoverJournal,
    CutoverState,
    Entry,
    Leg,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from flyte_bridge_translators.cron import Cron

LOOKS, SLACK = 30.0, 3.0
"""Seconds between two looks of either scheduler, and for the calls."""

SETTLE = LOOKS + SLACK
"""Seconds."""

SECOND = timedelta(seconds=1)


class SchedulerSide(Protocol):
    """One launch plan's schedule on one side."""

    name: str
    counts_from_activation: bool
    """Whether a fixed rate begins when it is activated, whatever it is told."""

    async def active(self) -> str:
        """The version that is active; empty if none is."""

    async def activate(self) -> None:
        """Lets the scheduler fire; again is the same as once."""

    async def deactivate(self) -> datetime | None:
        """Lets the scheduler fire no more; again is the same as once. When that was by the side's clock, if it tells."""

    async def begin_rate(self, at: datetime) -> None:
        """Lets a fixed rate, once activated, fire on the grid of a time."""

    async def has_fired(self, at: datetime) -> bool:
        """Whether there is an execution of a fire time."""

    async def fire(self, at: datetime) -> str:
        """Starts the execution of a fire time under the scheduler's own name, if it is not there; why not, if refused."""

    async def last_fire(self) -> datetime | None:
        """The latest fire time of which there is an execution."""


class Clock(Protocol):
    """The time, and waiting for it."""

    def now(self) -> datetime:
        """Now (aware)."""

    async def until(self, moment: datetime) -> None:
        """Returns at a moment, at once if it is past."""


@dataclass(frozen=True)
class CutoverOptions:
    """How it is handed over.

    Attributes:
        settle: Seconds after which each side's scheduler has looked for changes.
        by_hand: Whether fire times may fall between; they are then started by hand.
        wait: Whether to wait for a time without.
    """

    settle: float = SETTLE
    by_hand: bool = False
    wait: bool = False


class NotNow(UsageError):
    """Raised when a launch plan cannot be handed over as things stand; the message says what to do."""


class Cutover:
    """One launch plan's way; what is done is in the journal at any moment."""

    def __init__(
        self,
        plan: str,
        schedule: Cron | timedelta,
        sides: Mapping[str, SchedulerSide],
        journal: CutoverJournal,
        options: CutoverOptions,
        clock: Clock,
        tell: Callable[[str], None],
    ) -> None:
        """Does nothing yet.

        Args:
            plan: `PROJECT/DOMAIN/NAME`.
            schedule: As `fire_times.read` has it.
            sides: By `v1` and `v2`.
            journal: What is done; more is added.
            options: How.
            clock: The time.
            tell: Is told of what happens.
        """
        self.plan, self.schedule, self.sides = plan, schedule, sides
        self._journal, self._options, self._clock, self._tell = journal, options, clock, tell

    @property
    def state(self) -> CutoverState:
        """How far it is."""
        return self._journal.state(self.plan)

    async def bring_to(self, side: str) -> None:
        """Hands over until a side runs the schedule, from wherever it stands.

        Raises:
            NotNow: It cannot be, as things stand; nothing was changed.
            StatusError: A side fails; the same again goes on.
        """
        while self.state.under_way or self.state.side != side:
            leg = self.state.leg
            if not self.state.under_way:
                await self._begin(side)
            elif leg is None:  # not reached: what is under way has a leg
                raise AssertionError(self.state)
            elif self.state.step in (RETURNING, REACTIVATED):
                await self._return(leg)
            elif leg.target == side:
                await self._go_on(leg)
            elif self.state.step in (LEAVING, LEFT):  # the other side knows of nothing yet
                self._note(RETURNING)
            else:  # it may be active there: it is handed over once more
                assert leg.boundary is not None
                self._leave(Leg(leg.target, leg.origin, leg.boundary, leg.settle, leg.grid))

    def end(self) -> None:
        """Gives it up before anything was changed."""
        self._note(ENDED)

    # -- one handover -------------------------------------------------------------------------------------------------

    async def window(self) -> tuple[datetime, datetime | None]:
        """From when on a handover has no fire time in between, and the fire time that is next now (None: never).

        Raises:
            NotNow: There is no such time: fire times follow one another too closely.
        """
        now, need = self._clock.now(), timedelta(seconds=2 * self._options.settle)
        grid = await self.grid(self.state.side)
        upcoming = next(self._next(now, grid), None)
        after = now
        for _ in range(1000):
            following = next(self._next(after, grid), None)
            if following is None or following - after > need:
                return after, upcoming
            after = following + timedelta(seconds=self._options.settle)
        raise NotNow(
            f"{self.plan}: between no two of its next fire times are {need.total_seconds() * 1.5:g} s: use --by-hand, which "
            "starts what falls between under the scheduler's own names, or a shorter --settle"
        )

    async def grid(self, side: str) -> datetime | None:
        """A fire time of a fixed rate; None for cron.

        Raises:
            NotNow: None is known.
        """
        if not isinstance(self.schedule, timedelta):
            return None
        known = await self.sides[side].last_fire()
        if known is None and self.state.leg is not None and self.state.leg.grid is not None:
            known = _moment(self.state.leg.grid)
        if known is None:
            raise NotNow(
                f"{self.plan}: its fixed rate has not fired yet on {self.sides[side].name}, and nothing else tells when it "
                "will; wait for its first fire"
            )
        return known

    async def _begin(self, target: str) -> None:
        state = self.state
        origin = state.side
        active, other = await self.sides[origin].active(), await self.sides[target].active()
        if active != state.version:
            now = f"version {active} is" if active else "no version is"
            raise NotNow(
                f"{self.plan}: {now} active on {self.sides[origin].name}, not {state.version!r} as the journal has it: "
                "activate it again, or `cutover start` anew"
            )
        if other:
            raise NotNow(
                f"{self.plan}: version {other} is active on {self.sides[target].name}, too, so it fires twice: deactivate "
                "it there first"
            )
        grid = await self.grid(origin)
        if not self._options.by_hand:
            begin, upcoming = await self.window()
            if begin > self._clock.now():
                if not self._options.wait:
                    raise NotNow(
                        f"{self.plan}: it fires at {upcoming}, within the {2 * self._options.settle:g} s that a handover takes: "
                        f"try again at {begin}, or use --wait, or --by-hand"
                    )
                self._tell(f"{self.plan}: waits until {begin}")
                await self._clock.until(begin)
        last = await self.sides[origin].last_fire()
        floor = max(state.since, last.timestamp() if last else 0.0)
        self._leave(Leg(origin, target, floor, self._options.settle, grid.timestamp() if grid else None))

    def _leave(self, leg: Leg) -> None:
        facts = {"origin": leg.origin, "target": leg.target, "floor": leg.floor, "settle": leg.settle, "grid": leg.grid}
        self._note(LEAVING, **facts)

    async def _go_on(self, leg: Leg) -> None:
        """The next step of a handover."""
        origin, target = self.sides[leg.origin], self.sides[leg.target]
        match self.state.step:
            case "leaving":
                told = await origin.deactivate()
                now = max(self._clock.now(), told or self._clock.now())  # whichever clock is ahead
                self._note(LEFT, boundary=math.ceil(now.timestamp() + leg.settle))
                self._tell(f"{self.plan}: inactive on {origin.name}; settles")
            case "left":
                assert leg.boundary is not None
                await self._clock.until(_moment(leg.boundary))
                await self._fill(origin, leg, leg.floor, leg.boundary)
                self._note(QUIET)
            case "quiet":
                await self._activate(target, leg)
                self._note(ARRIVED, activated=math.ceil(self._clock.now().timestamp()))
                self._tell(f"{self.plan}: active on {target.name}; settles")
            case _:
                assert leg.boundary is not None
                assert leg.activated is not None
                await self._settle(target, leg, leg.boundary, leg.activated)
                self._note(HANDED, since=self._clock.now().timestamp())
                self._tell(f"{self.plan}: handed over to {target.name}")

    async def _return(self, leg: Leg) -> None:
        """The next step back to the side that was left, before the other one was told."""
        origin = self.sides[leg.origin]
        if self.state.step == RETURNING:
            await self._activate(origin, leg)
            self._note(REACTIVATED, activated=math.ceil(self._clock.now().timestamp()))
        else:
            assert leg.activated is not None
            await self._settle(origin, leg, leg.floor, leg.activated)
            self._note(RETURNED, since=self._clock.now().timestamp())
            self._tell(f"{self.plan}: stays on {origin.name}")

    async def _activate(self, side: SchedulerSide, leg: Leg) -> None:
        if leg.grid is not None and not side.counts_from_activation:
            await side.begin_rate(_moment(leg.grid))
        await side.activate()

    async def _settle(self, side: SchedulerSide, leg: Leg, after: float, activated: float) -> None:
        """What is due until a side that was activated fires by itself is started there, at its time."""
        settled = activated + leg.settle
        await self._fill(side, leg, after, settled)
        await self._clock.until(_moment(settled))
        if not isinstance(self.schedule, timedelta) or not side.counts_from_activation:
            return
        own = (
            activated + self.schedule.total_seconds() + leg.settle
        )  # by then its scheduler has fired, on a grid of its own
        for at in self._ticks(leg, settled, own):
            await self._clock.until(at)
            last = await side.last_fire()
            if last is not None and last.timestamp() > activated and last not in set(self._ticks(leg, activated, own)):
                return
            await self._fire(side, at)

    async def _fill(self, side: SchedulerSide, leg: Leg, after: float, until: float) -> None:
        for at in self._ticks(leg, after, until):
            await self._clock.until(at)
            await self._fire(side, at)

    async def _fire(self, side: SchedulerSide, at: datetime) -> None:
        refusal = "" if await side.has_fired(at) else await side.fire(at)
        if refusal:
            said = f"{at.isoformat()} on {side.name}: {refusal}"
            if said not in self._journal.refused.get(self.plan, []):
                self._note("refused", said=said)
            self._tell(f"{self.plan}: {said}")

    def _ticks(self, leg: Leg, after: float, until: float) -> Iterator[datetime]:
        """Fire times later than one moment and not later than another."""
        grid = None if leg.grid is None else _moment(leg.grid)
        first = _moment(math.floor(after)) + SECOND
        return fire_times.between(self.schedule, first, _moment(math.floor(until)) + SECOND, grid=grid)

    def _next(self, after: datetime, grid: datetime | None) -> Iterator[datetime]:
        """Fire times later than a moment."""
        step = timedelta(hours=2)
        start = after.replace(microsecond=0) + SECOND
        while step < timedelta(days=366 * 50):
            yield from fire_times.between(self.schedule, start, start + step, grid=grid)
            start, step = start + step, 2 * step

    # -- confirming ---------------------------------------------------------------------------------------------------

    async def upcoming(self) -> datetime | None:
        """The next fire time; None if there is none, or it is not known."""
        try:
            grid = await self.grid(self.state.side)
        except NotNow:
            return None
        return next(self._next(self._clock.now(), grid), None)

    async def confirm(self, *, wait: bool, act: bool = True) -> datetime | None:
        """The first fire time that the new side's scheduler itself was seen to fire; None if it has not yet.

        Args:
            wait: Whether to wait for it.
            act: Whether it is noted.

        Raises:
            NotNow: It is not handed over.
        """
        state = self.state
        if state.under_way or state.leg is None or state.step not in (HANDED, CONFIRMED, RETURNED):
            raise NotNow(f"{self.plan}: it is not handed over; its last step is {state.step or 'none'}")
        side = self.sides[state.side]
        while (last := await side.last_fire()) is None or last.timestamp() <= state.since:
            upcoming = next(self._next(max(self._clock.now(), _moment(state.since)), await self.grid(state.side)), None)
            if not wait or upcoming is None:
                return None
            self._tell(f"{self.plan}: waits for {upcoming}")
            await self._clock.until(upcoming + SECOND)
            for _ in range(math.ceil(state.leg.settle) + 10):  # a scheduler may be late
                if await side.has_fired(upcoming):
                    break
                await self._clock.until(self._clock.now() + SECOND)
            else:
                return None
        if act and state.step != CONFIRMED:
            self._note(CONFIRMED, fire=last.isoformat())
        return last

    def _note(self, step: str, **facts: Any) -> None:
        self._journal.write(Entry(self.plan, step, self._clock.now().timestamp(), facts))


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, timezone.utc)


__all__ = ["SETTLE", "V1", "V2", "Clock", "Cutover", "CutoverOptions", "NotNow", "SchedulerSide"]
