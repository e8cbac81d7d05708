"""What verification says of one workflow."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
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
