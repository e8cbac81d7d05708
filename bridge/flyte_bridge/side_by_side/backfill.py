"""One execution per fire time of a launch plan's schedule, on one side or two, each date compared as it ends."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from flyteidl.admin import execution_pb2
from flyteidl.core import execution_pb2 as core_execution_pb2
from flyteidl.core import identifier_pb2, literals_pb2

from flyte_bridge_translators.fire_times import execution_name, trigger_run_name
from flyte_bridge_translators.wire.past_execution import IMPORTED_FROM

from ..admin.schedules import trigger_of
from ..errors import AlreadyExists, BackendError, NotFound, StatusError, Unavailable
from . import report
from .backfill_state import REFUSED, BackfillState, DateState, SideState
from .comparing import CompareOptions, SideExecution, compare_pair, ended
from .comparison import Sameness
from .control_plane import SCHEDULED, told
from .record import ErrorRecord
from .sides import V2

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Iterator
    from datetime import datetime

    from .control_plane import ControlPlane

MOST_TRIES = 999
"""Names that one fire time has."""

COMPARISONS_AT_ONCE = 2
"""Dates that are compared at once; the executions themselves are what takes time."""

SHOWN = 20
"""Differences of a date that are kept in the state."""

_REFUSALS = frozenset({"INVALID_ARGUMENT", "FAILED_PRECONDITION", "UNIMPLEMENTED", "NOT_FOUND", "PERMISSION_DENIED"})
"""Statuses that tell of one execution and not of the control plane."""


@dataclass(frozen=True)
class BackfillPlan:
    """What shall be run.

    Attributes:
        launch_plan: The version that runs on every side.
        times: The fire times, in order.
        kickoff: The input that is given the fire time; empty if none is.
        sides: Control planes by what they are called here, one or two, the first side of comparisons first.
        tasks: Sides that run a conversion → the task that they run, with its version.
    """

    launch_plan: identifier_pb2.Identifier
    times: tuple[datetime, ...]
    kickoff: str
    sides: Mapping[str, ControlPlane]
    tasks: Mapping[str, str] = field(default_factory=dict)

    def name(self, side: str, at: datetime, again: int = 0) -> str:
        """What the execution of a fire time is called: as the scheduler has it; a conversion's by its task's version, too."""
        task = self.tasks.get(side)
        if task is None:
            return execution_name(self.launch_plan, at, again)
        named = identifier_pb2.Identifier()
        named.CopyFrom(self.launch_plan)
        named.version = f"{named.version}:{task}"
        return f"c{execution_name(named, at, again)[1:]}"


@dataclass(frozen=True)
class BackfillOptions:
    """How it shall be run.

    Attributes:
        parallel: Executions at once on each side.
        retry: Whether dates that have failed run again, under the next name.
        overwrite_cache: Whether cached results are computed anew.
        compare: How each date is compared.
    """

    parallel: int = 4
    retry: bool = False
    overwrite_cache: bool = False
    compare: CompareOptions = field(default_factory=CompareOptions)


class Backfill:
    """Runs a plan; what is done is in the state at any moment."""

    def __init__(
        self,
        plan: BackfillPlan,
        options: BackfillOptions,
        state: BackfillState,
        tell: Callable[[DateState, str], None],
    ) -> None:
        """Starts nothing yet.

        Args:
            plan: What.
            options: How.
            state: What is done; changed and saved as more is.
            tell: Is told of each execution that has ended (the date and its side) and of each comparison (`compared`).
        """
        self._plan, self._options, self._state, self._tell = plan, options, state, tell
        self._comparisons: list[asyncio.Task[None]] = []
        self._comparing: set[str] = set()
        self._slots = asyncio.Semaphore(COMPARISONS_AT_ONCE)
        for at in plan.times:
            date = state.dates.setdefault(at.isoformat(), DateState(at.isoformat()))
            for side in plan.sides:
                date.sides.setdefault(side, SideState())

    async def run(self) -> None:
        """Runs what is not done.

        Raises:
            StatusError: A control plane fails; the same call later goes on.
        """
        self._state.save()
        try:
            await _together(map(self._side, self._plan.sides))
            await _together(self._comparisons)
        finally:
            for comparison in self._comparisons:
                comparison.cancel()
            self._state.save()

    async def _side(self, side: str) -> None:
        """All fire times on one side, by workers that each take the next one."""
        times = iter(self._plan.times)
        await _together(self._worker(side, times) for _ in range(self._options.parallel))

    async def _worker(self, side: str, times: Iterator[datetime]) -> None:
        for at in times:
            date = self._state.dates[at.isoformat()]
            one = date.sides[side]
            if not one.phase or (one.failed and self._options.retry):
                await self._execute(side, at, one)
                date.verdict = ""
                self._state.save()
                self._tell(date, side)
            ended_on_both = len(date.sides) == 2 and all(other.phase for other in date.sides.values())
            if ended_on_both and not date.verdict and date.at not in self._comparing:
                self._comparing.add(date.at)  # whoever ends second compares, and nobody else
                self._comparisons.append(asyncio.ensure_future(self._compare(date)))

    # -- one execution ------------------------------------------------------------------------------------------------

    async def _execute(self, side: str, at: datetime, one: SideState) -> None:
        plane = self._plan.sides[side]
        if not one.name and (fired := await self._fired(side, at)) is not None:
            one.name = fired.id.name
            _note(one, await ended(plane, fired.id))
            return
        again = one.again + 1 if one.failed else one.again
        while True:
            identity = self._identity(self._plan.name(side, at, again))
            one.name, one.again, one.phase, one.error = identity.name, again, "", ""
            self._state.save()
            try:
                is_new = await self._create(plane, identity, at)
            except StatusError as error:
                if error.code not in _REFUSALS:
                    raise
                one.phase, one.error = REFUSED, told(error)
                return
            execution = await ended(plane, identity)
            if (
                IMPORTED_FROM in execution.spec.annotations.values
            ):  # the record of another side's execution, not this side's
                again += 1
                continue
            _note(one, execution)
            if is_new or not one.failed or again == MOST_TRIES:
                return
            # it was there already and has failed: a later try may be there, too
            if not self._options.retry and not await self._exists(side, at, again + 1):
                return
            again += 1

    async def _fired(self, side: str, at: datetime) -> execution_pb2.Execution | None:
        """What Flyte 2's own scheduler has run at a fire time, in the version that is meant."""
        if side != V2:
            return None
        plan = self._plan.launch_plan
        trigger = trigger_of(plan)
        name = trigger_run_name(trigger.project, trigger.domain, trigger.task_name, trigger.name, at)
        try:
            execution = await self._plan.sides[side].execution(self._identity(name))
        except NotFound:
            return None
        return execution if execution.spec.launch_plan.version == plan.version else None

    async def _create(
        self, plane: ControlPlane, identity: identifier_pb2.WorkflowExecutionIdentifier, at: datetime
    ) -> bool:
        """Starts an execution; False when it is there already."""
        request = self._request(identity, at)
        while True:
            try:
                await plane.create(request)
            except AlreadyExists:
                return False
            except (
                Unavailable
            ):  # nobody knows whether it arrived; whoever looks waits until the side is back, or gives up
                try:
                    await plane.execution(identity)
                except NotFound:
                    continue
            return True

    async def _exists(self, side: str, at: datetime, again: int) -> bool:
        try:
            await self._plan.sides[side].execution(self._identity(self._plan.name(side, at, again)))
        except NotFound:
            return False
        return True

    def _identity(self, name: str) -> identifier_pb2.WorkflowExecutionIdentifier:
        plan = self._plan.launch_plan
        return identifier_pb2.WorkflowExecutionIdentifier(project=plan.project, domain=plan.domain, name=name)

    def _request(
        self, identity: identifier_pb2.WorkflowExecutionIdentifier, at: datetime
    ) -> execution_pb2.ExecutionCreateRequest:
        """What flyteadmin's scheduler would send."""
        spec = execution_pb2.ExecutionSpec(launch_plan=self._plan.launch_plan)
        spec.metadata.mode = SCHEDULED
        spec.metadata.scheduled_at.FromDatetime(at)
        spec.overwrite_cache = self._options.overwrite_cache
        request = execution_pb2.ExecutionCreateRequest(
            project=identity.project, domain=identity.domain, name=identity.name, spec=spec
        )
        request.inputs.SetInParent()
        if self._plan.kickoff:
            literal = literals_pb2.Literal()
            literal.scalar.primitive.datetime.FromDatetime(at)
            request.inputs.literals[self._plan.kickoff].CopyFrom(literal)
        return request

    # -- one comparison -----------------------------------------------------------------------------------------------

    async def _compare(self, date: DateState) -> None:
        refused = [side for side, one in date.sides.items() if one.phase == REFUSED]
        async with self._slots:
            try:
                if refused:
                    date.verdict, date.reason, date.differences = (
                        Sameness.NOT_COMPARABLE.value,
                        f"refused on {refused[0]}",
                        [],
                    )
                else:
                    await self._compare_executions(date)
            except Unavailable:  # no verdict: the same again compares it when the side is back
                raise
            except BackendError as error:
                date.verdict, date.reason = Sameness.NOT_COMPARABLE.value, " ".join(str(error).split())
        self._state.save()
        self._tell(date, "compared")

    async def _compare_executions(self, date: DateState) -> None:
        left, right = [
            SideExecution(self._plan.sides[side], self._identity(one.name)) for side, one in date.sides.items()
        ]
        compared = await compare_pair(left, right, self._options.compare)
        places = [report.line(one).strip() for one in compared.differences]
        places += [report.line(one, node.name).strip() for node in compared.nodes for one in node.differences]
        date.verdict, date.reason, date.differences = compared.verdict.value, compared.reason, places[:SHOWN]


def utilisation(state: BackfillState, side: str, parallel: int) -> float | None:
    """The share of the time, from the first beginning to the last end, in which `parallel` executions ran; None if none did."""
    spans = [
        (date.sides[side].began, date.sides[side].ended)
        for date in state.dates.values()
        if side in date.sides and date.sides[side].ended
    ]
    if not spans:
        return None
    length = max(end for _, end in spans) - min(begin for begin, _ in spans)
    busy = sum(end - begin for begin, end in spans)
    return min(1.0, busy / (length * min(parallel, len(spans)))) if length else None


def _note(one: SideState, execution: execution_pb2.Execution) -> None:
    closure = execution.closure
    one.phase = core_execution_pb2.WorkflowExecution.Phase.Name(closure.phase)
    one.seconds = closure.duration.ToTimedelta().total_seconds()
    one.began = closure.created_at.ToNanoseconds() / 1e9
    one.ended = max(closure.updated_at.ToNanoseconds() / 1e9, one.began)
    one.error = ""
    if closure.WhichOneof("output_result") == "error":
        error = closure.error
        kind = core_execution_pb2.ExecutionError.ErrorKind.Name(error.kind)
        one.error = ErrorRecord.of(error.code, kind, error.message).last_line


async def _together(work: Iterable[Awaitable[Any]]) -> None:
    """All of it; when one fails the others are ended before the failure is told."""
    tasks = [asyncio.ensure_future(one) for one in work]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
