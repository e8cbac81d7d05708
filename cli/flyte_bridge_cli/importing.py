"""`flyte-bridge import`: what is registered in Flyte 1, registered in Flyte 2."""

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

from .options import data_dir_option, from_admin_option, json_option
from .output import tell

if TYPE_CHECKING:
    from flyte_bridge.side_by_side.import_report import ImportReport
    from flyte_bridge.side_by_side.import_state import Imported
    from flyte_bridge.side_by_side.importing import EntityImport
    from flyte_bridge.side_by_side.paced import PacedCaller
    from flyte_bridge.side_by_side.registrations import Registrations
    from flyte_bridge.side_by_side.sides import Sides

EPILOG = epilog(Exit.DONE, Exit.FAILED, Exit.USAGE, Exit.NOT_COMPARABLE, Exit.INTERRUPTED)


@dataclass(frozen=True)
class _Wanted:
    """What the command line asks for."""

    projects: tuple[str, ...]
    domains: tuple[str, ...]
    since: datetime | None
    rate: float
    files: bool
    history: bool
    dry_run: bool
    as_json: bool


@click.command(name="import", epilog=EPILOG)
@data_dir_option
@from_admin_option
@click.option("-p", "--project", "projects", multiple=True, help="Only this one; may be repeated.")
@click.option("-d", "--domain", "domains", multiple=True, help="Only this one; may be repeated.")
@click.option(
    "--since",
    metavar="TIME",
    help="Only what was registered since then, active launch plans, and what these need: 2024-01-31, or ISO 8601.",
)
@click.option(
    "--rate",
    type=click.FloatRange(min=0.1),
    default=50.0,
    show_default=True,
    help="Requests in a second to each side at most.",
)
@click.option("--no-files", is_flag=True, help="Leave code bundles and files of inputs where they are.")
@click.option(
    "--history",
    is_flag=True,
    help="Executions that have ended, too (since --since): read-only records with their nodes.",
)
@click.option("--dry-run", is_flag=True, help="Show what would be copied, in order; Flyte 2 is not asked.")
@json_option
def command(
    data_dir: Path | None,
    from_admin: str | None,
    projects: tuple[str, ...],
    domains: tuple[str, ...],
    since: str | None,
    rate: float,
    no_files: bool,
    history: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Register in Flyte 2 what is registered in Flyte 1: tasks, workflows, launch plans, names and attributes.

    All versions, oldest first. Active launch plans are active, but for those with a schedule: they arrive inactive, or
    both sides would fire. What is there already is left alone. Everything is read back and compared. With --history
    executions that have ended come as records, which can be looked at, relaunched and recovered.

    After Ctrl-C or a failure the same command goes on where it stopped.
    """
    wanted = _Wanted(projects, domains, _moment(since), rate, not no_files, history, dry_run, as_json)
    settings = config.load(data_dir=data_dir, **({"v1_endpoint": from_admin} if from_admin else {}))
    try:
        well = asyncio.run(_run(settings, wanted))
    except KeyboardInterrupt:
        click.echo("flyte-bridge: interrupted; the same command goes on from here", err=True)
        sys.exit(Exit.INTERRUPTED)
    except (BackendError, ConfigError) as error:
        click.echo(f"flyte-bridge: stopped: {error}; the same command goes on from here", err=True)
        sys.exit(Exit.NOT_COMPARABLE)
    sys.exit(Exit.DONE if well else Exit.FAILED)


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text.replace("Z", "+00:00"))  # Python 3.10 does not read the Z
    except ValueError:
        raise UsageError(f"--since: {text!r} is no time; write 2024-01-31 or 2024-01-31T06:00+01:00") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)


async def _run(settings: config.Settings, wanted: _Wanted) -> bool:
    from flyte_bridge.side_by_side.paced import PacedCaller
    from flyte_bridge.side_by_side.registrations import RegistrationReader
    from flyte_bridge.side_by_side.sides import V1, Sides

    sides = Sides(settings)
    try:
        source = await sides.of(V1)
        source.caller = reading = PacedCaller(source.caller, wanted.rate)
        registered = await RegistrationReader(reading).read(wanted.projects, wanted.domains)
        if wanted.dry_run:
            _show_plan(registered, wanted, settings)
            return True
        return await _import(sides, registered, reading, wanted)
    finally:
        await sides.close()


async def _import(sides: Sides, registered: Registrations, reading: PacedCaller, wanted: _Wanted) -> bool:
    from flyte_bridge.backend.storage import Storage
    from flyte_bridge.registry.deployed import Deployed
    from flyte_bridge.registry.documents import Documents
    from flyte_bridge.registry.history import History
    from flyte_bridge.side_by_side import import_state
    from flyte_bridge.side_by_side.import_files import Stores
    from flyte_bridge.side_by_side.import_history import HistoryImport
    from flyte_bridge.side_by_side.import_report import ImportReport
    from flyte_bridge.side_by_side.import_writer import ImportWriter
    from flyte_bridge.side_by_side.importing import EntityImport
    from flyte_bridge.side_by_side.json_lines import held
    from flyte_bridge.side_by_side.paced import PacedCaller
    from flyte_bridge.side_by_side.sides import V1, V2

    source, target = await sides.of(V1), await sides.of(V2)
    target.caller = writing = PacedCaller(target.caller, wanted.rate)
    path = import_state.path_of(sides.settings.data_dir, source.name, sides.settings.endpoint or "embedded")
    with held(path, "import"):
        writer = ImportWriter(target, import_state.ImportState(path), _tell)
        stores = None
        if wanted.files and isinstance(target.objects, Storage):  # only Flyte 1's is read by signed URLs
            stores = Stores(source.objects, target.objects, sides.settings.embedded)
        work = EntityImport(source, writer, registered, stores)
        report = ImportReport(source.name, target.name, writer.state, reading, writing)
        if wanted.history:
            history = History(Documents(Deployed(await sides.flyte2())))
            report.history = HistoryImport(source, writer, history, reading, writing)
        try:
            await _steps(work, wanted, report)
        finally:
            _show(report, wanted)
    return report.is_well


async def _steps(work: EntityImport, wanted: _Wanted, report: ImportReport) -> None:
    """Copies everything, and keeps the report up to date."""
    from flyte_bridge.side_by_side import import_check, import_settings
    from flyte_bridge.side_by_side.registrations import RegistrationReader

    try:
        await work.run(wanted.since)
    finally:
        report.count(work)
    reader = RegistrationReader(work.source.caller)
    report.scheduled = await import_settings.activations(work.registered, work.writer)
    await import_settings.names(work.registered, reader, work.names, work.writer)
    await import_settings.attributes(work.registered.places, reader, work.writer)
    await import_check.check(work.sent, work.writer)
    if report.history is not None:
        for project in dict.fromkeys(project for project, _ in work.registered.places):
            await work.bring_project(project)
        await report.history.run(work.registered.places, wanted.since)


def _tell(imported: Imported) -> None:
    from flyte_bridge.side_by_side.import_state import Arrival

    if imported.arrival is not Arrival.SAME:
        tell(f"{imported.arrival.value}: {imported.what}: {imported.name}", err=True)


def _show(report: ImportReport, wanted: _Wanted) -> None:
    from rich.console import Console

    from flyte_bridge.side_by_side import import_report

    if wanted.as_json:
        click.echo(json.dumps(import_report.to_json(report), indent=2))
    else:
        import_report.print_report(report, Console(soft_wrap=True, highlight=False))


def _show_plan(registered: Registrations, wanted: _Wanted, settings: config.Settings) -> None:
    from flyte_bridge.side_by_side import import_report

    planned = import_report.planned(registered, wanted.since, settings.connectors)
    if wanted.as_json:
        click.echo(json.dumps(planned, indent=2))
        return
    for name in planned["entities"]:
        click.echo(name)
    for refused in planned["refused"]:
        click.echo(f"refused: {refused['name']}: {refused['reason']}")
    told = ", ".join(f"{count} {what}{'s' * (count != 1)}" for what, count in planned["summary"].items())
    click.echo(f"{told or 'nothing'} to copy; nothing was written")
