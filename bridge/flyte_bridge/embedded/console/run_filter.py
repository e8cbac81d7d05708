"""Which runs a list shows, as its URL says."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from flyteidl2.workflow import run_definition_pb2

from flyte_bridge.embedded.phases import Phase

if TYPE_CHECKING:
    from collections.abc import Mapping

STARTED_BY = {
    "web": run_definition_pb2.RUN_SOURCE_WEB,
    "cli": run_definition_pb2.RUN_SOURCE_CLI,
    "schedule trigger": run_definition_pb2.RUN_SOURCE_SCHEDULE_TRIGGER,
}

_ESCAPED = str.maketrans({"%": r"\%", "_": r"\_", "\\": "\\\\"})


@dataclass(frozen=True)
class RunFilter:
    """What a list of runs is narrowed to; empty is everything.

    Attributes:
        text: What a run's name, or its task's, must hold.
        phase: A phase's word.
        started_by: One of `STARTED_BY`.
        since, until: Days in UTC, `2026-12-01`; what is no day is passed over.
    """

    text: str = ""
    phase: str = ""
    started_by: str = ""
    since: str = ""
    until: str = ""

    @classmethod
    def of(cls, query: Mapping[str, str]) -> RunFilter:
        """What a URL says."""
        return cls(
            query.get("q", "").strip()[:1000],
            query.get("phase", ""),
            query.get("by", ""),
            query.get("since", ""),
            query.get("until", ""),
        )

    def query(self, page: int = 0) -> str:
        """The same as a URL's query, for a page."""
        told = {"q": self.text, "phase": self.phase, "by": self.started_by, "since": self.since, "until": self.until}
        return urlencode({name: value for name, value in {**told, "page": page}.items() if value})

    @property
    def narrows(self) -> bool:
        """Whether anything is left out."""
        return bool(self.query())

    def condition(self) -> tuple[str, list[object]]:
        """As SQL, with its values."""
        parts: list[str] = []
        values: list[object] = []
        if self.text:
            parts.append(r"(run_name LIKE ? ESCAPE '\' OR task_name LIKE ? ESCAPE '\' OR short_name LIKE ? ESCAPE '\')")
            values += [f"%{self.text.translate(_ESCAPED)}%"] * 3
        phase = Phase.__members__.get(self.phase.upper().replace(" ", "_"))
        if phase is not None:
            parts.append("phase = ?")
            values.append(int(phase))
        if self.started_by in STARTED_BY:
            parts.append("source = ?")
            values.append(int(STARTED_BY[self.started_by]))
        for day, compare, later in ((self.since, ">=", 0), (self.until, "<", 86_400_000_000)):
            micros = _micros(day)
            if micros is not None:
                parts.append(f"created_at {compare} ?")
                values.append(micros + later)
        return "".join(f" AND {part}" for part in parts), values


PHASES = tuple(
    phase.name.lower().replace("_", " ") for phase in Phase if phase not in {Phase.UNSPECIFIED, Phase.RECOVERED}
)
"""What a list can be narrowed to."""


def _micros(day: str) -> int | None:
    try:
        return int(datetime.strptime(day, "%Y-%m-%d").replace(tzinfo=timezone.utc).timestamp()) * 1_000_000
    except ValueError:
        return None
