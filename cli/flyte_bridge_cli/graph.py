"""`flyte-bridge graph`: the graph of a Flyte 1 workflow, drawn."""

from __future__ import annotations

from pathlib import Path

import click

from flyte_bridge.errors import UsageError

FORMATS = ("mermaid", "dot", "svg", "json")


@click.command(name="graph")
@click.argument("target", metavar="FILE::WORKFLOW")
@click.option(
    "--format", "form", type=click.Choice(FORMATS), default=FORMATS[0], show_default=True, help="What to draw it as."
)
@click.option("--critical-path", is_flag=True, help="Mark the longest chain of actions, and say how long it is.")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path, dir_okay=False), metavar="PATH", help="Write it to PATH."
)
def command(target: str, form: str, critical_path: bool, output: Path | None) -> None:
    """Draw the graph of a workflow, or of a launch plan's workflow, in a flytekit file.

    The file is imported in a process of its own and compiled as Flyte 1's control plane would compile it; nothing is registered and
    nothing runs. What is inside a @dynamic is known only when it has run, so it is one box.
    """
    from flyte_bridge.serialize.closure import compiled
    from flyte_bridge_translators.flyte1 import read
    from flyte_bridge_translators.graph import closures, draw, figure

    name, separator, workflow = target.rpartition("::")
    if not separator or not name or not workflow:
        raise UsageError(f"{target!r} is not FILE::WORKFLOW, such as pipeline.py::training")
    drawn = figure.of(closures.checked(read.closure(compiled(Path(name), workflow))))
    chain: list[str] = []
    if critical_path:
        length, chain = figure.critical_path(drawn.level)
        named = {box.id: box.title for box in drawn.level.walk() if box.inner is None and box.cost}
        steps = " > ".join(named[one] for one in chain if one in named)
        click.echo(f"critical path: {length:g} actions: {steps}", err=True)
    text = draw.FORMATS[form](drawn, critical=chain)
    if output is None:
        click.echo(text, nl=False)
    else:
        output.write_text(text)
