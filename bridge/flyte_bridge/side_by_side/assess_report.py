"""An assessment as a table, as Markdown, as JSON and as a page."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from .assessment import Disposition
from .report import page

if TYPE_CHECKING:
    from rich.console import Console

    from .assessment import Assessment, BurnDown

SHOWN = 60
"""Items that a terminal shows; all other forms have all."""

STYLES = {
    Disposition.PROVED: "green",
    Disposition.CONVERTS: "green",
    Disposition.BY_HAND: "yellow",
    Disposition.UNCHANGED: "cyan",
    Disposition.NOTHING: "red",
}
"""Colours on a terminal."""


def to_json(assessment: Assessment, burnt: BurnDown | None = None) -> dict[str, Any]:
    """All that is known."""
    told = {
        "source": assessment.source,
        "summary": assessment.counts,
        "items": [{**asdict(item), "disposition": item.disposition.value} for item in _sorted(assessment)],
        "features": dict(assessment.features.most_common()),
        "plugins": dict(assessment.plugins.most_common()),
        "images": dict(assessment.images.most_common()),
        "not_understood": [asdict(place) for place in assessment.not_understood],
    }
    return {**told, "burn_down": asdict(burnt)} if burnt is not None else told


def _sorted(assessment: Assessment) -> list[Any]:
    return sorted(assessment.items, key=lambda item: (item.wave, item.kind, item.name))


def to_html(assessment: Assessment, burnt: BurnDown | None = None) -> str:
    """One page that needs no network. Drawings are our own SVG, whose texts are escaped."""
    from markupsafe import Markup

    told = to_json(assessment, burnt)
    for item in told["items"]:
        item["drawing"] = Markup(item["drawing"])  # nosec B704 - made by graph.svg, which escapes what it draws
        item["words"] = disposition_of(item)
    return page("assessment.html", told=told)


def disposition_of(item: dict[str, Any]) -> str:
    """The disposition in words, with the number of places."""
    if item["disposition"] == Disposition.BY_HAND.value:
        count = len(item["places"])
        return f"converts, {count} place{'s' * (count != 1)} by hand"
    return str(item["disposition"])


def to_markdown(assessment: Assessment, burnt: BurnDown | None = None) -> str:
    """For a wiki or a pull request."""
    told = to_json(assessment, burnt)
    lines = [
        f"# Assessment of {_cell(assessment.source)}",
        "",
        "| disposition | now |" + (" before |" if burnt else ""),
    ]
    lines.append("|---|---|" + ("---|" if burnt else ""))
    for name, count in told["summary"].items():
        lines.append(f"| {name} | {count} |" + (f" {burnt.before[name]} |" if burnt else ""))
    lines += ["", "| wave | kind | name | disposition | codes | where |", "|---|---|---|---|---|---|"]
    for item in told["items"]:
        codes = ", ".join(dict.fromkeys(filter(None, (place["code"] for place in item["places"]))))
        cells = (item["wave"], item["kind"], item["name"], disposition_of(item), codes, item["where"])
        lines.append("| " + " | ".join(_cell(str(cell)) for cell in cells) + " |")
    for title in ("features", "plugins", "images"):
        if told[title]:
            lines += ["", f"## {title.capitalize()}", "", *(f"- {_cell(name)}: {n}" for name, n in told[title].items())]
    if told["not_understood"]:
        lines += ["", "## Not understood", ""]
        lines += [f"- {_cell(place['where'])}: {_cell(place['text'])}" for place in told["not_understood"]]
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").replace("<", "&lt;").split())


def print_table(assessment: Assessment, console: Console, burnt: BurnDown | None = None) -> None:
    """Shows what becomes of each thing, in the order in which to move, and the counts."""
    from rich.table import Table
    from rich.text import Text

    told = to_json(assessment, burnt)
    table = Table(box=None, pad_edge=False)
    for heading in ("wave", "kind", "name", "", "codes"):
        table.add_column(heading, overflow="fold")
    for item in told["items"][:SHOWN]:
        codes = ", ".join(dict.fromkeys(filter(None, (place["code"] for place in item["places"]))))
        style = STYLES[Disposition(item["disposition"])]
        row = (str(item["wave"]), item["kind"], item["name"])
        table.add_row(*map(Text, row), Text(disposition_of(item), style=style), Text(codes))
    console.print(table)
    if len(told["items"]) > SHOWN:
        console.print(f"… {len(told['items']) - SHOWN} more; --json, --markdown and --html have them")
    for place in told["not_understood"][:SHOWN]:
        console.print(Text(f"not understood: {place['where']}: {place['text']}"))
    counts = ", ".join(f"{count} {name}" for name, count in told["summary"].items() if count)
    console.print(Text(counts or "nothing of Flyte 1 was found"))
    if burnt is not None:
        console.print(
            f"since the earlier report: {len(burnt.better)} better, {len(burnt.worse)} worse, {len(burnt.new)} new, "
            f"{len(burnt.gone)} gone"
        )
