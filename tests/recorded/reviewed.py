"""The reviewed list of differences: which answers of ours may differ from flyteadmin's, where, and why.

A line of `reviewed.txt` is `LABELS | PATHS | REASON`: shell patterns of steps' labels, and of paths in the answer (`status` for
another code, `message` for another text of the same). A line that covers nothing is a failure, too.
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
        reason: Why it may be so.
        used: Whether it has covered a difference.
    """

    labels: tuple[str, ...]
    path: str
    reason: str
    used: bool = field(default=False)

    def covers(self, label: str, path: str) -> bool:
        """Whether a difference is one of these."""
        return any(fnmatchcase(label, pattern) for pattern in self.labels) and fnmatchcase(
            re.sub(r"\[\d+\]", "()", path), self.path.replace("[]", "()")
        )


def read(section: str) -> list[Line]:
    """The lines of one section of the list (`[registry]`, `[executions]`)."""
    lines, current = [], ""
    for written in LIST.read_text().splitlines():
        if written.startswith("["):
            current = written.strip("[]")
        elif written.strip() and not written.startswith("#") and current == section:
            labels, path, reason = (part.strip() for part in written.split("|", 2))
            assert reason, written
            lines.append(Line(tuple(labels.split()), path, reason))
    return lines


def unreviewed(lines: list[Line], label: str, found: dict[str, tuple[Any, Any]]) -> list[str]:
    """The differences that no line covers, for people; marks the lines that cover one."""
    left = []
    for path, (real, ours) in found.items():
        covering = [line for line in lines if line.covers(label, path)]
        for line in covering:
            line.used = True
        if not covering:
            left.append(f"{label}: {path}: flyteadmin {str(real)[:300]!r}, ours {str(ours)[:300]!r}")
    return left
