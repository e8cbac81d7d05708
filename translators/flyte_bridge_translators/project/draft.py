"""A text that is being converted: what is replaced in it, and what is said of it.

Everything outside the replacements stays byte for byte. What is left to do by hand is marked on a line of its own above its
place, where the format has comments.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from flyte_bridge_translators.findings import Finding, Severity, Where
from flyte_bridge_translators.findings.catalogue import CATALOGUE
from flyte_bridge_translators.source.engine.translator import Converted, Outcome, Unchanged

HASH = "# {}"
"""A comment of shells, Makefiles, Dockerfiles, YAML, TOML and requirements."""

HTML = "<!-- {} -->"
"""A comment of Markdown."""


@dataclass(frozen=True)
class Mark:
    """Where a TODO goes: above the line of an offset, as the format writes comments, indented as that line or not."""

    above: int
    comment: str = HASH
    indented: bool = True


@dataclass(frozen=True, order=True)
class _Replacement:
    start: int
    end: int
    text: str


@dataclass
class Draft:
    """One text under conversion.

    Attributes:
        path: What findings call it.
        text: As it was.
    """

    path: str
    text: str
    _replacements: list[_Replacement] = field(default_factory=list)
    _marks: dict[tuple[int, str], None] = field(default_factory=dict)
    _findings: list[Finding] = field(default_factory=list)

    def replace(self, start: int, end: int, text: str) -> None:
        """Write other text in the place of what stands from `start` to before `end`."""
        if self.text[start:end] != text:
            self._replacements.append(_Replacement(start, end, text))

    def report(self, code: str, offset: int, message: str, mark: Mark | None = None) -> None:
        """Say something of the place at an offset; what is left to do by hand is marked there, if a mark is given."""
        entry = CATALOGUE[code]
        line, column = self.place(offset)
        self._findings.append(Finding(code, entry.severity, Where(self.path, line, column), message, entry.advice))
        if mark is not None and entry.severity is Severity.HAND:
            self._mark(code, message, mark)

    def give_up(self, code: str, message: str) -> None:
        """Leave the text as it is, and say why instead of all that was said."""
        self._replacements.clear()
        self._marks.clear()
        self._findings.clear()
        self.report(code, 0, message)

    def place(self, offset: int) -> tuple[int, int]:
        """Line (from 1) and column (from 0) of an offset."""
        return self.text.count("\n", 0, offset) + 1, offset - self._line_start(offset)

    @property
    def told(self) -> frozenset[int]:
        """The lines that something was said of."""
        return frozenset(finding.where.line for finding in self._findings)

    @property
    def result(self) -> str:
        """The text as it is now."""
        inserted = [_Replacement(offset, offset, text) for offset, text in self._marks]
        parts, position = [], 0
        for change in sorted([*inserted, *self._replacements]):
            parts += [self.text[position : change.start], change.text]
            position = change.end
        return "".join([*parts, self.text[position:]])

    @property
    def outcome(self) -> Outcome:
        """What became of it."""
        findings = tuple(sorted(self._findings, key=lambda finding: (finding.where, finding.code)))
        text = self.result
        return Unchanged(findings) if text == self.text else Converted(text, findings)

    def _mark(self, code: str, message: str, mark: Mark) -> None:
        start = self._line_start(mark.above)
        line = self.text[start:].split("\n", 1)[0]
        indent = line[: len(line) - len(line.lstrip())] if mark.indented else ""
        end = "\r\n" if line.endswith("\r") else "\n"
        todo = mark.comment.format(f"TODO(flyte-bridge {code}): {message}")
        above = self.text[:start].splitlines()
        while above and "TODO(flyte-bridge FB" in above[-1]:  # those of the conversion before
            if f"TODO(flyte-bridge {code})" in above.pop():
                return
        self._marks.setdefault((start, f"{indent}{todo}{end}"))

    def _line_start(self, offset: int) -> int:
        return self.text.rfind("\n", 0, offset) + 1
