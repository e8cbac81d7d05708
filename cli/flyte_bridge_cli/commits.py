"""What `convert --commit` tells in its messages, and prints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from flyte_bridge.convert import rename_table
from flyte_bridge.convert.commits import Commit, Story
from flyte_bridge_cli.output import tell
from flyte_bridge_translators.findings import Finding
from flyte_bridge_translators.source.engine.naming import RenameTable

if TYPE_CHECKING:
    from flyte_bridge.verify.verdict import Verdict


def story(
    findings: Mapping[Path, Sequence[Finding]], verdicts: Sequence[Verdict], table: Path | None, names: RenameTable
) -> Story:
    """What the messages tell.

    Args:
        findings: Of each file, what is reported.
        verdicts: What verification came to.
        table: Where the table of names is kept: it goes with the last commit.
        names: What is in it.
    """
    proofs = {
        each.workflow: f"{each.outcome.value}{f', {each.reason}' if each.reason else ''}"
        for each in sorted(verdicts, key=lambda verdict: verdict.workflow)
    }
    return Story(findings, proofs, {table: rename_table.text(table, names).encode()} if table is not None else {})


def print_commits(branch: str, committed: Sequence[Commit]) -> None:
    """The commits, and how to get to them."""
    for each in committed:
        click.echo(f"{each.sha[:10]} {each.subject}")
    if committed:
        tell(f"{len(committed)} commits on the new branch {branch}: git switch {branch}", err=True)
