"""Which runs a list shows, as its URL says."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from flyteidl2.common import list_pb2
from flyteidl2.workflow import run_definition_pb2

from flyte_bridge.backend.phases import Phase
from flyte_bridge.backend.query import compare, where

if TYPE_CHECKING:
    from collections.abc import Mapping


STARTED_BY = {
    "web": run_definition_pb2.RUN_SOURCE_WEB,
    "cli": run_definition_pb2.RUN_SOURCE_CLI,
    "schedule trigger": run_definition_pb2.RUN_SOURCE_SCHEDULE_TRIGGER,
}

_LONGEST = 255
"""Characters of a name that are looked for; none is longer."""


@dataclass(frozen=True)
class RunFilter:
    """What a list of runs is narrowed to; empty is everything.

    Attributes:
        name: What a run's name must hold.
        task: What the name of its task, workflow or launch plan must hold.
        phase: A phase's word.
        started_by: One of `STARTED_BY`.
        since, until: Days in UTC, `2026-12-01`; what is no day is passed over.
    """

    name: str = ""
    task: str = ""
    phase: str = ""
    started_by: str = ""
    since: str = ""
    until: str = ""

    @classmethod
    def of(cls, query: Mapping[str, str]) -> RunFilter:
        """What a URL says."""
        return cls(
            query.get("name", "").strip()[:_LONGEST],
            query.get("task", "").strip()[:_LONGEST],
            query.get("phase", ""),
            query.get("by", ""),
            query.get("since", ""),
            query.get("until", ""),
        )

    def query(self, page: int = 0) -> str:
        """The same as a URL's query, for a page."""
        told = {
            "name": self.name, "task": self.task, "phase": self.phase, "by": self.started_by,
            "since": self.since, "until": self.until, "page": page,
        }  # fmt: skip
        return urlencode({name: value for name, value in told.items() if value})

    @property
    def narrows(self) -> bool:
        """Whether anything is left out."""
        return bool(self.query())

    def filters(self) -> list[list_pb2.Filter]:
        """As lists are asked."""
        told: list[list_pb2.Filter] = []
        if self.name:
            told.append(compare("run_name", "CONTAINS_CASE_INSENSITIVE", self.name))
        if self.task:
            told.append(compare("task_name", "CONTAINS_CASE_INSENSITIVE", self.task))
        phase = Phase.__members__.get(self.phase.upper().replace(" ", "_"))
        if phase is not None:
            told.append(where("phase", int(phase)))
        if self.started_by in STARTED_BY:
            source = STARTED_BY[self.started_by]
            told.append(where("run_source", run_definition_pb2.RunSource.Name(source)))
        if (day := _day(self.since)) is not None:
            told.append(compare("created_at", "GREATER_THAN_OR_EQUAL", f"{day:%Y-%m-%dT%H:%M:%SZ}"))
        if (day := _day(self.until)) is not None:
            told.append(compare("created_at", "LESS_THAN", f"{day + timedelta(days=1):%Y-%m-%dT%H:%M:%SZ}"))
        return told


PHASES = tuple(
    phase.name.lower().replace("_", " ") for phase in Phase if phase not in {Phase.UNSPECIFIED, Phase.RECOVERED}
)
"""What a list can be narrowed to."""


def _day(text: str) -> datetime | None:
    try:
        day = datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=timezone.utc)
    except ValueError:
        return None
    return day if 1970 <= day.year < 9999 else None
