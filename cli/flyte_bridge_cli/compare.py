"""`flyte-bridge compare`: two executions, compared by value."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from flyte_bridge import config
from flyte_bridge.errors import BackendError, ConfigError
from flyte_bridge_cli.exits import Exit

from .options import data_dir_option, html_option, json_option, renames_option, rules_option

if TYPE_CHECKING:
    from flyte_bridge.side_by_side.comparing import CompareOptions
    from flyte_bridge.side_by_side.comparison import ExecutionComparison


@click.command()
@data_dir_option
@click.argument("first", metavar="A")
@click.argument("second", metavar="B")
@rules_option
@renames_option
@click.option("--twice", is_flag=True, help="Run A again first: what differs between its own runs is no difference.")
@json_option
@html_option
def command(
    data_dir: Path | None,
    first: str,
    second: str,
    rules: Path | None,
    renames: Path | None,
    twice: bool,
    as_json: bool,
    html: Path | None,
) -> None:
    """Compare two executions that have ended: phases, errors, attempts, and all outputs by value, node by node.

    A and B are v1:NAME (the flyteadmin of FLYTE_BRIDGE_V1_ENDPOINT), v2:NAME (Flyte 2), local:NAME or
    local@DIRECTORY:NAME (an embedded backend); PROJECT/DOMAIN/NAME may stand for NAME.

    Exits with 0 if they are the same, 5 if they differ, 7 if they cannot be compared.
    """
    from flyte_bridge.convert import rename_table
    from flyte_bridge.side_by_side.comparing import CompareOptions
    from flyte_bridge.verify import rules_file
    from flyte_bridge.verify.rules import USUAL

    options = CompareOptions(
        rules_file.read(rules) if rules else USUAL, rename_table.read(renames).entities if renames else {}, twice
    )
    settings = config.load(data_dir=data_dir)
    try:
        compared = asyncio.run(_compare(settings, first, second, options))
    except (BackendError, ConfigError) as error:
        click.echo(f"flyte-bridge: cannot be compared: {error}", err=True)
        sys.exit(Exit.NOT_COMPARABLE)
    _show(compared, as_json, html)


async def _compare(settings: config.Settings, first: str, second: str, options: CompareOptions) -> ExecutionComparison:
    from flyte_bridge.side_by_side.comparing import SideExecution, compare_pair
    from flyte_bridge.side_by_side.sides import Sides, execution_of

    named = [execution_of(text, settings) for text in (first, second)]
    sides = Sides(settings)
    try:
        left, right = [SideExecution(await sides.of(side), identity) for side, identity in named]
        return await compare_pair(left, right, options, lambda text: click.echo(text, err=True))
    finally:
        await sides.close()


def _show(compared: ExecutionComparison, as_json: bool, html: Path | None) -> None:
    from rich.console import Console

    from flyte_bridge.side_by_side import report
    from flyte_bridge.side_by_side.comparison import Sameness

    if html is not None:
        html.write_text(report.to_html(compared), encoding="utf-8")
    if as_json:
        click.echo(json.dumps(report.to_json(compared), indent=2))
    else:
        report.print_comparison(compared, Console(soft_wrap=True, highlight=False))
    exits = {Sameness.SAME: Exit.DONE, Sameness.DIFFERENT: Exit.DIFFERENT, Sameness.NOT_COMPARABLE: Exit.NOT_COMPARABLE}
    sys.exit(exits[compared.verdict])
