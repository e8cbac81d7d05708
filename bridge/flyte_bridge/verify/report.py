"""Verdicts as a table for people and as JSON for programs."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from flyte_bridge.verify.verdict import Outcome, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rich.console import Console

_STYLES = {
    Outcome.SAME: "green",
    Outcome.DIFFERENT: "bold red",
    Outcome.V1_FAILED: "yellow",
    Outcome.V2_FAILED: "bold red",
    Outcome.BY_HAND: "yellow",
    Outcome.TIMED_OUT: "yellow",
    Outcome.NOT_RUN: "yellow",
}

DIFFERENCES_SHOWN = 10
"""Of one workflow, on a terminal; JSON has all."""


def print_table(verdicts: Sequence[Verdict], console: Console) -> None:
    """Print a table of the verdicts, then what the bad ones are about."""
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("verdict", no_wrap=True)
    table.add_column("workflow", overflow="fold")
    table.add_column("remarks", overflow="fold")
    for one in verdicts:
        table.add_row(Text(one.outcome.value, _STYLES[one.outcome]), Text(one.workflow), Text("; ".join(remarks(one))))
    console.print(table)
    for one in verdicts:
        for line in details(one):
            console.print(Text(line))
    console.print(Text(summary(verdicts)))


def remarks(verdict: Verdict) -> list[str]:
    """What there is to say about a verdict in a line."""
    said = [verdict.reason] if verdict.reason else []
    if verdict.critical_path is not None:
        before, after, nodes = verdict.critical_path
        if before == after:
            said.append(f"critical path {before} of {nodes} nodes on both sides")
        else:
            said.append(f"critical path {before} of {nodes} nodes on Flyte 1, {after} on Flyte 2")
    if verdict.generated and verdict.outcome is not Outcome.NOT_RUN:
        said.append(f"inputs generated: {', '.join(f'{name}={verdict.inputs[name]!r}' for name in verdict.generated)}")
    return said


def details(verdict: Verdict) -> list[str]:
    """The differences of a verdict, or what the failing side printed."""
    if verdict.outcome is Outcome.SAME or (verdict.outcome is Outcome.NOT_RUN and not verdict.log):
        return []
    lines = ["", f"{verdict.code} {verdict.outcome.value} {verdict.workflow}: {verdict.reason}"]
    for one in verdict.differences[:DIFFERENCES_SHOWN]:
        where = one.path or "outputs"
        lines += [f"  {where} ({one.what})", f"    - {one.left or '(nothing)'}", f"    + {one.right or '(nothing)'}"]
        lines += [f"    {line}" for line in one.detail.splitlines()]
    if (rest := len(verdict.differences) - DIFFERENCES_SHOWN) > 0:
        lines.append(f"  and {rest} more; --json lists them")
    return lines + [f"  | {line}" for line in verdict.log.splitlines()[-25:]]


def summary(verdicts: Iterable[Verdict]) -> str:
    """How many of each, in one line."""
    counts = Counter(one.outcome for one in verdicts)
    if not counts:
        return "nothing to verify: no workflow was found"
    return ", ".join(f"{counts[outcome]} {outcome.value}" for outcome in Outcome if counts[outcome])


def to_json(verdicts: Iterable[Verdict]) -> list[dict[str, Any]]:
    """The verdicts as JSON-able mappings, one per workflow; a field is there whether or not it says something."""
    return [
        {
            "workflow": one.workflow,
            "kind": one.kind,
            "verdict": one.outcome.value,
            "code": one.code,
            "notes": list(one.notes),
            "reason": one.reason,
            "inputs": dict(one.inputs),
            "sources": dict(one.sources),
            "rows": [
                {
                    "inputs": dict(row.inputs),
                    "drawn": row.drawn,
                    "verdict": row.outcome.value,
                    "reason": row.reason,
                }
                for row in one.rows
            ],
            "unstable": list(one.unstable),
            "differences": [
                {
                    "path": each.path,
                    "what": each.what,
                    "flyte1": each.left,
                    "flyte2": each.right,
                    "detail": each.detail,
                }
                for each in one.differences
            ],
            "seconds": {"flyte1": one.seconds[0], "flyte2": one.seconds[1]},
            "critical_path": None
            if one.critical_path is None
            else {"flyte1": one.critical_path[0], "flyte2": one.critical_path[1], "nodes": one.critical_path[2]},
            "log": one.log,
        }
        for one in verdicts
    ]


def differs(verdicts: Iterable[Verdict]) -> bool:
    """Whether verification speaks against the conversion: what the command's exit code says."""
    return any(one.outcome in (Outcome.DIFFERENT, Outcome.V2_FAILED) for one in verdicts)


def proved(verdicts: Iterable[Verdict]) -> bool:
    """Whether every workflow is the same: what `--strict` asks for."""
    return all(one.outcome is Outcome.SAME for one in verdicts)
