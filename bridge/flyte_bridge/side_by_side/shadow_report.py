"""A shadow as a page: one row for each execution that was repeated."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from . import report
from .comparison import Sameness

if TYPE_CHECKING:
    from .shadow_journal import ShadowJournal


def to_html(launch_plan: str, sides: tuple[str, str], journal: ShadowJournal) -> str:
    """One page that needs no network.

    Args:
        launch_plan: What is shadowed.
        sides: Names of Flyte 1 and Flyte 2.
        journal: What was shadowed, earlier calls' too.
    """
    lines: list[dict[str, Any]] = sorted(journal.told.values(), key=lambda line: str(line["at"]))
    counts = Counter(str(line["verdict"]) for line in lines)
    told = {
        "launch_plan": launch_plan,
        "sides": sides,
        "executions": lines,
        "counts": {verdict.value: counts[verdict.value] for verdict in Sameness},
    }
    return report.page("shadow.html", told=told)
