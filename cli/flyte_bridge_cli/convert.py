"""`flyte-bridge convert`: Flyte 1 source to Flyte 2 source, shown, written, checked or proved."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from flyte_bridge_cli.exits import Exit, epilog
from flyte_bridge_cli.options import no_cache_option, rules_option

EPILOG = epilog(Exit.DONE, Exit.USAGE, Exit.BY_HAND, Exit.NOT_CONVERTED, Exit.DIFFERENT, Exit.WOULD_CHANGE)

FORMATS = ("text", "json", "github", "sarif", "markdown")
"""What `finding_formats` has, which is not imported for a help text."""

BRANCH = "flyte-2"
"""What `--commit` calls its branch."""

RETRIES = ("keep", "faithful")
"""`translator.RETRIES`, which is not imported for a help text: LibCST takes a seventh of a second. A test holds them together."""


@click.command(name="convert", epilog=EPILOG)
@click.argument("paths", nargs=-1, required=True, metavar="PATH...", type=click.Path(path_type=Path, allow_dash=True))
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), metavar="DIR", help="Write the converted tree below DIR."
)
@click.option("--in-place", is_flag=True, help="Write over the files, each in one step.")
@click.option("--diff", "show_diff", is_flag=True, help="Show what would change as a unified diff; write nothing.")
@click.option(
    "--commit", "do_commit", is_flag=True, help="Commit to a new branch: one commit per module. Wants a clean git tree."
)
@click.option("--branch", default=BRANCH, show_default=True, metavar="NAME", help="For --commit: the new branch.")
@click.option("--check", is_flag=True, help="Write nothing; exit 6 when files would change.")
@click.option(
    "--format",
    type=click.Choice(FORMATS),
    default=FORMATS[0],
    show_default=True,
    help="What to print: findings and diffs as text, one JSON document, or the findings alone.",
)
@click.option("--json", "as_json", is_flag=True, help="The same as --format json.")
@click.option("--explain", is_flag=True, help="For each changed place, say which rule changed it and why.")
@click.option("--select", metavar="CODES", help="Report only these finding codes or prefixes (FB2,FB301).")
@click.option("--ignore", metavar="CODES", help="Do not report these finding codes or prefixes.")
@click.option(
    "--baseline",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    metavar="FILE",
    help="Do not report the findings that FILE knows of.",
)
@click.option(
    "--write-baseline",
    type=click.Path(path_type=Path, dir_okay=False, writable=True),
    metavar="FILE",
    help="Write what is reported to FILE, for --baseline.",
)
@click.option("--statistics", is_flag=True, help="Print how many findings there are of each code.")
@click.option(
    "--verify",
    "do_verify",
    is_flag=True,
    help="Run each workflow in Flyte 1 and its conversion in Flyte 2 and compare.",
)
@click.option(
    "--inputs",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    metavar="FILE",
    help="Inputs for --verify, YAML or JSON: {workflow: {argument: value}}, or a list of such rows.",
)
@click.option(
    "--samples",
    type=click.IntRange(min=0, max=1000),
    default=0,
    metavar="NUMBER",
    help="For --verify: how many more rows of inputs to draw from each workflow's types, edge values among them.",
)
@click.option(
    "--timeout",
    type=click.FloatRange(min=1),
    default=120.0,
    show_default=True,
    metavar="SECONDS",
    help="For --verify: how long one workflow may run.",
)
@click.option(
    "--on",
    type=click.Choice(["local", "embedded"]),
    default="local",
    show_default=True,
    help="For --verify: where the conversion runs: the SDK's local mode, or an embedded backend with a process per task.",
)
@click.option(
    "--certificate",
    type=click.Path(path_type=Path, dir_okay=False, writable=True),
    metavar="FILE",
    help="For --verify: write what was shown to FILE, for `flyte-bridge verify FILE`.",
)
@click.option("--strict", is_flag=True, help="For --verify: exit with 5 unless every workflow is SAME.")
@click.option("--tasks", is_flag=True, help="For --verify: also run the tasks that no workflow uses.")
@click.option(
    "--python",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    metavar="PATH",
    help="For --verify: the interpreter that has the project's packages, flytekit and flyte among them.",
)
@rules_option
@click.option(
    "--retries",
    type=click.Choice(RETRIES),
    default=RETRIES[0],
    show_default=True,
    help="keep: the same number, though Flyte 2 retries every exception; faithful: only recoverable errors, as in Flyte 1.",
)
@click.option("--name-prefix", metavar="TEXT", help="What the names of new task environments begin with.")
@click.option(
    "--renames",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="The table of names, Markdown (.md) or JSON: names in it are kept, new ones are added (not with --check and --diff).",
)
@no_cache_option
def command(as_json: bool, **given: Any) -> None:
    """Rewrite Flyte 1 source (flytekit) into Flyte 2 source (flyte).

    PATH is a file, a directory, or - for standard input (the result goes to standard output). Without -o or --in-place
    nothing is written: one file is shown as a diff, several as a table.
    """
    from flyte_bridge_cli.conversion import Request, run

    sys.exit(run(Request(**given | ({"format": "json"} if as_json else {}))))
