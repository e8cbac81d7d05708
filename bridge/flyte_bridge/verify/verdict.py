"""What verification says of one workflow."""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from flyte_bridge.verify import inputs as inputs_of
from flyte_bridge.verify.compare import Difference

Plain = Any


class Outcome(enum.Enum):
    """What verification came to."""

    SAME = "SAME"
    DIFFERENT = "DIFFERENT"
    V1_FAILED = "V1 FAILED"
    V2_FAILED = "V2 FAILED"
    BY_HAND = "BY HAND"
    TIMED_OUT = "TIMED OUT"
    NOT_RUN = "NOT RUN"


@dataclass(frozen=True)
class Row:
    """One row of inputs, and what came of it.

    Attributes:
        inputs: The plain inputs.
        sources: Per argument, where its value comes from: `given`, `__main__`, `launch plan`, `default` or `generated`.
        drawn: Whether it was drawn from the types, for `--samples`.
        outcome: The verdict.
        reason: Why, in one line.
        results: Digests of what Flyte 1 and Flyte 2 gave; empty when there is nothing.
    """

    inputs: Mapping[str, Plain]
    sources: Mapping[str, str]
    drawn: bool
    outcome: Outcome
    reason: str
    results: tuple[str, str]


@dataclass(frozen=True)
class Verdict:
    """What verification came to for one workflow.

    Attributes:
        workflow: `module.name`; a module alone when it cannot be imported.
        kind: `workflow`, `launch plan`, `task` or `module`.
        outcome: The verdict.
        code: Its finding code: FB501 …
        reason: Why, in one line.
        differences: Where the outputs differ.
        unstable: Places that differ between two runs of Flyte 1, and were set aside.
        inputs: The plain inputs it ran with.
        sources: Per argument, where its value comes from: `given`, `__main__`, `launch plan`, `default` or `generated`.
        seconds: How long Flyte 1 and Flyte 2 took; zero when it did not run.
        log: What the failing side printed, and its traceback.
        critical_path: The longest chain on both sides and the number of nodes, when the graph is known.
        rows: Each row of inputs; the other attributes are those of the row that decides.
    """

    workflow: str
    kind: str
    outcome: Outcome
    code: str | None = None
    reason: str = ""
    differences: tuple[Difference, ...] = ()
    unstable: tuple[str, ...] = ()
    inputs: Mapping[str, Plain] = field(default_factory=dict)
    sources: Mapping[str, str] = field(default_factory=dict)
    seconds: tuple[float, float] = (0.0, 0.0)
    log: str = ""
    critical_path: tuple[int, int, int] | None = None
    rows: tuple[Row, ...] = ()

    @property
    def notes(self) -> tuple[str, ...]:
        """The codes of what is worth knowing beside the verdict."""
        longer = self.critical_path is not None and self.critical_path[1] > self.critical_path[0]
        said = {"FB505": self.unstable, "FB506": self.generated, "FB507": longer}
        return tuple(code for code, holds in said.items() if holds)

    @property
    def generated(self) -> tuple[str, ...]:
        """The arguments whose values were made up."""
        return tuple(sorted(name for name, source in self.sources.items() if source == inputs_of.GENERATED))


CODES = {
    Outcome.DIFFERENT: "FB501",
    Outcome.V1_FAILED: "FB502",
    Outcome.V2_FAILED: "FB503",
    Outcome.NOT_RUN: "FB504",
    Outcome.BY_HAND: "FB508",
    Outcome.TIMED_OUT: "FB509",
}
"""The finding each outcome but SAME is reported as."""

_GRAVEST = (
    Outcome.DIFFERENT,
    Outcome.V2_FAILED,
    Outcome.BY_HAND,
    Outcome.TIMED_OUT,
    Outcome.V1_FAILED,
    Outcome.NOT_RUN,
    Outcome.SAME,
)
"""Which row of a workflow decides."""

_SAYS_NOTHING = frozenset({Outcome.V1_FAILED, Outcome.TIMED_OUT, Outcome.NOT_RUN})
"""What becomes of a drawn row that Flyte 1 cannot run on: nobody has promised that it can."""


def merged(verdicts: Sequence[Verdict]) -> Verdict:
    """The verdict on a workflow, from those on each of its rows: the gravest, drawn rows that say nothing left out."""
    rows = tuple(row for verdict in verdicts for row in verdict.rows)
    if len(verdicts) == 1:
        return verdicts[0]
    counted = [
        verdict
        for verdict in verdicts
        if not (any(row.drawn for row in verdict.rows) and verdict.outcome in _SAYS_NOTHING)
    ]
    gravest = min(counted, key=lambda verdict: _GRAVEST.index(verdict.outcome))
    agree = sum(row.outcome is Outcome.SAME for row in rows)
    said = f"{agree} of {len(rows)} rows of inputs are the same"
    path = next((verdict.critical_path for verdict in verdicts if verdict.critical_path), None)
    return replace(gravest, rows=rows, reason="; ".join(filter(None, [gravest.reason, said])), critical_path=path)
