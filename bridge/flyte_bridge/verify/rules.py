"""What counts as the same, beyond what always does: tolerances, places to leave out, frames' keys and columns. Pure.

Places are named by patterns of segments with dots between: `scores.*.took` is each element's `took` below `scores`,
`**.created_at` a `created_at` at any depth. A key of a dictionary, a field, a column, a file of a directory and a position in
a list are all segments; one that has a dot of its own is written in brackets: `['part.0']`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

ErrorRule = Literal["message", "code", "kind"]
"""How much of two errors must be equal: kind, code and the message's last line; kind and code; the kind alone."""


@dataclass(frozen=True)
class Tolerance:
    """How far two floats may lie apart: `abs(a - b) <= max(relative * max(abs(a), abs(b)), absolute)`."""

    relative: float = 1e-9
    absolute: float = 1e-12


EXACT_ENOUGH = Tolerance()
"""What holds unless something else is said: the last digits of a sum depend on the order of its terms, the others do not."""


@dataclass(frozen=True)
class OutputRule:
    """How one output is compared.

    Attributes:
        tolerance: For its numbers.
        ignore: Places below it that are left out.
        unordered: Places whose lists are compared as bags; an empty pattern is the output itself.
        keys: Columns by which the rows of its frames are matched; by position if there are none.
        columns: The frames' only columns that count; all if there are none.
        ignore_columns: The frames' columns that do not count.
        rows: The share of a frame's rows (0 to 1) that may differ.
        dtypes: Whether the dtypes of frames and arrays count.
    """

    tolerance: Tolerance = EXACT_ENOUGH
    ignore: tuple[str, ...] = ()
    unordered: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    ignore_columns: tuple[str, ...] = ()
    rows: float = 0.0
    dtypes: bool = True

    def ignores(self, path: str) -> bool:
        """Whether a place is left out; the path begins with the output's name."""
        return bool(self.ignore) and _any(self.ignore, path)

    def unorders(self, path: str) -> bool:
        """Whether the list at a place is compared as a bag."""
        return bool(self.unordered) and _any(self.unordered, path)

    def counts(self, column: object) -> bool:
        """Whether a frame's column counts."""
        name = str(column)
        if any(fnmatchcase(name, pattern) for pattern in self.ignore_columns):
            return False
        return not self.columns or name in self.keys or any(fnmatchcase(name, pattern) for pattern in self.columns)


@dataclass(frozen=True)
class ComparisonRules:
    """How two executions are compared.

    Attributes:
        every: The rule of outputs that have none of their own.
        outputs: Patterns of outputs' names → their rules; the first that fits counts. `report` is an output of the
            execution, `n3.report` one of the node `n3`.
        errors: How much of two errors must be equal.
        cache: Whether a cache hit on one side alone is a difference.
        retries: Whether another number of attempts is a difference.
    """

    every: OutputRule = OutputRule()
    outputs: Mapping[str, OutputRule] = field(default_factory=dict)
    errors: ErrorRule = "message"
    cache: bool = False
    retries: bool = True

    def of(self, output: str) -> OutputRule:
        """The rule of an output."""
        for pattern, rule in self.outputs.items():
            if fnmatchcase(output, pattern):
                return rule
        return self.every


USUAL = ComparisonRules()
"""What holds when nothing is said."""

_SEGMENT = re.compile(r"""\["((?:[^"\\]|\\.)*)"\]|\['((?:[^'\\]|\\.)*)'\]|\[([^\]]*)\]|([^.\[]+)""")


@lru_cache(maxsize=4096)
def segments(path: str) -> tuple[str, ...]:
    """A path or a pattern in its segments: `o0.scores["a"][3]` is `o0`, `scores`, `a`, `3`."""
    return tuple(next(group for group in match.groups() if group is not None) for match in _SEGMENT.finditer(path))


def _any(patterns: tuple[str, ...], path: str) -> bool:
    place = segments(path)[1:]
    return any(_fits(segments(pattern), place) for pattern in patterns)


def _fits(pattern: tuple[str, ...], place: tuple[str, ...]) -> bool:
    if not pattern:
        return not place
    if pattern[0] == "**":
        return any(_fits(pattern[1:], place[start:]) for start in range(len(place) + 1))
    return bool(place) and fnmatchcase(place[0], pattern[0]) and _fits(pattern[1:], place[1:])
