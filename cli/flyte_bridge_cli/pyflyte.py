"""`flyte-bridge pyflyte`: flytekit's command line, unmodified, on top of Flyte 2."""

from __future__ import annotations

import click

from flyte_bridge import config


@click.command(
    "pyflyte",
    add_help_option=False,
    context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False},
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def command(arguments: tuple[str, ...]) -> None:
    """Run flytekit's pyflyte, with all its commands and options, on top of Flyte 2.

    `flyte-bridge pyflyte run --remote file.py wf …`, `… register …`, `… execution …`: whatever endpoint its configuration
    names, calls go to the Flyte 2 that $FLYTE_BRIDGE_ENDPOINT names, or to the embedded one.
    """
    from flyte_bridge.remote.script import run_pyflyte

    config.forget_flyte1()
    run_pyflyte(arguments, config.load())
