"""A comparison as a table, as JSON and as a page."""

from __future__ import annotations

from dataclasses import asdict
from functools import cache
from typing import TYPE_CHECKING, Any

from flyte_bridge_translators.graph.figure import duration

from .comparison import NodeComparison, Sameness

if TYPE_CHECKING:
    from jinja2 import Environment
    from rich.console import Console

    from ..verify.compare import Difference
    from .comparison import ExecutionComparison
    from .record import ExecutionRecord, NodeRecord

SHOWN = 40
"""Differences that a terminal shows; JSON and the page have all."""

STYLES = {Sameness.SAME: "green", Sameness.DIFFERENT: "red", Sameness.NOT_COMPARABLE: "yellow"}
"""Colours on a terminal."""


def to_json(compared: ExecutionComparison) -> dict[str, Any]:
    """All that is known of a comparison, as JSON has it; seconds are numbers."""
    critical = set(compared.left.critical_path[1])
    return {
        "verdict": compared.verdict.value,
        "reason": compared.reason,
        "left": _execution(compared.left),
        "right": _execution(compared.right),
        "differences": [_difference(one) for one in compared.differences],
        "nodes": [_node_comparison(node, critical) for node in compared.nodes],
        "unstable": list(compared.unstable),
        "notes": list(compared.notes),
    }


def to_html(compared: ExecutionComparison) -> str:
    """One page that needs no network."""
    return page("comparison.html", told=to_json(compared))


def page(template: str, **values: Any) -> str:
    """A page of the package's templates; everything that is put into it is escaped."""
    return _environment().get_template(template).render(**values)


@cache
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader

    return Environment(
        loader=PackageLoader("flyte_bridge.side_by_side"), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )


def print_comparison(compared: ExecutionComparison, console: Console) -> None:
    """Shows what differs, and what each side took."""
    from rich.table import Table
    from rich.text import Text

    console.print(Text(summary(compared)), style=STYLES[compared.verdict])
    sides = Table(box=None, pad_edge=False)
    for heading in ("", "execution", "workflow", "phase", "time", "critical path"):
        sides.add_column(heading)
    for record in (compared.left, compared.right):
        seconds, chain = record.critical_path
        path = f"{duration(seconds)}: {' > '.join(record.nodes[name].title for name in chain)}" if chain else ""
        words = (record.side, record.name, record.workflow, record.phase, duration(record.seconds), path)
        sides.add_row(*(Text(word) for word in words))
    console.print(sides)
    rows = [(one, "") for one in compared.differences]
    rows += [(one, f"{node.name} {_title(node)}") for node in compared.nodes for one in node.differences]
    for one, where in rows[:SHOWN]:
        console.print(Text(line(one, where)))
        if one.detail:
            console.print(Text("\n".join(f"    {text}" for text in one.detail.splitlines())))
    if len(rows) > SHOWN:
        console.print(f"… {len(rows) - SHOWN} more; --json and --html have them")
    for note in compared.notes:
        console.print(Text(note))
    if compared.unstable:
        console.print(Text(f"differs between two runs of the first side, too: {', '.join(compared.unstable)}"))


def summary(compared: ExecutionComparison) -> str:
    """The verdict in one line."""
    count = len(compared.differences) + sum(len(node.differences) for node in compared.nodes)
    text = f"{compared.verdict.value}: {compared.left.name} and {compared.right.name}"
    if compared.verdict is Sameness.SAME:
        return f"{text}, {len(compared.nodes)} nodes"
    if compared.verdict is Sameness.DIFFERENT:
        return f"{text} in {count} place{'s' if count > 1 else ''}"
    return f"{text}: {compared.reason}"


def line(difference: Difference, where: str = "") -> str:
    """A difference in one line."""
    place = f"{where}: {difference.path}" if where else difference.path
    match difference.what:
        case "missing":
            return f"  {place}: only the first has it: {difference.left}"
        case "extra":
            return f"  {place}: only the second has it: {difference.right}"
        case "undecided":
            return f"  {place}: cannot tell: {difference.left} and {difference.right}"
    return f"  {place}: {difference.left} and {difference.right}"


def _title(node: NodeComparison) -> str:
    record = node.left or node.right
    return record.title if record is not None else ""


def _execution(record: ExecutionRecord) -> dict[str, Any]:
    seconds, chain = record.critical_path
    return {
        "side": record.side,
        "execution": record.name,
        "workflow": record.task or record.workflow,
        "version": record.version,
        "phase": record.phase,
        "seconds": record.seconds,
        "duration": duration(record.seconds),
        "error": record.error.last_line if record.error else None,
        "critical_path": {"seconds": seconds, "duration": duration(seconds), "nodes": list(chain)},
    }


def _node_comparison(node: NodeComparison, critical: set[str]) -> dict[str, Any]:
    if any(one.what != "undecided" for one in node.differences):
        verdict = Sameness.DIFFERENT
    else:
        verdict = Sameness.NOT_COMPARABLE if node.differences or not (node.left and node.right) else Sameness.SAME
    return {
        "node": node.name,
        "title": _title(node),
        "critical": node.name in critical,
        "verdict": verdict.value,
        "left": _node(node.left),
        "right": _node(node.right),
        "differences": [_difference(one) for one in node.differences],
    }


def _node(record: NodeRecord | None) -> dict[str, Any] | None:
    if record is None:
        return None
    return {
        "phase": record.phase,
        "seconds": record.seconds,
        "duration": "" if record.seconds is None else duration(record.seconds),
        "attempts": record.attempts,
        "cache_hit": record.cache_hit,
        "target": record.target,
        "error": record.error.last_line if record.error else None,
    }


def _difference(one: Difference) -> dict[str, Any]:
    return asdict(one)
