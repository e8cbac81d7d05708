"""`flyte-bridge exec`: a program written for Flyte 1, unmodified, on top of Flyte 2."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from flyte_bridge import config
from flyte_bridge_cli.options import data_dir_option

if TYPE_CHECKING:
    from pathlib import Path


@click.command("exec", context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@data_dir_option
@click.option("-m", "module", is_flag=True, help="SCRIPT is the name of a module, as for `python -m`.")
@click.argument("script")
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def command(data_dir: Path | None, module: bool, script: str, arguments: tuple[str, ...]) -> None:
    """Run SCRIPT, a Python program that uses flytekit's FlyteRemote or client, on top of Flyte 2.

    The program is not changed, even if it names an endpoint: its calls are answered in its own process, by the Flyte 2 that
    $FLYTE_BRIDGE_ENDPOINT names, or by the embedded one. SCRIPT may also be a Python program on the PATH, such as
    flyte-cli.
    """
    from flyte_bridge.remote import script as scripts

    run = scripts.run_module if module else scripts.run_script
    run(script, arguments, config.load(data_dir=data_dir))
