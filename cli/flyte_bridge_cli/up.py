"""`flyte-bridge up`: start the embedded Flyte 2 backend."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from flyte_bridge import config
from flyte_bridge.embedded_client import instance
from flyte_bridge_cli.options import data_dir_option
from flyte_bridge_cli.output import tell
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
@click.option(
    "--require-token/--no-require-token",
    default=None,
    help="Whether clients need the token that is kept in the data directory. Without, every program and user of this "
    "machine can run code as you.  [default: $FLYTE_BRIDGE_REQUIRE_TOKEN, or yes]",
)
def up(data_dir: Path | None, port: int | None, foreground: bool, require_token: bool | None) -> None:
    """Start an embedded Flyte 2 backend: one process, no Docker, no Kubernetes.

    Prints the endpoint and what to tell `flyte` and flytekit. One backend runs per data directory; started again on
    the same directory, it has everything it had.
    """
    where = config.load(data_dir=data_dir).data_dir
    if foreground:
        from flyte_bridge.embedded.foreground import run  # the server's own imports
        from flyte_bridge.side_by_side.console_comparison import compare_runs

        run(where, port, lambda ready: tell(describe(ready)), require_token=require_token, comparer=compare_runs)
        return
    running = instance.find(where)
    if running is None and port is None and require_token is None:
        running = instance.ensure(where)
    elif running is None or port not in {None, running.port} or require_token not in {None, running.require_token}:
        running = instance.start(where, port, require_token=require_token)  # which refuses if one runs already
    tell(describe(running))
