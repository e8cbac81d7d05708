"""`flyte-bridge up`: start the embedded Flyte 2 backend."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from flyte_bridge import config
from flyte_bridge.embedded import instance
from flyte_bridge_cli.options import data_dir_option
from flyte_bridge_cli.status import describe

if TYPE_CHECKING:
    from pathlib import Path


@click.command()
@data_dir_option
@click.option(
    "--port",
    type=click.IntRange(1, 65535),
    help="Port on 127.0.0.1.  [default: the one this directory had last, or a free one]",
)
@click.option("--foreground", is_flag=True, help="Stay attached; Ctrl-C stops it.")
def up(data_dir: Path | None, port: int | None, foreground: bool) -> None:
    """Start an embedded Flyte 2 backend: one process, no Docker, no Kubernetes.

    Prints the endpoint and what to tell `flyte` and flytekit. One backend runs per data directory; started again on
    the same directory, it has everything it had.
    """
    where = config.load(data_dir=data_dir).data_dir
    if foreground:
        instance.run(where, port, lambda ready: click.echo(describe(ready)))
        return
    if port is None:
        click.echo(describe(instance.ensure(where)))
        return
    running = instance.find(where)
    if running is None or running.port != port:
        running = instance.start(where, port)
    click.echo(describe(running))
