"""The `flyte-bridge` command: the group, the error boundary and the exit codes.

A verb's module is imported only when that verb runs (or its help is shown), so that `flyte-bridge --help` imports
neither `flyte` nor `flytekit`.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import NamedTuple

import click

from flyte_bridge import __version__
from flyte_bridge.errors import BridgeError, UsageError

EXIT_ERROR = 1
"""Something failed; the message on standard error says what and what to do next."""

EXIT_USAGE = 2
"""The command line itself is wrong: an unknown option, a path that is not there."""


EXIT_NOT_COMPARABLE = 4
"""Two executions, or two sides, that cannot be compared: not there, not ended, of different workflows, out of reach."""

EXIT_INTERRUPTED = 130
"""Ctrl-C, as shells have it: what was done is kept."""


class Verb(NamedTuple):
    """A command that is imported when it is used: `module:attribute`, and the line the group's help shows for it."""

    target: str
    summary: str


VERBS: dict[str, Verb] = {
    "backfill": Verb(
        "flyte_bridge_cli.backfill:command", "Run a schedule's past fire times, on Flyte 1, Flyte 2 or both."
    ),
    "compare": Verb("flyte_bridge_cli.compare:command", "Compare two executions, on Flyte 1, Flyte 2 or both."),
    "convert": Verb("flyte_bridge_cli.convert:command", "Rewrite Flyte 1 source into Flyte 2 source, and prove it."),
    "coverage": Verb("flyte_bridge_cli.coverage:command", "Show what of Flyte 1's control plane is served."),
    "down": Verb("flyte_bridge_cli.down:down", "Stop the embedded Flyte 2 backend."),
    "exec": Verb("flyte_bridge_cli.exec:command", "Run a program written for Flyte 1, unmodified, on Flyte 2."),
    "graph": Verb("flyte_bridge_cli.graph:command", "Draw the graph of a Flyte 1 workflow."),
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

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        if not VERBS:
            return
        with formatter.section("Commands"):
            formatter.write_dl([(name, verb.summary) for name, verb in VERBS.items()])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="flyte-bridge")
def group() -> None:
    """The way from Flyte 1 to Flyte 2 for teams that cannot stop."""


def main() -> None:
    """Run the command line; errors raised on purpose become one line on standard error and an exit code."""
    try:
        group.main(prog_name="flyte-bridge")
    except BridgeError as error:
        click.echo(f"flyte-bridge: {error}", err=True)
        sys.exit(EXIT_USAGE if isinstance(error, UsageError) else EXIT_ERROR)


if __name__ == "__main__":
    main()
