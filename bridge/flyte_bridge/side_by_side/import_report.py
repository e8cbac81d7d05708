"""What came of an import, as a table and as JSON."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from flyte_bridge_translators.wire import plugin

from .import_state import Arrival
from .importing import wanted
from .registrations import TASK

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from rich.console import Console

    from .import_history import HistoryImport
    from .import_state import Imported, ImportState
    from .importing import EntityImport
    from .paced import PacedCaller
    from .registrations import EntityKey, Registrations

SHOWN = 40
"""Refusals and differences that a terminal shows; JSON has all."""

ENTITIES = ("task", "workflow", "launch plan")

LOST = (
    "who registered what, and when: Flyte 2 has the import's own times, in the same order",
    "executions, their logs and decks, signals that wait: they stay in Flyte 1",
    "cached results: tasks that cache run again once",
)
"""What an import does not carry over."""

LOST_OF_HISTORY = (
    LOST[0],
    "executions that have not ended; of those that have, logs, decks, metrics and signals: they stay in Flyte 1",
    LOST[2],
)
"""What an import with `--history` does not carry over."""


@dataclass
class ImportReport:
    """An import that has ended, or was stopped.

    Attributes:
        source: Flyte 1's name.
        target: Flyte 2's.
        state: What has become of each thing.
        reading: Flyte 1's caller.
        writing: Flyte 2's.
        entities: How many entities this call has looked at.
        scheduled: Active launch plans with a schedule: they arrive inactive.
        left_out: Entities that flyteadmin has made up itself.
        cached: Versions of tasks that keep their results.
        history: The import of executions, if they were wanted.
    """

    source: str
    target: str
    state: ImportState
    reading: PacedCaller
    writing: PacedCaller
    entities: int = 0
    scheduled: list[EntityKey] = field(default_factory=list)
    left_out: int = 0
    cached: int = 0
    history: HistoryImport | None = None

    @property
    def lost(self) -> tuple[str, ...]:
        """What was not carried over."""
        return LOST if self.history is None else LOST_OF_HISTORY

    def count(self, work: EntityImport) -> None:
        """Takes over what an import has counted so far."""
        self.entities, self.left_out, self.cached = work.looked_at, work.left_out, work.cached

    def having(self, *arrivals: Arrival) -> list[Imported]:
        """What came to one of these."""
        return [imported for imported in self.state.done.values() if imported.arrival in arrivals]

    @property
    def is_well(self) -> bool:
        """Whether all is there, and the same."""
        return not self.having(Arrival.REFUSED, Arrival.FOLLOWS, Arrival.DIFFERENT)

    @property
    def counts(self) -> dict[str, Counter[str]]:
        """How much of each kind came to what."""
        counted: dict[str, Counter[str]] = {}
        for imported in self.state.done.values():
            counted.setdefault(imported.what, Counter())[imported.arrival.value] += 1
        return counted


def to_json(report: ImportReport) -> dict[str, Any]:
    """All that is known of an import."""
    entities, history = report.entities, report.history
    of_history = (history.reads, history.writes) if history is not None else (0, 0)
    reads, writes = report.reading.reads - of_history[0], report.writing.writes - of_history[1]
    return {
        "from": report.source,
        "to": report.target,
        "summary": {what: dict(counts) for what, counts in report.counts.items()},
        "refused": [asdict(imported) for imported in report.having(Arrival.REFUSED)],
        "followers": [asdict(imported) for imported in report.having(Arrival.FOLLOWS)],
        "different": [asdict(imported) for imported in report.having(Arrival.DIFFERENT)],
        "arrived_inactive": [str(key) for key in report.scheduled],
        "left_out": report.left_out,
        "cached_tasks": report.cached,
        "lost": list(report.lost),
        "requests": {
            "entities": entities,
            "reads": reads,
            "writes": writes,
            "read_back": report.writing.reads,
            "reads_per_entity": round(reads / max(1, entities), 3),
            "writes_per_entity": round(writes / max(1, entities), 3),
        },
        **({"history": _history(history)} if history is not None else {}),
    }


def _history(history: HistoryImport) -> dict[str, Any]:
    """Executions, nodes and task executions of this call, and what they have cost."""
    entities = history.executions + history.nodes + history.tasks
    return {
        "executions": history.executions,
        "nodes": history.nodes,
        "task_executions": history.tasks,
        "reads": history.reads,
        "writes": history.writes,
        "reads_per_entity": round(history.reads / max(1, entities), 3),
        "writes_per_entity": round(history.writes / max(1, entities), 3),
        "stores": sorted(history.stores),
    }


def print_report(report: ImportReport, console: Console) -> None:
    """Shows what was copied, what was refused and why, and what is lost."""
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False)
    for heading in ("", *(arrival.value for arrival in Arrival)):
        table.add_column(heading, justify="right" if heading else "left")
    for what, counts in report.counts.items():
        table.add_row(what, *(str(counts[arrival.value] or "") for arrival in Arrival))
    console.print(table)
    bad = report.having(Arrival.REFUSED, Arrival.DIFFERENT, Arrival.FOLLOWS)
    for imported in bad[:SHOWN]:
        name = imported.name if imported.what in ENTITIES else f"{imported.what} {imported.name}"
        console.print(Text(f"{imported.arrival.value}: {name}: {imported.reason}"))
    if len(bad) > SHOWN:
        console.print(f"… {len(bad) - SHOWN} more; --json has them")
    for key in report.scheduled:
        console.print(Text(f"arrived inactive: {key}: its schedule still fires in Flyte 1"))
    if report.left_out:
        console.print(f"left out: {report.left_out} entities that flyteadmin made up for executions of single tasks")
    for lost in report.lost:
        console.print(f"lost: {lost}")
    whole = to_json(report)
    for store in whole.get("history", {}).get("stores", ()):
        console.print(f"files of executions stay in {store}: let tasks of Flyte 2 read it, to relaunch or recover them")
    told = whole["requests"]
    console.print(
        f"{told['entities']} entities with {told['reads']} reads ({told['reads_per_entity']} each) and {told['writes']} "
        f"writes ({told['writes_per_entity']} each); {told['read_back']} more to read them back"
    )
    if "history" in whole:
        past = whole["history"]
        console.print(
            f"{past['executions']} executions with {past['nodes']} nodes and {past['task_executions']} task executions: "
            f"{past['reads']} reads ({past['reads_per_entity']} each) and {past['writes']} writes"
        )


def planned(registered: Registrations, since: datetime | None, connectors: Collection[str]) -> dict[str, Any]:
    """What an import would copy, in order, and which tasks no Flyte 2 can run."""
    keys = wanted(registered, since)
    templates = {key: registered.tasks[key].closure.compiled_task.template for key in keys if key.kind == TASK}
    refusals = {key: plugin.refusal(template, connectors) for key, template in templates.items()}
    return {
        "entities": [str(key) for key in keys],
        "summary": dict(Counter(key.what for key in keys)),
        "refused": [{"name": str(key), "reason": reason} for key, reason in refusals.items() if reason],
    }
