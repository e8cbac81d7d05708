"""Shell text in any file: its commands of Flyte 1 are rewritten where they stand, or reported there."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from flyte_bridge_translators.project import command_lines, installs
from flyte_bridge_translators.project.command_lines import Project, Refused
from flyte_bridge_translators.project.draft import HASH, Draft, Mark
from flyte_bridge_translators.project.mentions import mentions
from flyte_bridge_translators.project.shell import Command, Word, read

PROGRAMS = frozenset({"pyflyte", "flytectl"})
"""The commands of Flyte 1."""

_BEFORE = frozenset(
    {"!", "{", "command", "do", "elif", "else", "env", "exec", "if", "nohup", "sudo", "then", "time", "until", "while"}
)
"""Words that stand before a command."""

_RUNNERS: Sequence[tuple[str, ...]] = (
    ("uv", "run"), ("poetry", "run"), ("pipenv", "run"), ("pdm", "run"), ("hatch", "run"), ("rye", "run"), ("pixi", "run"),
)  # fmt: skip
"""Programs that run a command of an environment."""


@dataclass(frozen=True)
class Region:
    """Where shell text stands in a file.

    Attributes:
        start: Where it starts.
        end: Where it has ended.
        make: Whether it is of a Makefile.
        comment: How a comment is written above its lines; None when none can be.
        above: Where the line is that comments go above; None for the command's own.
        indented: Whether comments are indented as the line is.
    """

    start: int
    end: int
    make: bool = False
    comment: str | None = HASH
    above: int | None = None
    indented: bool = True

    def mark(self, line: int) -> Mark | None:
        """Where a TODO about a command goes."""
        if self.comment is None:
            return None
        return Mark(line if self.above is None else self.above, self.comment, self.indented)


def convert(draft: Draft, region: Region, project: Project) -> None:
    """Rewrites or reports the commands of Flyte 1 in a region."""
    text = read(draft.text, region.start, region.end, make=region.make)
    handled = list(text.comments)
    for command in text.commands:
        words = _own(command.words)
        if not words:
            continue
        is_flyte1 = PurePosixPath(words[0].value or "").name in PROGRAMS
        if not is_flyte1 and not installs.is_install(words):
            continue
        handled.append((words[0].start, words[-1].end))
        try:
            line = command_lines.translated(words, project) if is_flyte1 else installs.translated(words)
        except Refused as refused:
            draft.report(refused.code, words[0].start, refused.message, region.mark(command.line))
            continue
        for start, end, new in line.edits:
            draft.replace(start, end, new)
        for code, message in line.remarks:
            draft.report(code, words[0].start, message)
    _report_others(draft, region, handled, text.commands)


def _own(words: Sequence[Word]) -> Sequence[Word]:
    """The words of a command from its program on: without keywords, and what runs it in an environment."""
    while words:
        runner = next((known for known in _RUNNERS if tuple(word.value for word in words[: len(known)]) == known), None)
        if runner is not None and not (len(words) > 2 and words[2].raw.startswith("-")):
            words = words[len(runner) :]
        elif words[0].value in _BEFORE or re.match(r"[A-Za-z_]\w*=", words[0].raw):
            words = words[1:]
        else:
            break
    return words


def _report_others(draft: Draft, region: Region, handled: Sequence[tuple[int, int]], found: Sequence[Command]) -> None:
    """Flyte 1's programs that stand where no command was understood: in a text, behind another program, in a here-document."""
    told = set()
    for mention in mentions(draft.text[region.start : region.end]):
        offset = region.start + mention.offset
        if mention.name not in PROGRAMS or any(start <= offset < end for start, end in handled):
            continue
        line = max((each.line for each in found if each.line <= offset), default=region.start)
        if line not in told:
            told.add(line)
            message = f"`{mention.name}` stands in a text, or behind a program that may run it elsewhere"
            draft.report("FB612", offset, message, region.mark(line))
