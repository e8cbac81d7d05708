"""`flyte-bridge down`: stop the embedded Flyte 2 backend."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from flyte_bridge import config
from flyte_bridge.embedded_client import instance
from flyte_bridge_cli.options import data_dir_option
from flyte_bridge_cli.output import tell

if TYPE_CHECKING:
    from pathlib import Path


@click.command()
@data_dir_option
def down(data_dir: Path | None) -> None:
    """Stop the embedded Flyte 2 backend of a data directory; what it stores stays there."""
    where = config.load(data_dir=data_dir).data_dir
    stopped = instance.stop(where)
    if stopped is None:
        tell(f"No embedded Flyte 2 backend runs on {where}.")
    else:
        tell(f"Stopped the embedded Flyte 2 backend at {stopped.url} (process {stopped.pid}).")
