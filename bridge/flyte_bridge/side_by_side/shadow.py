"""What a schedule starts on Flyte 1, repeated on Flyte 2 with the same inputs, compared and told."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from flyteidl.admin import execution_pb2
from flyteidl.core import execution_pb2 as core_execution_pb2
from flyteidl.core import identifier_pb2, literals_pb2

from flyte_bridge_translators.wire.identifier import fnv1

from ..errors import AlreadyExists, BackendError, DeadlineExceeded, NotFound, Unavailable
from ..verify.rules import USUAL, ComparisonRules
from . import report
from .comparing import CompareOptions, SideExecution, compare_pair, ended
from .comparison import Sameness

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from .control_plane import ControlPlane
    from .launch_plans import LaunchPlanName
    from .shadow_journal import ShadowJournal

SHADOW_OF = "flyte-bridge/shadow-of"
"""The annotation that names the execution which is repeated."""

PATIENCE = 6
"""Failed looks in a row after which it is told that a side is out of reach; looking goes on."""


LATENESS = 300.0
"""Seconds by which an execution may be listed later than one that was created after it."""


@dataclass(frozen=True)
class ShadowOptions:
    """How executions are shadowed.

    Attributes:
        raw_output_prefix: Where Flyte 2 writes files, so that nothing is written where Flyte 1 writes.
        rules: What counts as the same.
        poll: Seconds between two looks at Flyte 1.
        parallel: Executions at once on Flyte 2.
    """

    raw_output_prefix: str
    rules: ComparisonRules = USUAL
    poll: float = 10.0
    parallel: int = 4


@dataclass(frozen=True)
class Shadowed:
    """One execution of Flyte 1's schedule, and what repeating it came to.

    Attributes:
        name: The execution's.
        at: When it was due: ISO 8601.
        version: The launch plan's.
        shadow: The execution on Flyte 2; empty if there is none.
        phases: How both ended: Flyte 1's, Flyte 2's; empty while unknown.
        verdict: What comparing them came to.
        reason: Why they cannot be compared.
        differences: Each in one line.
    """

    name: str
    at: str
    version: str
    shadow: str = ""
    phases: tuple[str, str] = ("", "")
    verdict: str = Sameness.NOT_COMPARABLE.value
    reason: str = ""
    differences: tuple[str, ...] = ()


class Shadow:
    """Shadows one launch plan; times are Flyte 1's own, so that nobody's clock counts but its."""

    def __init__(
        self,
        sides: tuple[ControlPlane, ControlPlane],
        wanted: LaunchPlanName,
        options: ShadowOptions,
        journal: ShadowJournal,
        tell: Callable[[Shadowed | str], None],
    ) -> None:
        """Looks at nothing yet.

        Args:
            sides: Flyte 1 and Flyte 2.
            wanted: The launch plan.
            options: How.
            journal: What has been shadowed; more is added.
            tell: Is told of each execution that was compared, and of what hinders.
        """
        self._source, self._target = sides
        self._wanted, self._options, self._journal, self._tell = wanted, options, journal, tell
        self._slots = asyncio.Semaphore(options.parallel)
        self._work: dict[str, asyncio.Task[None]] = {}
        self._failures = 0
        self._horizon = 0.0

    async def run(self, stop: asyncio.Event) -> None:
        """Shadows what the schedule starts until it is told to stop; then ends what has begun.

        Raises:
            StatusError: Flyte 1 cannot be read at the beginning.
        """
        if not self._journal.since:
            self._journal.begin(await self.newest())
        self._horizon = self._journal.since
        try:
            while True:
                await self._look()
                try:
                    await asyncio.wait_for(stop.wait(), self._options.poll)
                except asyncio.TimeoutError:
                    continue
                break
            await self._look()
            await asyncio.gather(*self._work.values())
        finally:
            for work in self._work.values():
                work.cancel()
            await asyncio.gather(*self._work.values(), return_exceptions=True)

    async def newest(self) -> float:
        """When the newest execution of the schedule was created; what is older was before our time."""
        async for execution in self._scheduled():
            return _created(execution)
        return 0.0

    def _scheduled(self) -> AsyncIterator[execution_pb2.Execution]:
        filters = f"eq(launch_plan.name,{self._wanted.name})+eq(mode,1)"
        return self._source.executions(self._wanted.project, self._wanted.domain, filters, newest_first=True)

    async def _look(self) -> None:
        """Begins what is new."""
        fresh: list[execution_pb2.Execution] = []
        newest = self._horizon
        try:
            async for execution in self._scheduled():
                newest = max(newest, _created(execution) - LATENESS)
                if _created(execution) <= self._horizon:
                    break
                if execution.id.name not in self._journal.told and execution.id.name not in self._work:
                    fresh.append(execution)
        except (Unavailable, DeadlineExceeded) as error:
            self._failures += 1
            if self._failures == PATIENCE:
                self._tell(f"{error}; looking goes on")
            return
        self._failures = 0
        self._horizon = newest
        for execution in reversed(fresh):
            self._work[execution.id.name] = asyncio.ensure_future(self._shadow(execution))

    async def _shadow(self, execution: execution_pb2.Execution) -> None:
        due = execution.spec.metadata.HasField("scheduled_at")  # a real Flyte 2 behind a gateway tells none
        at = execution.spec.metadata.scheduled_at if due else execution.closure.created_at
        told = Shadowed(execution.id.name, at.ToJsonString(), execution.spec.launch_plan.version)
        async with self._slots:
            shadowed = await self._repeated(execution, told)
        self._journal.add(shadowed)
        self._tell(shadowed)

    async def _repeated(self, execution: execution_pb2.Execution, told: Shadowed) -> Shadowed:
        """What repeating it comes to, however long a side is out of reach meanwhile."""
        while True:
            try:
                return await self._repeat(execution, told)
            except (Unavailable, DeadlineExceeded):  # noqa: PERF203 - the loop is there to try again
                await asyncio.sleep(self._options.poll)
            except BackendError as error:
                return replace(told, reason=" ".join(str(error).split()))

    async def _repeat(self, execution: execution_pb2.Execution, told: Shadowed) -> Shadowed:
        identity = identifier_pb2.WorkflowExecutionIdentifier(
            project=execution.id.project,
            domain=execution.id.domain,
            name=f"s{fnv1(f'shadow:{execution.id.name}'.encode()):016x}",
        )
        plan = execution.spec.launch_plan
        try:
            fixed = (await self._target.launch_plan(plan)).spec.fixed_inputs
        except NotFound:
            reason = (
                f"{self._target.name} has no version {plan.version!r} of {plan.name}: register it there, or import it"
            )
            return replace(told, reason=reason)
        with suppress(AlreadyExists):  # begun before this process was started anew
            await self._target.create(await self._request(execution, identity, fixed))
        first, second = await asyncio.gather(ended(self._source, execution.id), ended(self._target, identity))
        compared = await compare_pair(
            SideExecution(self._source, execution.id),
            SideExecution(self._target, identity),
            CompareOptions(self._options.rules),
        )
        places = [report.line(one).strip() for one in compared.differences]
        places += [report.line(one, node.name).strip() for node in compared.nodes for one in node.differences]
        return replace(
            told,
            shadow=identity.name,
            phases=(_phase(first), _phase(second)),
            verdict=compared.verdict.value,
            reason=compared.reason,
            differences=tuple(places),
        )

    async def _request(
        self,
        execution: execution_pb2.Execution,
        identity: identifier_pb2.WorkflowExecutionIdentifier,
        fixed: literals_pb2.LiteralMap,
    ) -> execution_pb2.ExecutionCreateRequest:
        """The same, with the inputs that Flyte 1's execution got; nobody is notified twice, and files go elsewhere."""
        inputs, _ = await self._source.execution_data(execution.id)
        for name in fixed.literals:  # what the launch plan fixes nobody may give, be it the same
            inputs.literals.pop(name, None)
        spec = execution_pb2.ExecutionSpec(launch_plan=execution.spec.launch_plan, disable_all=True)
        spec.annotations.values[SHADOW_OF] = execution.id.name
        prefix = f"{self._options.raw_output_prefix.rstrip('/')}/{execution.id.name}"
        spec.raw_output_data_config.output_location_prefix = prefix
        return execution_pb2.ExecutionCreateRequest(
            project=identity.project, domain=identity.domain, name=identity.name, spec=spec, inputs=inputs
        )


def _created(execution: execution_pb2.Execution) -> float:
    return float(execution.closure.created_at.ToNanoseconds() / 1e9)


def _phase(execution: execution_pb2.Execution) -> str:
    return str(core_execution_pb2.WorkflowExecution.Phase.Name(execution.closure.phase))
