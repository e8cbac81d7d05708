"""The `flyte-bridge` command: the group and the error boundary.

A verb's module is imported only when that verb runs (or its help is shown), so that `flyte-bridge --help` imports
neither `flyte` nor `flytekit`.
"""

from __future__ import annotations

import os
import sys
import warnings
from importlib import import_module
from typing import NamedTuple

import click

from flyte_bridge import __version__
from flyte_bridge.errors import BridgeError, UsageError
from flyte_bridge_cli.exits import Exit
from flyte_bridge_cli.output import Output


class Verb(NamedTuple):
    """A command that is imported when it is used: `module:attribute`, and the line the group's help shows for it."""

    target: str
    summary: str


VERBS: dict[str, Verb] = {
    "assess": Verb(
        "flyte_bridge_cli.assess:command", "Say what there is to move, what becomes of it, and in which order."
    ),
    "backfill": Verb(
        "flyte_bridge_cli.backfill:command", "Run a schedule's past fire times, on Flyte 1, Flyte 2 or both."
    ),
    "compare": Verb("flyte_bridge_cli.compare:command", "Compare two executions, on Flyte 1, Flyte 2 or both."),
    "convert": Verb("flyte_bridge_cli.convert:command", "Rewrite Flyte 1 source into Flyte 2 source, and prove it."),
    "coverage": Verb("flyte_bridge_cli.coverage:command", "Show what of Flyte 1's control plane is served."),
    "cutover": Verb(
        "flyte_bridge_cli.cutover:command", "Hand schedules over from Flyte 1 to Flyte 2, and take them back."
    ),
    "demo": Verb("flyte_bridge_cli.demo:command", "Show the whole way from Flyte 1 to Flyte 2 on this machine."),
    "doctor": Verb("flyte_bridge_cli.doctor:command", "Say what works here, what will not, and why."),
    "down": Verb("flyte_bridge_cli.down:down", "Stop the embedded Flyte 2 backend."),
    "exec": Verb("flyte_bridge_cli.exec:command", "Run a program written for Flyte 1, unmodified, on Flyte 2."),
    "graph": Verb("flyte_bridge_cli.graph:command", "Draw the graph of a Flyte 1 workflow."),
    "import": Verb("flyte_bridge_cli.importing:command", "Register in Flyte 2 what is registered in Flyte 1."),
    "pyflyte": Verb("flyte_bridge_cli.pyflyte:command", "Run flytekit's command line on Flyte 2."),
    "register": Verb(
        "flyte_bridge_cli.register:command", "Register Flyte 1 tasks, workflows and launch plans in Flyte 2."
    ),
    "run": Verb("flyte_bridge_cli.run:command", "Run a Flyte 1 workflow on Flyte 2, as it is."),
    "serve": Verb("flyte_bridge_cli.serve:command", "Serve Flyte 1's control plane over gRPC, on top of Flyte 2."),
    "shadow": Verb(
        "flyte_bridge_cli.shadow:command", "Repeat on Flyte 2 what a schedule starts on Flyte 1, and compare."
    ),
    "status": Verb("flyte_bridge_cli.status:status", "Show the embedded Flyte 2 backend and how clients reach it."),
    "up": Verb("flyte_bridge_cli.up:up", "Start an embedded Flyte 2 backend."),
    "verify": Verb("flyte_bridge_cli.verify:command", "Say whether the certificate of a conversion still holds."),
}


class LazyGroup(click.Group):
    """A click group that knows its verbs by name and imports one when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        verb = VERBS.get(cmd_name)
        if verb is None:
            return None
        module, _, attribute = verb.target.partition(":")
        command = getattr(import_module(module), attribute)
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Finds the verb, or says which one is meant."""
        name = args[0]
        if name not in VERBS and not name.startswith("-"):
            import difflib

            close = difflib.get_close_matches(name, VERBS, n=1)
            hint = f" Did you mean {close[0]!r}?" if close else f" There are {', '.join(VERBS)}."
            ctx.fail(f"No such command {name!r}.{hint}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        if not VERBS:
            return
        with formatter.section("Commands"):
            formatter.write_dl([(name, verb.summary) for name, verb in VERBS.items()])


def versions() -> dict[str, str | None]:
    """The versions of flyte-bridge, this Python and what both sides are made of; None for what is not installed."""
    from importlib import metadata

    def installed(distribution: str) -> str | None:
        try:
            return metadata.version(distribution)
        except metadata.PackageNotFoundError:
            return None

    python = ".".join(map(str, sys.version_info[:3]))
    others = {name: installed(name) for name in ("flyte", "flytekit", "flyteidl2", "flyteidl")}
    return {"flyte-bridge": __version__, "python": python, **others}


def _show_versions(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted and not ctx.resilient_parsing:
        installed = versions()
        click.echo(f"flyte-bridge {installed['flyte-bridge']}")
        for name in ("flyte", "flytekit"):
            click.echo(f"{name} {installed[name] or 'not installed'}")
        ctx.exit()


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_show_versions,
    help="Show the versions of flyte-bridge and of both SDKs, and exit.",
)
@click.option("-q", "--quiet", is_flag=True, help="Print results and errors only: no progress, no summaries.")
@click.option("--no-color", is_flag=True, help="Print no colors; so does the variable NO_COLOR.")
@click.pass_context
def group(ctx: click.Context, quiet: bool, no_color: bool) -> None:
    """The way from Flyte 1 to Flyte 2 for teams that cannot stop."""
    ctx.obj = Output(quiet)
    if no_color or os.environ.get("NO_COLOR"):
        os.environ["NO_COLOR"] = "1"  # for what else prints in this process: rich, flytekit
        ctx.color = False


def main() -> None:
    """Run the command line; errors raised on purpose become one line on standard error and an exit code."""
    warnings.simplefilter("ignore", SyntaxWarning)  # of the users' programs, which are read here and not run
    try:
        group.main(prog_name="flyte-bridge")
    except BridgeError as error:
        click.echo(f"flyte-bridge: {error}", err=True)
        sys.exit(Exit.USAGE if isinstance(error, UsageError) else Exit.FAILED)
    except KeyboardInterrupt:
        click.echo("flyte-bridge: interrupted", err=True)
        sys.exit(Exit.INTERRUPTED)


if __name__ == "__main__":
    main()
