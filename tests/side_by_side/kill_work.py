"""Backfills, shadows and imports on two backends while they are killed (SIGKILL) at random moments; prints what became of each.

python kill_work.py backfill|shadow|import DIRECTORY KILLS SEED

The environment means both backends, as `flyte-bridge` reads it. Whoever is killed is a fork of this process, which itself
never calls anybody: gRPC's threads do not survive a fork.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import sys
import time
from collections import Counter
from contextlib import suppress
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from flyteidl.admin import execution_pb2, launch_plan_pb2
from flyteidl.core import identifier_pb2

from flyte_bridge import config
from flyte_bridge.errors import AlreadyExists
from flyte_bridge.side_by_side import backfill_state, import_state
from flyte_bridge.side_by_side.backfill import Backfill, BackfillOptions, BackfillPlan
from flyte_bridge.side_by_side.backfill_state import BackfillState
from flyte_bridge.side_by_side.control_plane import ADMIN
from flyte_bridge.side_by_side.launch_plans import LaunchPlanName
from flyte_bridge.side_by_side.shadow import SHADOW_OF, Shadow, ShadowOptions
from flyte_bridge.side_by_side.shadow_journal import ShadowJournal
from flyte_bridge.side_by_side.sides import Sides
from flyte_bridge_cli.importing import command as import_command
from flyte_bridge_translators.fire_times import execution_name

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from flyte_bridge.side_by_side.control_plane import ControlPlane

PROJECT, DOMAIN, VERSION = "flytesnacks", "development", "v1"
KILLS_A_WORLD = 10
"""Kills in one backfill, shadow or import, which then ends."""

DATES = 3
FIRST = datetime(2022, 1, 1, 6, tzinfo=timezone.utc)
"""No other test's dates."""


def plan(name: str = "every_day", version: str = VERSION) -> identifier_pb2.Identifier:
    return identifier_pb2.Identifier(
        resource_type=identifier_pb2.LAUNCH_PLAN, project=PROJECT, domain=DOMAIN, name=name, version=version
    )


def with_sides(work: Callable[[ControlPlane, ControlPlane], Awaitable[Any]]) -> Any:
    async def within() -> Any:
        sides = Sides(config.load())
        try:
            return await work(await sides.of("v1"), await sides.of("v2"))
        finally:
            await sides.close()

    return asyncio.run(within())


async def fire(plane: ControlPlane, at: datetime) -> None:
    """What Flyte 1's scheduler does."""
    spec = execution_pb2.ExecutionSpec(launch_plan=plan())
    spec.metadata.mode = execution_pb2.ExecutionMetadata.SCHEDULED
    spec.metadata.scheduled_at.FromDatetime(at)
    request = execution_pb2.ExecutionCreateRequest(
        project=PROJECT, domain=DOMAIN, name=execution_name(plan(), at), spec=spec
    )
    request.inputs.literals["at"].scalar.primitive.datetime.FromDatetime(at)
    with suppress(AlreadyExists):
        await plane.create(request)


class Work(Protocol):
    """One piece of work that is killed again and again."""

    longest: float

    def prepare(self) -> Any:
        """What is there before it begins."""

    def act(self) -> None:
        """What one process does."""

    def read(self) -> None:
        """Reads what it keeps; raises if that cannot be read."""

    def count(self) -> dict[str, int]:
        """What became of it, when it has ended."""


class Backfilled:
    """Some dates on both sides, each compared."""

    longest = 0.6

    def __init__(self, directory: Path, number: int) -> None:
        self.path = directory / "state.json"
        self.times = tuple(FIRST + timedelta(days=number * DATES + day) for day in range(DATES))

    def prepare(self) -> None:
        pass

    def act(self) -> None:
        async def work(v1: ControlPlane, v2: ControlPlane) -> None:
            state = backfill_state.load(self.path) or BackfillState(self.path, VERSION)
            whole = BackfillPlan(plan(), self.times, "at", {"v1": v1, "v2": v2})
            await Backfill(whole, BackfillOptions(), state, lambda *_: None).run()

        with_sides(work)

    def read(self) -> None:
        backfill_state.load(self.path)

    def count(self) -> dict[str, int]:
        async def work(v1: ControlPlane, v2: ControlPlane) -> dict[str, int]:
            ran: Counter[tuple[str, datetime]] = Counter()
            for side, plane in (("v1", v1), ("v2", v2)):
                filters = "eq(launch_plan.name,every_day)+eq(mode,1)"
                async for execution in plane.executions(PROJECT, DOMAIN, filters, newest_first=True):
                    ran[side, execution.spec.metadata.scheduled_at.ToDatetime(tzinfo=timezone.utc)] += 1
            state = backfill_state.load(self.path)
            assert state is not None
            due = [(side, at) for side in ("v1", "v2") for at in self.times]
            return {
                "things": len(due),
                "lost": sum(not ran[one] for one in due),
                "doubled": sum(ran[one] > 1 for one in due),
                "stuck": sum(not state.dates[at.isoformat()].verdict for at in self.times),
            }

        told: dict[str, int] = with_sides(work)
        return told


class Shadowed:
    """Some executions of Flyte 1's schedule, repeated."""

    longest = 0.6

    def __init__(self, directory: Path, number: int) -> None:
        self.path = directory / "shadow.jsonl"
        self.times = tuple(FIRST + timedelta(days=400 + number * DATES + day) for day in range(DATES))
        self.names = [execution_name(plan(), at) for at in self.times]

    def prepare(self) -> float:
        """Fires; where the shadow begins."""

        async def work(v1: ControlPlane, v2: ControlPlane) -> float:
            since = await self._shadow(v1, v2, ShadowJournal(self.path)).newest()
            for at in self.times:
                await fire(v1, at)
            return since

        since = with_sides(work)
        ShadowJournal(self.path).begin(since)
        return float(since)

    def _shadow(self, v1: ControlPlane, v2: ControlPlane, journal: ShadowJournal) -> Shadow:
        options = ShadowOptions("s3://flyte/kills", poll=0.1)
        return Shadow((v1, v2), LaunchPlanName(PROJECT, DOMAIN, "every_day"), options, journal, lambda _: None)

    def act(self) -> None:
        async def work(v1: ControlPlane, v2: ControlPlane) -> None:
            stop = asyncio.Event()
            stop.set()  # it ends what there is to do
            await self._shadow(v1, v2, ShadowJournal(self.path)).run(stop)

        with_sides(work)

    def read(self) -> None:
        ShadowJournal(self.path)

    def count(self) -> dict[str, int]:
        async def work(v1: ControlPlane, v2: ControlPlane) -> Counter[str]:
            ran: Counter[str] = Counter()
            async for execution in v2.executions(PROJECT, DOMAIN, "eq(launch_plan.name,every_day)", newest_first=True):
                ran[execution.spec.annotations.values.get(SHADOW_OF, "")] += 1
            return ran

        ran = with_sides(work)
        lines = Counter(line.get("name") for line in map(json.loads, self.path.read_text().splitlines()))
        return {
            "things": len(self.names),
            "lost": sum(not ran[name] for name in self.names),
            "doubled": sum(ran[name] > 1 or lines[name] > 1 for name in self.names),
            "stuck": sum(not lines[name] for name in self.names),
        }


class ImportedAll:
    """New versions of a launch plan, and executions that have ended, of a Flyte 1 that has been imported before."""

    longest = 1.2

    def __init__(self, directory: Path, number: int) -> None:
        self.versions = [f"{number}-{version}" for version in range(12)]
        self.executions = [f"k{number}x{one}" for one in range(2)]
        self.endpoint = os.environ["FLYTE_BRIDGE_V1_ENDPOINT"]

    def prepare(self) -> None:
        async def work(v1: ControlPlane, v2: ControlPlane) -> None:
            known = await v1.launch_plan(plan("fixed", "v"))
            for version in self.versions:
                request = launch_plan_pb2.LaunchPlanCreateRequest(id=plan("fixed", version), spec=known.spec)
                reply = launch_plan_pb2.LaunchPlanCreateResponse
                await v1.caller.unary(f"{ADMIN}CreateLaunchPlan", request, reply)
            from flyte_bridge.side_by_side.comparing import ended

            for name in self.executions:
                spec = execution_pb2.ExecutionSpec(launch_plan=plan("fixed", self.versions[0]))
                request = execution_pb2.ExecutionCreateRequest(project=PROJECT, domain=DOMAIN, name=name, spec=spec)
                await ended(v1, await v1.create(request))

        with_sides(work)

    def act(self) -> None:
        words = ["--from-admin", self.endpoint, "--history", "--json", "--rate", "2000", "--project", PROJECT]
        with Path(os.devnull).open("w") as nowhere:
            os.dup2(nowhere.fileno(), 1)
            os.dup2(nowhere.fileno(), 2)
        try:
            import_command.main(words)
        except SystemExit as end:
            if end.code:
                raise

    def read(self) -> None:
        settings = config.load()
        import_state.ImportState(
            import_state.path_of(settings.data_dir, f"Flyte 1 ({self.endpoint})", settings.endpoint or "embedded")
        )

    def count(self) -> dict[str, int]:
        async def work(v1: ControlPlane, v2: ControlPlane) -> dict[str, int]:
            there = await v2.launch_plans(plan_name())
            versions = Counter(one.id.version for one in there)
            executions: Counter[str] = Counter()
            async for execution in v2.executions(PROJECT, DOMAIN, "eq(launch_plan.name,fixed)", newest_first=True):
                executions[execution.id.name] += 1
            seen = [versions[one] for one in self.versions] + [executions[one] for one in self.executions]
            return {"things": len(seen), "lost": seen.count(0), "doubled": sum(one > 1 for one in seen), "stuck": 0}

        told: dict[str, int] = with_sides(work)
        return told


def plan_name() -> Any:
    from flyteidl.admin import common_pb2

    return common_pb2.NamedEntityIdentifier(project=PROJECT, domain=DOMAIN, name="fixed")


KINDS = {"backfill": Backfilled, "shadow": Shadowed, "import": ImportedAll}


def forked(work: Callable[[], Any], answer: Path | None = None) -> int:
    """A process that does something, and writes what comes of it."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            told = work()
            if answer is not None:
                answer.write_text(json.dumps(told))
            code = 0
        finally:
            os._exit(code)
    return child


def done(work: Callable[[], Any], answer: Path) -> Any:
    """What comes of something that another process does to its end."""
    status = os.waitpid(forked(work, answer), 0)[1]
    assert os.WIFEXITED(status), status
    assert os.WEXITSTATUS(status) == 0, f"{work} failed"
    return json.loads(answer.read_text())


def killed(work: Callable[[], Any], after: float) -> bool:
    """Whether a process that does something was killed before it was done."""
    child = forked(work)
    time.sleep(after)
    os.kill(child, signal.SIGKILL)
    status = os.waitpid(child, 0)[1]
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0, f"{work} failed"
    return os.WIFSIGNALED(status)


def one_world(work: Work, answer: Path, chance: random.Random, kills: int) -> dict[str, int]:
    """Kills so often, then lets it end."""
    done(work.prepare, answer)
    tries = count = unreadable = 0
    while count < kills and tries < 5 * kills:
        tries += 1
        count += killed(work.act, chance.uniform(0, work.longest))
        try:
            work.read()
        except Exception:
            unreadable += 1
    done(work.act, answer)
    return {"kills": count, **done(work.count, answer), "unreadable": unreadable}


def main(kind: str, directory: Path, kills: int, seed: int) -> None:
    chance = random.Random(seed)
    sums: Counter[str] = Counter()
    number = 0
    while sums["kills"] < kills:
        place = directory / str(number)
        place.mkdir(parents=True)
        work: Any = KINDS[kind](place, number)
        sums.update(one_world(work, directory / "answer", chance, min(KILLS_A_WORLD, kills - sums["kills"])))
        number += 1
    print(json.dumps(sums))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))
