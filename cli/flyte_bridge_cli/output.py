"""What is said besides results and errors, and when it is not."""

from __future__ import annotations

from typing import NamedTuple, TextIO

import click


class Output(NamedTuple):
    """How much is said: results and errors always, the rest unless the user wants quiet."""

    quiet: bool


def tell(text: str, *, err: bool = False, file: TextIO | None = None) -> None:
    """Prints what is no result: progress, summaries, what to do next; nothing with `--quiet`."""
    ctx = click.get_current_context(silent=True)
    output = ctx.find_object(Output) if ctx is not None else None
    if output is None or not output.quiet:
        click.echo(text, err=err, file=file)
