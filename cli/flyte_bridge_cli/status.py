"""`flyte-bridge status`: the embedded Flyte 2 backend, and how clients reach it."""

from __future__ import annotations

import json
import shlex
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from flyte_bridge import config
from flyte_bridge.embedded_client import instance, snippets
from flyte_bridge_cli.exits import Exit
from flyte_bridge_cli.options import data_dir_option

if TYPE_CHECKING:
    from pathlib import Path


@click.command()
@data_dir_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead.")
def status(data_dir: Path | None, as_json: bool) -> None:
    """Show the embedded Flyte 2 backend and how clients reach it; exits with 8 when none runs."""
    where = config.load(data_dir=data_dir).data_dir
    running = instance.find(where)
    if as_json:
        told: dict[str, object] = {"running": running is not None, "data_dir": str(where)}
        if running is not None:
            told |= {**asdict(running), "endpoint": running.endpoint, "url": running.url}
            told["console"] = snippets.console_url(running)
            told["environment"] = {
                "flyte": snippets.flyte_environment(running),
                "flytekit": snippets.flytekit_environment(running),
            }
        click.echo(json.dumps(told, indent=2))
    elif running is not None:
        click.echo(describe(running))
    else:
        click.echo(f"No embedded Flyte 2 backend runs on {where}. Start one: flyte-bridge up --data-dir {where}")
    if running is None:
        sys.exit(Exit.NOT_RUNNING)


def describe(running: instance.Instance) -> str:
    """What `up` and `status` say about a running backend."""
    return f"""\
Embedded Flyte 2 backend at {running.url} (process {running.pid}, data in {running.data_dir})
{_admission(running)}

flyte (the Flyte 2 SDK and CLI): this in .flyte/config.yaml, or the variables below
{_indented(snippets.flyte_yaml(running))}
{_exports(snippets.flyte_environment(running))}

flytekit (Flyte 1):
{_exports(snippets.flytekit_environment(running))}"""


def _admission(running: instance.Instance) -> str:
    console = snippets.console_url(running)
    if not running.require_token:
        return f"Console: {console}\nNO TOKEN IS REQUIRED: every program and user of this machine can run code as you."
    return f"Console: {console} (logs one browser in, once, within the hour)\nToken: {running.token_file}"


def _indented(text: str) -> str:
    return "".join(f"    {line}\n" for line in text.splitlines())


def _exports(variables: dict[str, str]) -> str:
    return "\n".join(f"    export {name}={shlex.quote(value)}" for name, value in variables.items())
