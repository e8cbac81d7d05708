"""A backfill as a table, as JSON and as a page with one row per date."""

from __future__ import annotations

from dataclasses import asdict
from enum import Enum
from typing import TYPE_CHECKING, Any

from flyte_bridge_translators.graph.figure import duration

from . import report
from .backfill import BackfillPlan, utilisation
from .backfill_state import SUCCEEDED, BackfillState, DateState
from .comparison import Sameness

if TYPE_CHECKING:
    from rich.console import Console


def dates_of(plan: BackfillPlan, state: BackfillState) -> list[DateState]:
    """The states of a plan's dates, in order."""
    return [state.dates[at.isoformat()] for at in plan.times if at.isoformat() in state.dates]


def to_json(plan: BackfillPlan, state: BackfillState, parallel: int) -> dict[str, Any]:
    """All that is known of a backfill; seconds are numbers, times are ISO 8601 in UTC."""
    dates = dates_of(plan, state)
    counts = {verdict: sum(date.verdict == verdict.value for date in dates) for verdict in Sameness}
    return {
        "launch_plan": plan.launch_plan.name,
        "version": plan.launch_plan.version,
        "parallel": parallel,
        "sides": [_side(plan, state, label, parallel) for label in plan.sides],
        "same": counts[Sameness.SAME],
        "different": counts[Sameness.DIFFERENT],
        "not_comparable": counts[Sameness.NOT_COMPARABLE],
        "dates": [_date(date) for date in dates],
    }


def _side(plan: BackfillPlan, state: BackfillState, label: str, parallel: int) -> dict[str, Any]:
    executions = [date.sides[label] for date in dates_of(plan, state) if label in date.sides]
    return {
        "label": label,
        "name": plan.sides[label].name,
        "succeeded": sum(one.phase == SUCCEEDED for one in executions),
        "failed": sum(one.failed for one in executions),
        "utilisation": utilisation(state, label, parallel),
    }


def _date(date: DateState) -> dict[str, Any]:
    told = asdict(date)
    for one in told["sides"].values():
        one["duration"] = duration(one["seconds"]) if one["phase"] else ""
    return told


def to_html(plan: BackfillPlan, state: BackfillState, parallel: int) -> str:
    """One page that needs no network."""
    return report.page("backfill.html", told=to_json(plan, state, parallel))


def planned(plan: BackfillPlan) -> dict[str, Any]:
    """What would run, as JSON."""
    first = next(iter(plan.sides))
    return {
        "launch_plan": plan.launch_plan.name,
        "version": plan.launch_plan.version,
        "kickoff_time_input_arg": plan.kickoff,
        "sides": [plane.name for plane in plan.sides.values()],
        "dates": [
            {
                "at": at.isoformat(),
                "name": plan.name(first, at),
                "names": {side: plan.name(side, at) for side in plan.sides},
            }
            for at in plan.times
        ],
    }


def line(date: DateState, what: str) -> str:
    """What has just ended, in one line."""
    if what == "compared":
        detail = date.reason or (date.differences[0] if date.differences else "")
        return f"{date.at} {date.verdict}" + (f": {detail}" if detail else "")
    one = date.sides[what]
    return f"{date.at} {what} {one.phase} in {duration(one.seconds)}" + (f": {one.error}" if one.error else "")


def print_table(plan: BackfillPlan, state: BackfillState, parallel: int, console: Console) -> None:
    """One row per date, then the sums, then what to do about failures."""
    from rich.table import Table
    from rich.text import Text

    told = to_json(plan, state, parallel)
    table = Table(box=None, pad_edge=False)
    for heading in ("fire time", *(word for label in plan.sides for word in (label, "time")), ""):
        table.add_column(heading)
    for date in told["dates"]:
        cells = [cell for one in date["sides"].values() for cell in (one["phase"] or "–", one["duration"])]
        detail = date["reason"] or (date["differences"][0] if date["differences"] else "")
        errors = "; ".join(one["error"] for one in date["sides"].values() if one["error"])
        table.add_row(date["at"], *cells, Text(": ".join(filter(None, (date["verdict"], detail or errors)))))
    console.print(table)
    for side in told["sides"]:
        used = "" if side["utilisation"] is None else f", {side['utilisation']:.0%} of {parallel} places used"
        console.print(Text(f"{side['name']}: {side['succeeded']} succeeded, {side['failed']} failed{used}"))
    if len(plan.sides) == 2:
        console.print(f"{told['same']} same, {told['different']} different, {told['not_comparable']} not comparable")


class BackfillEnd(Enum):
    """What a backfill comes to as a whole."""

    WELL = "well"
    DIFFERENT = "different"
    FAILED = "failed"
    NOT_COMPARABLE = "not comparable"


def worst(plan: BackfillPlan, state: BackfillState) -> BackfillEnd:
    """What all dates come to: a difference counts before a failure, which both sides may share."""
    dates = dates_of(plan, state)
    verdicts = {date.verdict for date in dates} if len(plan.sides) == 2 else set()
    if Sameness.DIFFERENT.value in verdicts:
        return BackfillEnd.DIFFERENT
    if any(one.phase != SUCCEEDED for date in dates for one in date.sides.values()):
        return BackfillEnd.FAILED
    return BackfillEnd.WELL if verdicts <= {Sameness.SAME.value} else BackfillEnd.NOT_COMPARABLE
