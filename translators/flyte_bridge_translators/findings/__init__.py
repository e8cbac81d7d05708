"""What a translation could not carry over as it was, said as data.

A `Finding` is a loss, a change of meaning or a thing left to do: a stable code, the place, what happened and what to do
next. Nothing is ever only logged, and nothing is dropped in silence. The codes live in `catalogue`, one module per range.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Severity(str, Enum):
    """How much a finding asks of the reader."""

    NOTE = "note"
    """Carried over; worth knowing when the diff is read."""

    CHECK = "check"
    """Carried over, but its meaning changes in some cases: read the advice."""

    HAND = "hand"
    """Left to do by hand: marked `# TODO(flyte-bridge FBnnn): …` in the file."""

    ERROR = "error"
    """The file could not be converted at all."""


@dataclass(frozen=True)
class Code:
    """One entry of the catalogue.

    Attributes:
        code: `FBnnn`, stable for ever.
        title: A short name, for tables.
        severity: What it asks of the reader.
        meaning: What happened and why, in a sentence or three, for the docs.
        advice: What to do next, in one sentence.
    """

    code: str
    title: str
    severity: Severity
    meaning: str
    advice: str


@dataclass(frozen=True, order=True)
class Where:
    """A place in a file: `line` counts from 1, `column` from 0 (as `ast` does); 0 means the whole file.

    In a notebook the line is that of a cell; cells count from 1, those of text too.
    """

    path: str
    line: int = 0
    column: int = 0
    cell: int = 0

    def __str__(self) -> str:
        place = f"{self.path}:cell {self.cell}" if self.cell else self.path
        return f"{place}:{self.line}:{self.column}" if self.line else place


@dataclass(frozen=True)
class Finding:
    """One loss, change of meaning or thing left to do.

    Attributes:
        code: A code of the catalogue, `FBnnn`.
        severity: What it asks of the reader.
        where: File, line and column.
        message: What happened here.
        advice: What to do next.
    """

    code: str
    severity: Severity
    where: Where
    message: str
    advice: str

    def __str__(self) -> str:
        return f"{self.where}: {self.code} {self.message}"
