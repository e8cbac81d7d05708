"""The reviewed list of differences: which answers of ours may differ from flyteadmin's, where, and why.

A line of `reviewed.txt` is `LABELS | PATHS | REAL => OURS | REASON`: shell patterns of steps' labels, of paths in the answer
(`status` for another code, `message` for another text of the same), and of both values there; a line without the third part
is about any values. A line that covers nothing is a failure, too, unless its reason begins with `at times:`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

LIST = Path(__file__).with_name("reviewed.txt")


@dataclass
class Line:
    """One line of the list.

    Attributes:
        labels: Patterns of labels, separated by blanks.
        path: Pattern of a path; `[]` stands for every place of a list.
        values: Patterns of what flyteadmin tells and of what is told here; both of anything if the line has none.
        reason: Why it may be so.
        used: Whether it has covered a difference.
    """

    labels: tuple[str, ...]
    path: str
    values: tuple[str, str]
    reason: str
    used: bool = field(default=False)

    def covers(self, label: str, path: str, values: tuple[Any, Any]) -> bool:
        """Whether a difference is one of these."""
        return (
            any(fnmatchcase(label, pattern) for pattern in self.labels)
            and fnmatchcase(re.sub(r"\[\d+\]", "()", path), self.path.replace("[]", "()"))
            and all(fnmatchcase(str(value), pattern) for value, pattern in zip(values, self.values, strict=True))
        )


def read(section: str) -> list[Line]:
    """The lines of one section of the list (`[registry]`, `[executions]`, `[calls]`)."""
    lines, current = [], ""
    for written in LIST.read_text().splitlines():
        if written.startswith("["):
            current = written.strip("[]")
        elif written.strip() and not written.startswith("#") and current == section:
            labels, path, *values, reason = (part.strip() for part in written.split("|"))
            assert reason, written
            assert len(values) <= 1, written
            real, _, ours = values[0].partition(" => ") if values else ("*", "", "*")
            lines.append(Line(tuple(labels.split()), path, (real, ours), reason))
    return lines


def needless(lines: list[Line]) -> list[tuple[tuple[str, ...], str]]:
    """The lines that have covered nothing and should have, by their labels and path."""
    return [(line.labels, line.path) for line in lines if not line.used and not line.reason.startswith("at times:")]


def unreviewed(lines: list[Line], label: str, found: dict[str, tuple[Any, Any]]) -> list[str]:
    """The differences that no line covers, for people; marks the lines that cover one."""
    left = []
    for path, (real, ours) in found.items():
        covering = [line for line in lines if line.covers(label, path, (real, ours))]
        for line in covering:
            line.used = True
        if not covering:
            left.append(f"{label}: {path}: flyteadmin {str(real)[:300]!r}, ours {str(ours)[:300]!r}")
    return left
