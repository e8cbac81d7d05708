"""`flyte-bridge doctor`: what works here, what will not, and why."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from flyte_bridge_cli.exits import Exit
from flyte_bridge_cli.main import versions
from flyte_bridge_cli.options import data_dir_option, json_option

if TYPE_CHECKING:
    from pathlib import Path

MARKS = {"well": "ok", "limited": "!!", "broken": "XX"}


@click.command()
@data_dir_option
@json_option
def command(data_dir: Path | None, as_json: bool) -> None:
    """Say what works here, what will not, and why: versions, configuration, endpoint, identity, clocks, storage, driver.

    Nothing is started and nothing is changed. Exits with 1 if something that is set up cannot work.
    """
    from flyte_bridge.remote import diagnosis

    checks = diagnosis.examine(data_dir, versions())
    if as_json:
        click.echo(json.dumps({"schema": 1, "checks": [asdict(check) for check in checks]}, indent=2))
    else:
        for check in checks:
            click.echo(f"{MARKS[check.state]:3} {check.about}: {check.text}")
    sys.exit(Exit.FAILED if any(check.state == "broken" for check in checks) else Exit.DONE)
