"""Options that several verbs share."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import click

data_dir_option = click.option(
    "--data-dir",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where the embedded backend keeps everything.  [default: $FLYTE_BRIDGE_DATA_DIR, or flyte-bridge in your data "
    "directory]",
)
"""Which embedded backend is meant: the one of this directory."""

json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead.")
"""For scripts."""

html_option = click.option(
    "--html",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    metavar="FILE",
    help="Write a report to FILE: one page that needs no network.",
)
"""For readers."""

rules_option = click.option(
    "--rules",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="What counts as the same, in YAML: tolerances, ignored places, keys and columns of frames, per output.",
)
"""How a comparison compares."""

renames_option = click.option(
    "--renames",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="The table of names that `flyte-bridge convert` wrote, when the second side runs the conversion of the first's workflow.",
)
"""Which names a conversion has changed."""


no_cache_option = click.option(
    "--no-cache", is_flag=True, help="Convert anew, though the same files were converted before."
)
"""Whether what was converted before is looked for."""

from_admin_option = click.option(
    "--from-admin",
    metavar="ENDPOINT",
    help="host:port of Flyte 1's flyteadmin.  [default: $FLYTE_BRIDGE_V1_ENDPOINT]",
)
"""Which Flyte 1 is read."""


class Length(click.ParamType):  # type: ignore[type-arg,unused-ignore]  # click 8.3 made it generic
    """A length of time: `7d`, `12h30m`, or seconds."""

    name = "length"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        """Reads it, or says how it is written."""
        from flyte_bridge.verify.values import duration

        if isinstance(value, timedelta):
            return value
        text = str(value)
        try:
            length = duration(float(text) if text.replace(".", "", 1).isdigit() else text)
        except ValueError:
            length = timedelta()
        if length <= timedelta():
            self.fail(f"{text!r} is no length of time; write 7d, 12h30m or seconds", param, ctx)
        return length
