"""Which findings of a conversion are reported: what the user selects, ignores, excuses in the source, or has known of before.

What is not reported is converted, or left to do, all the same: the TODO stays in the file. Only the report and the exit code
change. Errors are always reported.
"""

from __future__ import annotations

import difflib
import json
import re
import tokenize
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatch
from io import StringIO
from itertools import takewhile
from pathlib import Path, PurePosixPath

from flyte_bridge.convert.files import File, FileResult
from flyte_bridge.errors import UsageError
from flyte_bridge_translators.findings import Finding, Severity, Where
from flyte_bridge_translators.findings.catalogue import CATALOGUE

UNUSED = "FB190"
"""The code of a comment that excuses nothing."""

_COMMENT = re.compile(r"#\s*flyte-bridge:\s*ignore\[([^\]]*)\]")


def codes(text: str | Sequence[str], where: str = "") -> tuple[str, ...]:
    """Finding codes, or beginnings of some, from a list or a text with commas.

    Raises:
        UsageError: One of them is none.
    """
    parts = text.split(",") if isinstance(text, str) else text
    given = tuple(part.strip().upper() for part in parts if part.strip())
    for code in given:
        if not any(known.startswith(code) for known in CATALOGUE):
            raise UsageError(f"{where}{code} is not a finding code or the beginning of one{meant(code)}")
    return given


def meant(code: str) -> str:
    """What is meant by a code that does not exist, as the end of a message."""
    close = difflib.get_close_matches(code, CATALOGUE, n=20)
    nearest = max(close, key=lambda known: _agreement(known, code), default=None)
    return f"; did you mean {nearest}?" if nearest else "; they look like FB301, and docs/findings.md has them all"


def _agreement(one: str, other: str) -> int:
    """How many characters two texts have in common from their beginning on."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))


@dataclass(frozen=True)
class ReportRules:
    """What the user wants to hear of.

    Attributes:
        select: Codes or prefixes; empty for all.
        ignore: Codes or prefixes.
        per_file: Pattern of paths below `root` → codes or prefixes that are ignored there.
        exclude: Patterns of paths below `root` that are not converted; one of a directory counts for all below it.
        root: Where pyproject.toml lies.
        known: What a baseline knows of: `(path, code, message)`, how often.
        home: What paths in the baseline are relative to.
    """

    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    per_file: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    exclude: tuple[str, ...] = ()
    root: Path = Path()
    known: Mapping[tuple[str, str, str], int] = field(default_factory=dict)
    home: Path = Path()

    def report(self, result: FileResult) -> list[Finding]:
        """The findings of a file that are reported, those of comments that excuse nothing among them."""
        excuses = _excuses(result.before)
        used: set[tuple[int, str]] = set()
        left = Counter(
            {key: count for key, count in self.known.items() if key[0] == _below(self.home, result.file.path)}
        )
        reported = []
        for finding in result.outcome.findings:
            if finding.severity is Severity.ERROR:
                reported.append(finding)
                continue
            matching = {
                (line, code) for line, code in excuses.get(finding.where.line, ()) if finding.code.startswith(code)
            }
            used |= matching
            if matching or not self._wants(finding.code, result.file.path):
                continue
            key = (_below(self.home, result.file.path), finding.code, finding.message)
            if left[key]:
                left[key] -= 1
                continue
            reported.append(finding)
        unused = {excuse for each in excuses.values() for excuse in each} - used
        more = [_unused(line, code, str(result.file.path)) for line, code in sorted(unused)]
        return reported + [finding for finding in more if self._wants(finding.code, result.file.path)]

    def excludes(self, file: File) -> bool:
        """Whether a file is left out; one that is given by name is not."""
        if file.root == file.path:
            return False
        place = PurePosixPath(_below(self.root, file.path))
        return any(
            fnmatch(part.as_posix(), pattern.rstrip("/"))
            for part in (place, *place.parents)
            for pattern in self.exclude
        )

    def _wants(self, code: str, path: Path) -> bool:
        if (self.select and not code.startswith(self.select)) or (self.ignore and code.startswith(self.ignore)):
            return False
        place = _below(self.root, path)
        return not any(
            code.startswith(ignored)
            for pattern, ignored in self.per_file.items()
            if fnmatch(place, pattern) or fnmatch(path.name, pattern)
        )


def _excuses(text: str) -> dict[int, set[tuple[int, str]]]:
    """Line of the source → the comments that count for it: `(line of the comment, code)`; one alone on its line, for the next."""
    if "flyte-bridge:" not in text:
        return {}
    excuses: dict[int, set[tuple[int, str]]] = {}
    for number, line, comment in _comments(text):
        match = _COMMENT.search(comment)
        if match is None:
            continue
        target = number + 1 if line.lstrip().startswith("#") else number
        for code in match[1].split(","):
            if code.strip():
                excuses.setdefault(target, set()).add((number, code.strip().upper()))
    return excuses


def _comments(text: str) -> Iterator[tuple[int, str, str]]:
    try:
        for token in tokenize.generate_tokens(StringIO(text).readline):
            if token.type == tokenize.COMMENT:
                yield token.start[0], token.line, token.string
    except (tokenize.TokenError, SyntaxError):
        return


def _unused(line: int, code: str, path: str) -> Finding:
    entry = CATALOGUE[UNUSED]
    known = any(each.startswith(code) for each in CATALOGUE)
    why = "nothing of this code is found here" if known else f"there is no such code{meant(code)}"
    return Finding(UNUSED, entry.severity, Where(path, line), f"ignore[{code}] is not used: {why}", entry.advice)


def _below(root: Path, path: Path) -> str:
    try:
        return path.absolute().relative_to(root.absolute()).as_posix()
    except ValueError:
        return path.absolute().as_posix()


def read_baseline(file: Path) -> dict[tuple[str, str, str], int]:
    """What a baseline knows of.

    Raises:
        UsageError: It cannot be read, or is none.
    """
    try:
        document = json.loads(file.read_text(encoding="utf-8"))
        rows = [
            (str(row["path"]), str(row["code"]), str(row["message"]), int(row["count"])) for row in document["findings"]
        ]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(f"{file}: is no baseline, which --write-baseline {file} writes: {error!r}") from error
    return {(path, code, message): count for path, code, message, count in rows}


def write_baseline(file: Path, reports: Sequence[tuple[FileResult, Sequence[Finding]]]) -> int:
    """Store what is reported, to be known from now on; lines are left out, so that it holds while they move.

    Returns:
        How many findings it has.
    """
    counts = Counter(
        (_below(file.parent, result.file.path), finding.code, finding.message)
        for result, findings in reports
        for finding in findings
        if finding.severity is not Severity.ERROR
    )
    rows = [
        {"path": path, "code": code, "message": message, "count": count}
        for (path, code, message), count in sorted(counts.items())
    ]
    try:
        file.write_text(json.dumps({"findings": rows}, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{file}: cannot be written: {error.strerror or error}") from error
    return sum(counts.values())
