"""What must be so before a launch plan may be handed over, and where it stands."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from flyteidl.admin import common_pb2

from flyte_bridge_translators import fire_times

from ..errors import NotFound
from ..registry import specs
from .launch_plans import LaunchPlanName, find

if TYPE_CHECKING:
    from pathlib import Path

    from flyteidl.admin import launch_plan_pb2

    from .control_plane import ControlPlane

MUST_BE_EQUAL = ("workflow_id", "default_inputs", "fixed_inputs")
"""Fields of a launch plan's spec that decide what its executions do, besides the schedule."""

SAME_AGAIN = ("labels", "annotations", "max_parallelism", "raw_output_data_config", "interruptible", "envs")
"""Fields that change how they run: another value is told, and hinders nobody."""

RUNNING = "value_in(phase,QUEUED;RUNNING;SUCCEEDING;FAILING;ABORTING)"


@dataclass(frozen=True)
class Readiness:
    """What a launch plan's start was found to be.

    Attributes:
        plan: On Flyte 1, in the version that is active there.
        hindrances: Why it cannot be handed over, each with what to do.
        notes: What to know.
        running: Executions that run on Flyte 1.
    """

    plan: launch_plan_pb2.LaunchPlan
    hindrances: tuple[str, ...]
    notes: tuple[str, ...]
    running: tuple[str, ...]


@dataclass(frozen=True)
class LastCompare:
    """What comparing the last execution on both sides came to.

    Attributes:
        verdict: As reports have it.
        at: Its fire time: ISO 8601.
        by: `shadow` or `backfill`.
    """

    verdict: str
    at: str
    by: str


async def active_version(plane: ControlPlane, wanted: LaunchPlanName) -> str:
    """The version that is active on a side; empty if none is."""
    name = common_pb2.NamedEntityIdentifier(project=wanted.project, domain=wanted.domain, name=wanted.name)
    try:
        return str((await plane.active_launch_plan(name)).id.version)
    except NotFound:
        return ""


async def examine(v1: ControlPlane, v2: ControlPlane, wanted: LaunchPlanName, data_dir: Path) -> Readiness:
    """Looks at both sides and changes nothing.

    Raises:
        UsageError: Flyte 1 has no such launch plan.
        StatusError: A side fails.
    """
    plan = await find(v1, wanted)
    hindrances: list[str] = []
    notes: list[str] = []
    active = await active_version(v1, wanted)
    if active != plan.id.version:
        hindrances.append(f"no version of it is active on {v1.name}" if not active else f"there {active} is active")
    schedule = plan.spec.entity_metadata.schedule
    try:
        read = fire_times.read(schedule)
    except fire_times.NoSchedule as error:
        hindrances.append(f"{error}: there is nothing to hand over")
    else:
        notes += _of_rate(read, schedule)
    try:
        other = await v2.launch_plan(plan.id)
    except NotFound:
        hindrances.append(f"{v2.name} has no version {plan.id.version!r} of it: register it there, or import it")
    else:
        hindrances += _unequal(plan, other)
        notes += [
            f"{field} is another one on {v2.name}"
            for field in SAME_AGAIN
            if str(getattr(plan.spec, field)) != str(getattr(other.spec, field))
        ]
    there = await active_version(v2, wanted)
    if there:
        hindrances.append(f"version {there} is active on {v2.name}, too, so it fires twice: deactivate it there")
    compared = last_compare(data_dir, v1.name, v2.name, wanted, plan)
    if compared is None:
        notes.append("its executions have not been compared: `flyte-bridge shadow` or `backfill --on both` does")
    elif compared.verdict != "same":
        hindrances.append(f"the execution of {compared.at} was {compared.verdict} when {compared.by} compared it")
    return Readiness(plan, tuple(hindrances), tuple(notes), await running(v1, wanted))


async def running(plane: ControlPlane, wanted: LaunchPlanName) -> tuple[str, ...]:
    """Executions of a launch plan that have not ended."""
    filters = f"eq(launch_plan.name,{wanted.name})+{RUNNING}"
    return tuple([one.id.name async for one in plane.executions(wanted.project, wanted.domain, filters)])


def _unequal(plan: launch_plan_pb2.LaunchPlan, other: launch_plan_pb2.LaunchPlan) -> list[str]:
    """What decides what executions do and is not equal."""
    mine, theirs = plan.spec.entity_metadata.schedule, other.spec.entity_metadata.schedule
    unequal = []
    if mine.kickoff_time_input_arg != theirs.kickoff_time_input_arg:
        unequal.append(
            f"kickoff_time_input_arg is {mine.kickoff_time_input_arg!r} and {theirs.kickoff_time_input_arg!r}"
        )
    elif not specs.same(mine, theirs):
        unequal.append(f"the schedule is {_text(mine)} and {_text(theirs)}")
    unequal += [
        f"{field} is not equal"
        for field in MUST_BE_EQUAL
        if not specs.same(getattr(plan.spec, field), getattr(other.spec, field))
    ]
    return [f"{one} on the two sides, in one version: register it again under another version" for one in unequal]


def _text(schedule: object) -> str:
    return " ".join(str(schedule).split()) or "none"


def _of_rate(read: object, schedule: object) -> list[str]:
    from datetime import timedelta

    if not isinstance(read, timedelta):
        return []
    notes = [
        f"a fixed rate ({read}) keeps its grid towards Flyte 2; taken back, flyteadmin counts anew: one interval will be shorter, "
        f"and the command takes up to {read} longer"
    ]
    if timedelta(days=1) % read == timedelta():
        notes.append("a cron schedule would fire as often, and needs no grid")
    if getattr(schedule, "kickoff_time_input_arg", ""):
        notes.append("flyteadmin gives no fire time to kickoff_time_input_arg of a fixed rate, and Flyte 2 does")
    return notes


def last_compare(
    data_dir: Path, source: str, target: str, wanted: LaunchPlanName, plan: launch_plan_pb2.LaunchPlan
) -> LastCompare | None:
    """What `shadow` and `backfill` of this data directory know; None if nothing."""
    from dataclasses import replace

    from .shadow_journal import path_of

    known: list[LastCompare] = []
    path = path_of(data_dir, source, target, str(replace(wanted, version="")))
    if path.exists():
        for line in path.read_text(encoding="utf-8").splitlines():
            with suppress(ValueError):
                told = json.loads(line)
                if told.get("version") == plan.id.version:
                    known.append(LastCompare(told["verdict"], told["at"], "shadow"))
    for path in (data_dir / "side-by-side").glob("backfill-*.json"):
        known += _of_backfill(path, plan)
    return max(known, key=lambda one: datetime.fromisoformat(one.at.replace("Z", "+00:00")), default=None)


def _of_backfill(path: Path, plan: launch_plan_pb2.LaunchPlan) -> list[LastCompare]:
    """What a backfill compared, if it was one of this launch plan: its executions' names tell."""
    from . import backfill_state

    state = backfill_state.load(path)
    if state is None or state.version != plan.id.version:
        return []
    compared = []
    for date in state.dates.values():
        at = datetime.fromisoformat(date.at)
        names = {one.name for one in date.sides.values()}
        if date.verdict and any(
            fire_times.execution_name(plan.id, at, one.again) in names for one in date.sides.values()
        ):
            compared.append(LastCompare(date.verdict, date.at, "backfill"))
    return compared
