"""`flyte-bridge backfill`: one execution per fire time of a schedule, on one side or both."""

from __future__ import annotations

import asyncio
import json
import sys
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

import click

from flyte_bridge import config
from flyte_bridge.errors import BackendError, ConfigError, UsageError
from flyte_bridge_cli.exits import Exit, epilog

from .options import data_dir_option, html_option, json_option, renames_option, rules_option

if TYPE_CHECKING:
    from flyte_bridge.side_by_side.backfill import BackfillOptions, BackfillPlan
    from flyte_bridge.side_by_side.backfill_plan import Period
    from flyte_bridge.side_by_side.backfill_report import BackfillEnd
    from flyte_bridge.side_by_side.backfill_state import BackfillState, DateState
    from flyte_bridge.side_by_side.launch_plans import LaunchPlanName

SIDES = ("v1", "v2", "converted")
"""What --on may name; the first one of two is what the other is compared with."""


class SidesToRun(click.ParamType):  # type: ignore[type-arg,unused-ignore]  # click 8.3 made it generic
    """One side, or any two of them with a comma between; `both` is v1 and v2."""

    name = "sides"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, ...]:
        """Reads them, in the order of `SIDES`."""
        if isinstance(value, tuple):
            return value
        words = ["v1", "v2"] if value == "both" else [word.strip() for word in str(value).split(",")]
        if not set(words) <= set(SIDES) or len(set(words)) != len(words) or len(words) > 2 or words == ["converted"]:
            self.fail(
                f"{value!r}: write v1, v2, both (v1 and v2), or two of v1, v2 and converted with a comma between",
                param,
                ctx,
            )
        return tuple(side for side in SIDES if side in words)


@dataclass(frozen=True)
class _Request:
    """What the command line asks for."""

    wanted: LaunchPlanName
    period: Period
    sides: tuple[str, ...]
    options: BackfillOptions
    task: str | None
    dry_run: bool
    as_json: bool
    html: Path | None


EPILOG = epilog(Exit.DONE, Exit.FAILED, Exit.USAGE, Exit.DIFFERENT, Exit.NOT_COMPARABLE, Exit.INTERRUPTED)


@click.command(epilog=EPILOG)
@data_dir_option
@click.argument("launch_plan", metavar="LAUNCHPLAN")
@click.option(
    "--from", "start", required=True, metavar="TIME", help="The first moment: 2024-01-31, or a time in ISO 8601."
)
@click.option(
    "--to", "end", required=True, metavar="TIME", help="The first moment behind: fire times before it are run."
)
@click.option(
    "--on",
    type=SidesToRun(),
    default="v2",
    show_default=True,
    metavar="SIDES",
    help="Where to run: v1, v2, or any two of v1, v2 and converted, such as v1,converted; both is v1,v2.",
)
@click.option("--task", metavar="ENV.TASK[@VERSION]", help="What the workflow was converted to, for `converted`.")
@click.option(
    "--parallel", type=click.IntRange(1, 1000), default=4, show_default=True, help="Executions at once on each side."
)
@click.option("--dry-run", is_flag=True, help="Show the fire times and the executions' names; run nothing.")
@click.option("--resume", is_flag=True, help="Go on with the version of the last call, and run what has failed again.")
@click.option(
    "--overwrite-cache", is_flag=True, help="Compute cached results anew: the two sides' caches are not equally warm."
)
@click.option(
    "--zone",
    metavar="ZONE",
    help="The time zone of flyteadmin's process, for schedules without one.  [default: $FLYTE_BRIDGE_V1_ZONE, or UTC]",
)
@rules_option
@renames_option
@json_option
@html_option
def command(
    data_dir: Path | None,
    launch_plan: str,
    start: str,
    end: str,
    on: tuple[str, ...],
    task: str | None,
    parallel: int,
    dry_run: bool,
    resume: bool,
    overwrite_cache: bool,
    zone: str | None,
    rules: Path | None,
    renames: Path | None,
    as_json: bool,
    html: Path | None,
) -> None:
    """Run one execution for each fire time of LAUNCHPLAN's schedule, as Flyte 1's scheduler would have.

    LAUNCHPLAN is NAME, NAME:VERSION or PROJECT/DOMAIN/NAME[:VERSION]; without a version it is the active one, else the
    newest. Executions have the scheduler's own names, so what is done is not done again, whoever did it. On both sides
    each date is compared as it ends.

    After Ctrl-C or a failure the same command goes on where it stopped.
    """
    from flyte_bridge.convert import rename_table
    from flyte_bridge.side_by_side.backfill import BackfillOptions
    from flyte_bridge.side_by_side.backfill_plan import Period
    from flyte_bridge.side_by_side.comparing import CompareOptions
    from flyte_bridge.side_by_side.launch_plans import LaunchPlanName
    from flyte_bridge.verify import rules_file
    from flyte_bridge.verify.rules import USUAL

    if ("converted" in on) != (task is not None):
        raise UsageError("--task names what `--on v1,converted` and `--on v2,converted` run: give both or neither")
    settings = config.load(data_dir=data_dir)
    compare = CompareOptions(
        rules_file.read(rules) if rules else USUAL, rename_table.read(renames).entities if renames else {}
    )
    request = _Request(
        LaunchPlanName.read(launch_plan, settings),
        Period.read(start, end, zone or settings.v1_zone, datetime.now(timezone.utc)),
        on,
        BackfillOptions(parallel, resume, overwrite_cache, compare),
        task,
        dry_run,
        as_json,
        html,
    )
    try:
        code = asyncio.run(_run(settings, request))
    except KeyboardInterrupt:
        click.echo("flyte-bridge: interrupted; what runs goes on, and the same command goes on from here", err=True)
        sys.exit(Exit.INTERRUPTED)
    except (BackendError, ConfigError) as error:
        click.echo(f"flyte-bridge: stopped: {error}; the same command goes on from here", err=True)
        sys.exit(Exit.NOT_COMPARABLE)
    sys.exit(code)


async def _run(settings: config.Settings, request: _Request) -> Exit:
    from flyte_bridge.side_by_side import backfill_report, backfill_state
    from flyte_bridge.side_by_side.backfill import Backfill
    from flyte_bridge.side_by_side.json_lines import held
    from flyte_bridge.side_by_side.sides import Sides

    sides = Sides(settings)
    path = backfill_state.path_of(
        settings.data_dir,
        str(request.wanted),
        *map(str, (request.period.start, request.period.end)),
        *request.sides,
        *filter(None, [request.task]),
    )
    try:
        known = backfill_state.load(path)
        plan = await _plan(sides, request, known)
        if request.dry_run:
            _show_plan(plan, request)
            return Exit.DONE
        if known is None or known.version != plan.launch_plan.version:
            known = backfill_state.BackfillState(path, plan.launch_plan.version)
        with held(path, "backfill"):
            try:
                await Backfill(plan, request.options, known, _tell).run()
            finally:
                _show(plan, known, request)
        return _exit(backfill_report.worst(plan, known))
    finally:
        await sides.close()


def _exit(worst: BackfillEnd) -> Exit:
    from flyte_bridge.side_by_side.backfill_report import BackfillEnd

    return {
        BackfillEnd.WELL: Exit.DONE,
        BackfillEnd.DIFFERENT: Exit.DIFFERENT,
        BackfillEnd.FAILED: Exit.FAILED,
        BackfillEnd.NOT_COMPARABLE: Exit.NOT_COMPARABLE,
    }[worst]


async def _plan(sides: object, request: _Request, known: BackfillState | None) -> BackfillPlan:
    from dataclasses import replace

    from flyte_bridge.side_by_side.backfill_plan import plan_of
    from flyte_bridge.side_by_side.sides import Sides

    assert isinstance(sides, Sides)
    wanted = request.wanted
    if request.options.retry:
        if known is None:
            raise UsageError("there is nothing to resume: this backfill has not been run yet; leave --resume out")
        wanted = replace(wanted, version=known.version)
    grid = datetime.fromisoformat(next(iter(known.dates))) if known is not None and known.dates else None
    planes = {side: await sides.of(side) for side in request.sides if side != "converted"}
    if request.task is not None:
        source = next(iter(planes.values()))
        planes["converted"] = await sides.converted(source, wanted.project, wanted.domain, request.task)
    return await plan_of(wanted, request.period, planes, grid)


def _tell(date: DateState, what: str) -> None:
    from flyte_bridge.side_by_side import backfill_report

    click.echo(backfill_report.line(date, what), err=True)


def _show_plan(plan: BackfillPlan, request: _Request) -> None:
    from flyte_bridge.side_by_side import backfill_report

    planned = backfill_report.planned(plan)
    if request.as_json:
        click.echo(json.dumps(planned, indent=2))
        return
    for date in planned["dates"]:
        click.echo(f"{date['at']}  {date['name']}")
    where = " and ".join(planned["sides"])
    click.echo(f"{len(plan.times)} executions of {plan.launch_plan.name} {plan.launch_plan.version} on {where}")


def _show(plan: BackfillPlan, state: BackfillState, request: _Request) -> None:
    from rich.console import Console

    from flyte_bridge.side_by_side import backfill_report

    parallel = request.options.parallel
    if request.html is not None:
        request.html.write_text(backfill_report.to_html(plan, state, parallel), encoding="utf-8")
    if request.as_json:
        click.echo(json.dumps(backfill_report.to_json(plan, state, parallel), indent=2))
        return
    backfill_report.print_table(plan, state, parallel, Console(soft_wrap=True, highlight=False))
    if any(one.failed for date in state.dates.values() for one in date.sides.values()):
        click.echo("Run what has failed again, alone: the same command with --resume")
