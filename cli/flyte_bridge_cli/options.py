"""Options that several verbs share."""

from __future__ import annotations

from pathlib import Path

import click

data_dir_option = click.option(
    "--data-dir",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where the embedded backend keeps everything.  [default: $FLYTE_BRIDGE_DATA_DIR, or flyte-bridge in your data "
    "directory]",
)
"""Which embedded backend is meant: the one of this directory."""
