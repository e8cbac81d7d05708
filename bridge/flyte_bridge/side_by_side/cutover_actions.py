"""What `cutover` does with one launch plan: each action, tried and told as a report."""

from __future__ import annotations

import asyncio
import math
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from flyte_bridge_translators import fire_times

from ..embedded_client import instance
from ..errors import UsageError
from .clocks import ahead
from .cutover import LOOKS, SLACK, Cutover, CutoverOptions, NotNow
from .cutover_checks import LastCompare, active_version, examine, last_compare, running
from .cutover_journal import ENDED, RETURNED, STARTED, V1, V2, CutoverJournal, Entry
from .cutover_sides import Flyte1Side, Flyte2Side, WallClock
from .launch_plans import find

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from flyteidl.admin import launch_plan_pb2

    from ..backend.client import BackendClient
    from ..config import Settings
    from .control_plane import ControlPlane
    from .launch_plans import LaunchPlanName

START, STATUS, HANDOVER, CONFIRM, ABORT = ACTIONS = ("start", "status", "handover", "confirm", "abort")

POLL = timedelta(seconds=5)
"""Between two looks at executions that are waited for."""


@dataclass(frozen=True)
class CutoverReport:
    """What an action came to.

    Attributes:
        launch_plan: `PROJECT/DOMAIN/NAME`.
        action: Which.
        version: The one that is handed over; empty before `start`.
        step: The journal's last one; empty before `start`.
        side: Which side runs the schedule.
        active: By side: the version that is active there.
        last_fire: ISO 8601; empty if none is known.
        next_fire: ISO 8601; empty if none is known.
        last_compare: What the last comparison came to.
        done: Whether what was asked for is so now.
        said: What was done, or would be.
        hindrances: Why it was not, each with what to do.
        notes: What to know.
    """

    launch_plan: str
    action: str
    version: str = ""
    step: str = ""
    side: str = V1
    active: tuple[tuple[str, str], ...] = ()
    last_fire: str = ""
    next_fire: str = ""
    last_compare: LastCompare | None = None
    done: bool = False
    said: str = ""
    hindrances: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """As JSON has it."""
        return {**asdict(self), "active": dict(self.active)}


@dataclass(frozen=True)
class BothSides:
    """Where cut-overs happen.

    Attributes:
        v1: Flyte 1.
        v2: Flyte 2, by Flyte 1's API.
        flyte2: The same by its own.
        settings: Mean both.
        journal: What is done.
    """

    v1: ControlPlane
    v2: ControlPlane
    flyte2: BackendClient
    settings: Settings
    journal: CutoverJournal


class CutoverActions:
    """The actions of one launch plan."""

    def __init__(
        self,
        both: BothSides,
        wanted: LaunchPlanName,
        options: CutoverOptions,
        tell: Callable[[str], None],
        *,
        execute: bool,
    ) -> None:
        """Does nothing yet.

        Args:
            both: The two sides.
            wanted: The launch plan.
            options: How it is handed over.
            tell: Is told of what happens.
            execute: Whether to act, and not only to say what would be done.
        """
        self._both, self._wanted, self._options, self._tell, self._execute = both, wanted, options, tell, execute
        self._clock = WallClock()
        self._name = str(replace(wanted, version=""))

    async def do(self, action: str) -> CutoverReport:
        """One of `ACTIONS`.

        Raises:
            UsageError: There is no such launch plan.
            StatusError: A side fails; the same again goes on.
        """
        if action == STATUS:
            return await self._status(STATUS)
        try:
            if action != CONFIRM:
                await self._check_clocks()
            said, done, notes = await getattr(self, f"_{action}")()
        except NotNow as hindrance:
            return replace(await self._status(action), hindrances=(str(hindrance),))
        except _Hindered as hindered:
            return replace(await self._status(action), hindrances=hindered.why, notes=hindered.notes)
        known = await self._status(action)
        return replace(known, said=said, done=done, notes=notes)

    async def _check_clocks(self) -> None:
        """Holds that the clocks of both sides agree with ours, as far as they tell.

        A side that is ahead fires early, which is settled for if that is long enough; one that is behind would fire again what
        the other side has fired.

        Raises:
            NotNow: They do not.
        """
        room = max(SLACK, self._options.settle - LOOKS)
        for plane, told in zip((self._both.v1, self._both.v2), await clocks_of(self._both), strict=True):
            if told is None or -SLACK <= told <= room:
                continue
            where = "ahead of" if told > 0 else "behind"
            way = f", or give --settle {math.ceil(LOOKS + told + SLACK)}s" if told > 0 else ""
            raise NotNow(
                f"{self._name}: the clock of {plane.name} is {abs(told):.0f} s {where} this machine's, so fire times would be "
                f"lost or run twice: set it right{way}"
            )

    async def _start(self) -> tuple[str, bool, tuple[str, ...]]:
        state = self._both.journal.state(self._name)
        if state.version and state.step not in (STARTED, ENDED, RETURNED):
            raise NotNow(
                f"{self._name}: its last step is {state.step}: it is started; go on with `handover` or `abort`"
            )
        found = await examine(self._both.v1, self._both.v2, self._wanted, self._both.settings.data_dir)
        if found.hindrances:
            raise _Hindered(found.hindrances, found.notes)
        if found.running and not self._options.wait:
            names = ", ".join(found.running[:5])
            raise _Hindered((f"{len(found.running)} executions run on Flyte 1 ({names}): use --wait",), found.notes)
        if not self._execute:
            return f"would start with version {found.plan.id.version}", False, found.notes
        while found.running:
            self._tell(f"{self._name}: waits for {len(found.running)} executions")
            await self._clock.until(self._clock.now() + POLL)
            found = replace(found, running=await running(self._both.v1, self._wanted))
        now = self._clock.now().timestamp()
        facts = {"version": found.plan.id.version, "since": now}
        self._both.journal.write(Entry(self._name, STARTED, now, facts))
        return f"started with version {found.plan.id.version}", True, found.notes

    async def _handover(self) -> tuple[str, bool, tuple[str, ...]]:
        cutover = await self._cutover()
        state = cutover.state
        if not state.under_way and state.side == V2:
            return f"it is on Flyte 2; its last step is {state.step}", True, ()
        if not self._execute:
            return f"would hand over to Flyte 2{await self._window(cutover)}", False, ()
        await cutover.bring_to(V2)
        return "handed over to Flyte 2", True, ()

    async def _abort(self) -> tuple[str, bool, tuple[str, ...]]:
        cutover = await self._cutover()
        state = cutover.state
        is_rate = isinstance(cutover.schedule, timedelta)
        notes: tuple[str, ...] = (_BACK.format(cutover.schedule),) if is_rate else ()
        back = state.under_way or state.side == V2
        if not self._execute:
            if not back:
                return "would give it up; nothing was changed", False, ()
            return f"would bring it back to Flyte 1{await self._window(cutover)}", False, notes
        if not back:
            if state.step == STARTED:
                cutover.end()
            return "it is on Flyte 1; given up", True, ()
        if is_rate:
            self._tell(f"{self._name}: {notes[0]}")
        await cutover.bring_to(V1)
        return "brought back to Flyte 1", True, notes

    async def _confirm(self) -> tuple[str, bool, tuple[str, ...]]:
        cutover = await self._cutover()
        fire = await cutover.confirm(wait=self._options.wait, act=self._execute)
        if fire is None:
            upcoming = await cutover.upcoming()
            raise NotNow(
                f"{self._name}: its scheduler has fired nothing since it was handed over; the next fire time is "
                f"{upcoming.isoformat() if upcoming else 'not known'}: try again then, or use --wait"
            )
        return f"its scheduler has fired {fire.isoformat()}", True, ()

    async def _window(self, cutover: Cutover) -> str:
        if cutover.state.under_way:
            return ", going on from where it stopped"
        begin, upcoming = await cutover.window()
        fires = f"; it fires next at {upcoming.isoformat()}" if upcoming else ""
        if begin <= self._clock.now():
            return f" now{fires}"
        return f" at {begin.isoformat()} with --wait, or now with --by-hand{fires}"

    # -- where it stands ----------------------------------------------------------------------------------------------

    async def _status(self, action: str) -> CutoverReport:
        both = self._both
        state = both.journal.state(self._name)
        active = tuple(
            [(side, await active_version(plane, self._wanted)) for side, plane in ((V1, both.v1), (V2, both.v2))]
        )
        report = CutoverReport(self._name, action, state.version, state.step, state.callers_side, active)
        refused = tuple(f"refused: {said}" for said in both.journal.refused.get(self._name, ()))
        warned: tuple[str, ...] = ()
        if all(dict(active).values()):
            warned += ("it is active on both sides, so it fires twice: deactivate it on one",)
        if not state.under_way and state.version and dict(active)[state.side] != state.version:
            warned += (f"version {state.version} is not active on {state.side}, as the journal has it",)
        plan = await self._plan()
        compared = last_compare(both.settings.data_dir, both.v1.name, both.v2.name, self._wanted, plan)
        report = replace(report, last_compare=compared, notes=refused + warned, done=not warned)
        try:
            cutover = self._of(plan)
            last = [at for side in cutover.sides.values() if (at := await side.last_fire()) is not None]
            upcoming = await cutover.upcoming() if dict(active)[report.side] else None
        except UsageError as error:
            return replace(report, notes=(*report.notes, str(error)))
        return replace(
            report,
            last_fire=max(last).isoformat() if last else "",
            next_fire=upcoming.isoformat() if upcoming else "",
        )

    async def _plan(self) -> launch_plan_pb2.LaunchPlan:
        version = self._both.journal.state(self._name).version
        return await find(self._both.v1, replace(self._wanted, version=version or self._wanted.version))

    async def _cutover(self) -> Cutover:
        state = self._both.journal.state(self._name)
        if not state.version or state.step == ENDED:
            raise NotNow(f"{self._name}: `flyte-bridge cutover start {self._name}` comes first")
        return self._of(await self._plan())

    def _of(self, plan: launch_plan_pb2.LaunchPlan) -> Cutover:
        both = self._both
        try:
            schedule = fire_times.read(plan.spec.entity_metadata.schedule, both.settings.v1_zone)
        except fire_times.NoSchedule as error:
            raise UsageError(f"{self._name}: {error}") from None
        sides = {V1: Flyte1Side(both.v1, plan), V2: Flyte2Side(both.v2, plan, both.flyte2)}
        return Cutover(self._name, schedule, sides, both.journal, self._options, self._clock, self._tell)


async def clocks_of(both: BothSides) -> tuple[float | None, float | None]:
    """Seconds by which the clocks of Flyte 1 and Flyte 2 are ahead of ours; `None` where nobody tells."""
    settings = both.settings
    v1 = settings.v1_endpoint or ""
    if settings.endpoint is not None:
        flyte2 = ahead(settings.endpoint, insecure=settings.insecure, ca_cert=settings.ca_cert)
    else:
        running = await asyncio.to_thread(instance.ensure, settings.data_dir)
        flyte2 = ahead(running.endpoint, insecure=True)
    return await asyncio.gather(ahead(v1, insecure=settings.v1_insecure, ca_cert=settings.v1_ca_cert), flyte2)


class _Hindered(Exception):
    """Raised when a launch plan cannot be started, for several reasons."""

    def __init__(self, why: tuple[str, ...], notes: tuple[str, ...]) -> None:
        super().__init__("; ".join(why))
        self.why, self.notes = why, notes


_BACK = (
    "flyteadmin counts its fixed rate anew: the old grid goes on until it has fired by itself, then one interval is shorter; that "
    "takes up to {} longer"
)
