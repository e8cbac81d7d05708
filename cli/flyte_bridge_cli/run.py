"""`flyte-bridge run`: a Flyte 1 workflow on Flyte 2, as it is."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.shell_completion import CompletionItem

from flyte_bridge import config
from flyte_bridge_cli.entities import entities
from flyte_bridge_cli.exits import Exit
from flyte_bridge_cli.options import data_dir_option

if TYPE_CHECKING:
    from collections.abc import Sequence


class RunCommand(click.Command):
    """The verb, whose words behind FILE and WORKFLOW are the workflow's inputs."""

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """The workflow's inputs, once it is named; until then the verb's own options."""
        file, workflow = ctx.params.get("file"), ctx.params.get("workflow")
        if file is None or workflow is None:
            return super().shell_complete(ctx, incomplete)
        names = [f"--{name}" for name in entities(Path(file)).get(workflow, ())]
        return [CompletionItem(name) for name in (*names, "--wait") if name.startswith(incomplete)]


def _workflows(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    names = entities(Path(ctx.params["file"])) if ctx.params.get("file") else {}
    return [CompletionItem(name) for name in names if name.startswith(incomplete)]


@click.command(cls=RunCommand, context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@data_dir_option
@click.option("-p", "--project", help="Where to run.  [default: $FLYTE_BRIDGE_PROJECT, or flytesnacks]")
@click.option("-d", "--domain", help="Where to run.  [default: $FLYTE_BRIDGE_DOMAIN, or development]")
@click.option("--name", help="The execution's name.  [default: a random one]")
@click.option("-i", "--image", multiple=True, help="IMAGE or NAME=IMAGE for tasks that name none; may be repeated.")
@click.option(
    "--copy",
    type=click.Choice(["all", "auto", "none"]),
    default="auto",
    show_default=True,
    help="Which files of the source to upload for the tasks.",
)
@click.option("--wait", is_flag=True, help="Show the nodes until the execution ends; may stand at the end, too.")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.argument("workflow", shell_complete=_workflows)
@click.argument("inputs", nargs=-1, type=click.UNPROCESSED)
def command(
    data_dir: Path | None,
    project: str | None,
    domain: str | None,
    name: str | None,
    image: Sequence[str],
    copy: str,
    wait: bool,
    file: Path,
    workflow: str,
    inputs: Sequence[str],
) -> None:
    """Run WORKFLOW, a workflow or a task of FILE, on Flyte 2, unconverted.

    INPUTS are as `pyflyte run` has them: --NAME VALUE for each. What `pyflyte run` has beyond that is in
    `flyte-bridge pyflyte run --remote`. With --wait it exits with 1 if the execution does not succeed.
    """
    from flyte_bridge.remote.script import run_workflow

    config.forget_flyte1()
    settings = config.load(data_dir=data_dir, project=project, domain=domain)
    given = list(inputs)
    if given[-1:] == ["--wait"]:
        given, wait = given[:-1], True
    words = ["--project", settings.project, "--domain", settings.domain, "--copy", copy]
    words += ["--name", name] if name else []
    words += [word for each in image for word in ("--image", each)]
    if not run_workflow([*words, str(file), workflow, *given], settings, wait):
        sys.exit(Exit.FAILED)
