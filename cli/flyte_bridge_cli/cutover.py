"""`flyte-bridge cutover`: a launch plan's schedule is handed over to Flyte 2, and taken back."""

from __future__ import annotations

import asyncio
import json
import sys
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from flyte_bridge import config
from flyte_bridge.errors import BackendError, ConfigError
from flyte_bridge_cli.exits import Exit
from flyte_bridge_cli.output import tell

from .options import Length, data_dir_option, json_option

if TYPE_CHECKING:
    from flyte_bridge.side_by_side.cutover import CutoverOptions
    from flyte_bridge.side_by_side.cutover_actions import CutoverReport
    from flyte_bridge.side_by_side.launch_plans import LaunchPlanName

ACTIONS = ["start", "status", "handover", "confirm", "abort"]


@dataclass(frozen=True)
class _Request:
    """What the command line asks for."""

    action: str
    wanted: tuple[LaunchPlanName, ...]
    options: CutoverOptions
    execute: bool


@click.command()
@data_dir_option
@click.argument("action", type=click.Choice(ACTIONS))
@click.argument("launch_plans", nargs=-1, metavar="LAUNCHPLAN…")
@click.option(
    "--yes", "--execute", "execute", is_flag=True, help="Do it; without this it is only said what would be done."
)
@click.option(
    "--settle",
    type=Length(),
    default="33s",
    show_default=True,
    metavar="LENGTH",
    help="By then each side's scheduler has looked for changes: its interval and 3 s.",
)
@click.option(
    "--wait", is_flag=True, help="Wait for what hinders: executions that run, fire times in between, the first fire."
)
@click.option(
    "--by-hand", is_flag=True, help="Hand over now; what is due meanwhile is started under the scheduler's own name."
)
@json_option
def command(
    data_dir: Path | None,
    action: str,
    launch_plans: tuple[str, ...],
    execute: bool,
    settle: timedelta,
    wait: bool,
    by_hand: bool,
    as_json: bool,
) -> None:
    """Hand the schedule of each LAUNCHPLAN over from Flyte 1 to Flyte 2: no fire time is lost, none runs twice.

    start checks what must be equal on both sides and notes that it begins; handover hands over; confirm sees that Flyte 2's
    scheduler fires; abort brings it back to Flyte 1, from wherever it stands; status shows where each is (without LAUNCHPLAN:
    all that were started). Each may be stopped at any moment, and goes on when it is called again.

    LAUNCHPLAN is NAME or PROJECT/DOMAIN/NAME. Exits with 0 if what was asked for is so, or could be (without --yes), 1 if
    something hinders, 2 if there is no such launch plan, 7 if a side is out of reach, 130 after Ctrl-C.
    """
    from flyte_bridge.errors import UsageError
    from flyte_bridge.side_by_side.cutover import CutoverOptions
    from flyte_bridge.side_by_side.launch_plans import LaunchPlanName

    if not launch_plans and action != "status":
        raise UsageError(f"cutover {action}: name the launch plans")
    settings = config.load(data_dir=data_dir)
    wanted = tuple(LaunchPlanName.read(text, settings) for text in launch_plans)
    if versioned := [str(one) for one in wanted if one.version]:
        raise UsageError(f"{versioned[0]}: leave the version out; the active one is handed over")
    options = CutoverOptions(settle.total_seconds(), by_hand, wait)
    try:
        reports = asyncio.run(_run(settings, _Request(action, wanted, options, execute)))
    except KeyboardInterrupt:
        click.echo("flyte-bridge: interrupted; the same command goes on from here", err=True)
        sys.exit(Exit.INTERRUPTED)
    except (BackendError, ConfigError) as error:
        click.echo(f"flyte-bridge: stopped: {error}; the same command goes on from here", err=True)
        sys.exit(Exit.NOT_COMPARABLE)
    if as_json:
        click.echo(json.dumps({"launch_plans": [report.to_json() for report in reports]}, indent=2))
    else:
        _show(reports)
    failed = any(report.hindrances or (report.action == "status" and not report.done) for report in reports)
    if action != "status" and not execute and not failed:
        tell("Nothing was changed; --yes does it", err=True)
    sys.exit(Exit.FAILED if failed else Exit.DONE)


async def _run(settings: config.Settings, request: _Request) -> list[CutoverReport]:
    from flyte_bridge.side_by_side.cutover_actions import BothSides, CutoverActions
    from flyte_bridge.side_by_side.cutover_journal import CutoverJournal, held, path_of
    from flyte_bridge.side_by_side.launch_plans import LaunchPlanName
    from flyte_bridge.side_by_side.sides import Sides

    sides = Sides(settings)
    try:
        journal = CutoverJournal(path_of(settings))
        both = BothSides(await sides.of("v1"), await sides.of("v2"), await sides.flyte2(), settings, journal)
        wanted = request.wanted or tuple(LaunchPlanName.read(name, settings) for name in sorted(journal.states))

        async def one(name: LaunchPlanName) -> CutoverReport:
            actions = CutoverActions(both, name, request.options, _progress, execute=request.execute)
            with held(journal.path, str(name), needed=request.execute and request.action != "status"):
                journal.refresh()  # whoever held it may have gone on
                return await actions.do(request.action)

        return await asyncio.gather(*map(one, wanted))
    finally:
        await sides.close()


def _progress(text: str) -> None:
    tell(text, err=True)


def _show(reports: list[CutoverReport]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(soft_wrap=True, highlight=False)
    table = Table(box=None, pad_edge=False)
    for heading in ("launch plan", "version", "side", "last step", "last fire", "next fire", "last compare"):
        table.add_column(heading)
    for report in reports:
        compared = report.last_compare
        words = (report.launch_plan, report.version, report.side, report.step, report.last_fire, report.next_fire)
        table.add_row(
            *(Text(word or "–") for word in words), Text(f"{compared.verdict} ({compared.at})" if compared else "–")
        )
    console.print(table)
    for report in reports:
        for said in (report.said, *(f"note: {note}" for note in report.notes)):
            if said:
                console.print(Text(f"{report.launch_plan}: {said}"))
    for report in reports:
        for why in report.hindrances:
            click.echo(
                f"flyte-bridge: {why if why.startswith(report.launch_plan) else f'{report.launch_plan}: {why}'}",
                err=True,
            )
