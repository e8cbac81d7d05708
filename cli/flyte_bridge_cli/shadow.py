"""`flyte-bridge shadow`: what a schedule starts on Flyte 1, repeated on Flyte 2 and compared."""

from __future__ import annotations

import asyncio
import json
import sys
from collections import Counter
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from flyte_bridge import config
from flyte_bridge.errors import BackendError, ConfigError, UsageError
from flyte_bridge_cli.exits import Exit

from .options import Length, data_dir_option, html_option, rules_option

if TYPE_CHECKING:
    from flyte_bridge.side_by_side.control_plane import ControlPlane
    from flyte_bridge.side_by_side.launch_plans import LaunchPlanName
    from flyte_bridge.side_by_side.shadow import Shadowed, ShadowOptions


@dataclass(frozen=True)
class _Request:
    """What the command line asks for."""

    wanted: LaunchPlanName
    options: ShadowOptions
    length: timedelta
    as_json: bool
    html: Path | None


@click.command()
@data_dir_option
@click.argument("launch_plan", metavar="LAUNCHPLAN")
@click.option(
    "--for", "length", type=Length(), required=True, metavar="LENGTH", help="How long: 7d, 12h30m, or seconds."
)
@click.option(
    "--raw-output-prefix",
    metavar="URI",
    help="Where Flyte 2 writes files, apart from all else.  [default on the embedded backend: a place in its own store]",
)
@click.option(
    "--poll", type=Length(), default="10s", show_default=True, metavar="LENGTH", help="Between two looks at Flyte 1."
)
@click.option(
    "--parallel", type=click.IntRange(1, 1000), default=4, show_default=True, help="Executions at once on Flyte 2."
)
@rules_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per execution, one per line.")
@html_option
def command(
    data_dir: Path | None,
    launch_plan: str,
    length: timedelta,
    raw_output_prefix: str | None,
    poll: timedelta,
    parallel: int,
    rules: Path | None,
    as_json: bool,
    html: Path | None,
) -> None:
    """Repeat each execution that LAUNCHPLAN's schedule starts on Flyte 1 on Flyte 2, with the same inputs, and compare.

    Begins with what is created from now on; started anew it goes on where it stopped. Nothing is written where Flyte 1
    writes, and nobody is notified by Flyte 2. The launch plan stays inactive on Flyte 2.

    Exits with 0 if all were the same, 5 if one differed, 7 if nothing could be compared, 130 after Ctrl-C.
    """
    from flyte_bridge.side_by_side.launch_plans import LaunchPlanName
    from flyte_bridge.side_by_side.shadow import ShadowOptions
    from flyte_bridge.verify import rules_file
    from flyte_bridge.verify.rules import USUAL

    settings = config.load(data_dir=data_dir)
    options = ShadowOptions(
        _prefix(raw_output_prefix, settings),
        rules_file.read(rules) if rules else USUAL,
        poll.total_seconds(),
        parallel,
    )
    request = _Request(LaunchPlanName.read(launch_plan, settings), options, length, as_json, html)
    counts: Counter[str] = Counter()
    try:
        asyncio.run(_run(settings, request, counts))
    except KeyboardInterrupt:
        click.echo(f"flyte-bridge: interrupted after {_sums(counts)}; the same command goes on from here", err=True)
        sys.exit(Exit.INTERRUPTED)
    except (BackendError, ConfigError) as error:
        click.echo(f"flyte-bridge: stopped: {error}", err=True)
        sys.exit(Exit.NOT_COMPARABLE)
    click.echo(_sums(counts), err=True)
    sys.exit(Exit.DIFFERENT if counts["different"] else Exit.DONE if counts["same"] else Exit.NOT_COMPARABLE)


def _prefix(given: str | None, settings: config.Settings) -> str:
    if given is not None:
        return given
    if settings.endpoint is None:
        return "s3://flyte/side-by-side/shadow"
    raise UsageError("--raw-output-prefix: say where Flyte 2 may write files, such as s3://my-bucket/shadow")


async def _run(settings: config.Settings, request: _Request, counts: Counter[str]) -> None:
    from flyte_bridge.side_by_side import shadow_report
    from flyte_bridge.side_by_side.json_lines import held
    from flyte_bridge.side_by_side.launch_plans import find
    from flyte_bridge.side_by_side.shadow import Shadow
    from flyte_bridge.side_by_side.shadow_journal import ShadowJournal, path_of
    from flyte_bridge.side_by_side.sides import Sides

    sides = Sides(settings)
    try:
        source, target = await sides.of("v1"), await sides.of("v2")
        plan = await find(source, request.wanted)
        if not plan.spec.entity_metadata.schedule.WhichOneof("ScheduleExpression"):
            raise UsageError(f"launch plan {request.wanted}: it has no schedule, so there is nothing to shadow")
        await _warn_if_active(target, request.wanted)
        path = path_of(settings.data_dir, source.name, target.name, str(request.wanted))
        journal = ShadowJournal(path)
        stop = asyncio.Event()

        def write() -> None:
            if request.html is not None:
                names = (source.name, target.name)
                request.html.write_text(shadow_report.to_html(str(request.wanted), names, journal), encoding="utf-8")

        def tell(news: Shadowed | str) -> None:
            if isinstance(news, str):
                click.echo(f"flyte-bridge: {news}", err=True)
                return
            counts[news.verdict] += 1
            click.echo(json.dumps(asdict(news)) if request.as_json else _line(news))
            write()

        asyncio.get_running_loop().call_later(request.length.total_seconds(), stop.set)
        with held(path, "shadow"):
            write()
            await Shadow((source, target), request.wanted, request.options, journal, tell).run(stop)
    finally:
        await sides.close()


async def _warn_if_active(target: ControlPlane, wanted: LaunchPlanName) -> None:
    from flyteidl.admin import common_pb2

    from flyte_bridge.errors import NotFound

    named = common_pb2.NamedEntityIdentifier(project=wanted.project, domain=wanted.domain, name=wanted.name)
    try:
        plan = await target.active_launch_plan(named)
    except NotFound:
        return
    if plan.spec.entity_metadata.schedule.WhichOneof("ScheduleExpression"):
        click.echo(
            f"flyte-bridge: {wanted.name} is active on {target.name}, too: its schedule fires there besides the shadow",
            err=True,
        )


def _line(news: Shadowed) -> str:
    detail = news.reason or "; ".join(news.differences[:3])
    phases = " and ".join(filter(None, news.phases))
    return ": ".join(filter(None, (f"{news.at} {news.name} {news.verdict}", phases, detail)))


def _sums(counts: Counter[str]) -> str:
    return ", ".join(f"{counts[verdict]} {verdict}" for verdict in ("same", "different", "not comparable"))
