"""`flyte-bridge assess`: what there is to move, what becomes of it, and in which order."""

from __future__ import annotations

import asyncio
import json
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import click

from flyte_bridge import config
from flyte_bridge.errors import BackendError, ConfigError, SourceError, UsageError
from flyte_bridge_cli.exits import Exit, epilog

from .options import data_dir_option, from_admin_option, html_option, json_option, no_cache_option
from .output import tell

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flyte_bridge.side_by_side.assessment import Assessment, BurnDown

EPILOG = epilog(
    Exit.DONE, Exit.USAGE, Exit.BY_HAND, Exit.NOT_CONVERTED, Exit.DIFFERENT, Exit.NOT_COMPARABLE, Exit.INTERRUPTED
)


@click.command(name="assess", epilog=EPILOG)
@data_dir_option
@click.argument("paths", nargs=-1, metavar="PATH...", type=click.Path(path_type=Path, exists=True))
@from_admin_option
@click.option("-p", "--project", "projects", multiple=True, help="With --from-admin: only this one; may be repeated.")
@click.option("-d", "--domain", "domains", multiple=True, help="With --from-admin: only this one; may be repeated.")
@click.option(
    "--days",
    type=click.IntRange(0, 3650),
    default=30,
    show_default=True,
    help="With --from-admin: what ran in these days is in use, beside active launch plans.",
)
@click.option(
    "--rate",
    type=click.FloatRange(min=0.1),
    default=50.0,
    show_default=True,
    help="With --from-admin: requests in a second at most.",
)
@click.option("--verify", is_flag=True, help="Run each workflow and its conversion, and compare (convert --verify).")
@click.option(
    "--baseline",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="What an earlier `assess --json` has printed: tell what has changed since.",
)
@click.option("--markdown", "as_markdown", is_flag=True, help="Print Markdown instead.")
@no_cache_option
@json_option
@html_option
def command(
    data_dir: Path | None,
    paths: tuple[Path, ...],
    from_admin: str | None,
    projects: tuple[str, ...],
    domains: tuple[str, ...],
    days: int,
    rate: float,
    verify: bool,
    no_cache: bool,
    baseline: Path | None,
    as_markdown: bool,
    as_json: bool,
    html: Path | None,
) -> None:
    """Say what becomes of each workflow, launch plan, schedule, remote script and CI file, and in which order to move.

    PATH is a file or a directory of source; nothing is written or imported. With --from-admin and no PATH a live Flyte 1
    is looked at instead, without source: what is active or ran lately, and what Flyte 2 would refuse of it.
    """
    if bool(paths) == bool(from_admin):
        raise UsageError("give either the PATHs of source, or --from-admin ENDPOINT")
    if as_json and as_markdown:
        raise UsageError("--json and --markdown exclude each other: choose one")
    if verify and (from_admin or find_spec("flytekit") is None):
        raise UsageError("--verify runs source of Flyte 1: it needs PATHs, and flytekit installed here")
    earlier = _earlier(baseline)
    differs = False
    if from_admin:
        settings = config.load(data_dir=data_dir, v1_endpoint=from_admin)
        try:
            assessment = asyncio.run(_admin(settings, projects, domains, days, rate))
        except (BackendError, ConfigError) as error:
            click.echo(f"flyte-bridge: Flyte 1 cannot be assessed: {error}", err=True)
            sys.exit(Exit.NOT_COMPARABLE)
    else:
        assessment, differs = _source(paths, verify=verify, no_cache=no_cache)
    burnt = _burnt(assessment, earlier, baseline)
    _show(assessment, burnt, html, as_json=as_json, as_markdown=as_markdown)
    sys.exit(_exit(assessment, differs=differs))


def _earlier(baseline: Path | None) -> object:
    try:
        return json.loads(baseline.read_text(encoding="utf-8")) if baseline is not None else None
    except (OSError, ValueError) as error:
        raise SourceError(str(baseline), f"is no report of `flyte-bridge assess --json`: {error}") from None


def _burnt(assessment: Assessment, earlier: object, baseline: Path | None) -> BurnDown | None:
    from flyte_bridge.side_by_side.assessment import burn_down

    if baseline is None:
        return None
    try:
        return burn_down(assessment, earlier if isinstance(earlier, dict) else {})
    except ValueError as error:
        raise UsageError(f"--baseline {baseline}: {error}") from None


async def _admin(
    settings: config.Settings, projects: Sequence[str], domains: Sequence[str], days: int, rate: float
) -> Assessment:
    from flyte_bridge.side_by_side.assess_admin import AdminAssessment
    from flyte_bridge.side_by_side.paced import PacedCaller
    from flyte_bridge.side_by_side.registrations import RegistrationReader
    from flyte_bridge.side_by_side.sides import V1, Sides

    sides = Sides(settings)
    try:
        plane = await sides.of(V1)
        plane.caller = PacedCaller(plane.caller, rate)
        registered = await RegistrationReader(plane.caller).read(projects, domains)
        return await AdminAssessment(plane, settings, days).assess(registered)
    finally:
        await sides.close()


def _source(paths: Sequence[Path], *, verify: bool, no_cache: bool) -> tuple[Assessment, bool]:
    """The assessment, and whether verification speaks against a conversion."""
    from flyte_bridge.convert.cache import ConversionCache
    from flyte_bridge.convert.project import convert_files, find
    from flyte_bridge.side_by_side.assess_source import SourceAssessment, prove

    project = convert_files(find(paths), cache=None if no_cache else ConversionCache.of_the_user())
    assessment = SourceAssessment(project, paths).assess()
    if not verify:
        return assessment, False
    from flyte_bridge.verify.report import differs
    from flyte_bridge.verify.verify import verify as run
    from flyte_bridge_cli.proof import changes

    with changes(project) as pairs:
        verdicts = run(pairs, progress=_progress)
    prove(assessment, {one.workflow: (one.outcome.value, one.code or "", one.reason) for one in verdicts})
    return assessment, differs(verdicts)


def _progress(text: str) -> None:
    tell(text, err=True)


def _show(
    assessment: Assessment, burnt: BurnDown | None, html: Path | None, *, as_json: bool, as_markdown: bool
) -> None:
    from rich.console import Console

    from flyte_bridge.side_by_side import assess_report

    if html is not None:
        html.write_text(assess_report.to_html(assessment, burnt), encoding="utf-8")
    if as_json:
        click.echo(json.dumps(assess_report.to_json(assessment, burnt), indent=2))
    elif as_markdown:
        click.echo(assess_report.to_markdown(assessment, burnt), nl=False)
    else:
        assess_report.print_table(assessment, Console(soft_wrap=True, highlight=False), burnt)


def _exit(assessment: Assessment, *, differs: bool) -> Exit:
    from flyte_bridge.side_by_side.assessment import Disposition

    if any(place.code.startswith("FB10") for place in assessment.not_understood):
        return Exit.NOT_CONVERTED
    if differs:
        return Exit.DIFFERENT
    left = {Disposition.BY_HAND, Disposition.NOTHING}
    return Exit.BY_HAND if any(item.disposition in left for item in assessment.items) else Exit.DONE
