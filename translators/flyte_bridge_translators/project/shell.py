"""The commands of a shell text: each word with its place, and its value where that does not depend on a run.

Reads what POSIX shells and bash have in common: quotes, expansions, substitutions, continuations, redirections, here-documents,
comments. In Makefiles `$(NAME)` is make's, and `$$` the shell's `$`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

_BREAKS = ";&|()"
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*\+?=")
_GITHUB = re.compile(r"\$\{\{.*?\}\}")
_HERE = re.compile(r"<<(-?)[ \t]*(['\"]?)([\w.!-]+)\2")


@dataclass(frozen=True)
class Word:
    """A word of a command.

    Attributes:
        start: Where it starts in the text.
        end: Where it has ended.
        raw: As it is written.
        value: What it is, or None where that depends on variables or other commands.
        is_one: Whether it is one word for certain, whatever its variables hold.
    """

    start: int
    end: int
    raw: str
    value: str | None
    is_one: bool


@dataclass(frozen=True)
class Command:
    """A simple command: its words without assignments before it, and where the line starts that it belongs to."""

    words: Sequence[Word]
    line: int


@dataclass
class _Reader:
    """One walk over a text."""

    text: str
    end: int
    make: bool
    commands: list[Command] = field(default_factory=list)
    comments: list[tuple[int, int]] = field(default_factory=list)
    line: int = 0
    depth: int = 0
    backquoted: bool = False
    here: list[tuple[str, bool]] = field(default_factory=list)

    def read(self, position: int, close: str = "") -> int:
        """Reads commands up to a closing character, or the end; where it stopped."""
        words: list[Word] = []
        skip_next = False
        while position < self.end:
            character = self.text[position]
            if character == close:
                break
            if self.text.startswith(("\\\n", "\\\r\n"), position):
                position += 2 if self.text[position + 1] == "\n" else 3
            elif character in " \t\r":
                position += 1
            elif character == "\n":
                self._end(words)
                position = self._bodies(position + 1)
                if not self.depth:
                    self.line = position
            elif character == "#":
                start, position = position, self._until("\n", position)
                self.comments.append((start, position))
            elif character in "<>":
                match = _HERE.match(self.text, position)
                if match is not None and not self.text.startswith("<<<", position):
                    self.here.append((match[3], bool(match[1])))
                    position = match.end()
                    continue
                if words and words[-1].end == position and words[-1].raw.isdigit():
                    words.pop()
                while position < self.end and self.text[position] in "<>&|":
                    position += 1
                skip_next = True
            elif character in _BREAKS:
                self._end(words)
                skip_next = False
                position += 1
            else:
                word, position = self._word(position)
                if not skip_next:
                    words.append(word)
                skip_next = False
        self._end(words)
        return position

    def _end(self, words: list[Word]) -> None:
        own = list(words)
        words.clear()
        while own and _ASSIGNMENT.match(own[0].raw):
            own.pop(0)
        if own:
            self.commands.append(Command(own, self.line))

    def _bodies(self, position: int) -> int:
        """Past the bodies of the here-documents that a line has begun."""
        while self.here:
            word, tabs = self.here.pop(0)
            while position < self.end:
                end = self._until("\n", position)
                line = self.text[position:end].rstrip("\r")
                position = end + 1
                if (line.lstrip("\t") if tabs else line).strip(" ") == word:
                    break
        return min(position, self.end)

    def _word(self, start: int) -> tuple[Word, int]:
        position = start
        value: list[str] | None = []
        is_one = True
        while position < self.end and self.text[position] not in f" \t\r\n<>{_BREAKS}":
            character = self.text[position]
            part: str | None
            if character == "'":
                end = self._until("'", position + 1)
                part, position = self.text[position + 1 : end], end + 1
            elif character == '"':
                part, position = self._quoted(position + 1)
            elif character == "\\":
                if self.text.startswith(("\\\n", "\\\r\n"), position):
                    break
                part, position = self.text[position + 1 : position + 2], position + 2
            elif character == "`" and self.backquoted:
                break
            elif character in "$`":
                part, position = self._expansion(position)
                is_one = is_one and part is not None
            else:
                part, position = character, position + 1
            value = [*value, part] if value is not None and part is not None else None
        position = max(position, start + 1)
        raw = self.text[start:position]
        return Word(start, position, raw, "".join(value) if value is not None else None, is_one), position

    def _quoted(self, position: int) -> tuple[str | None, int]:
        value: str | None = ""
        while position < self.end and self.text[position] != '"':
            character = self.text[position]
            if character == "\\":
                part: str | None = self.text[position + 1 : position + 2]
                position += 2
            elif character in "$`":
                part, position = self._expansion(position)
            else:
                part, position = character, position + 1
            value = value + part if value is not None and part is not None else None
        return value, position + 1

    def _expansion(self, position: int) -> tuple[str | None, int]:
        """Past a `$…` or a backquoted command, whose commands are read; the value when it is no expansion."""
        if self.text[position] == "`":
            self.backquoted = True
            position = self._inside(position + 1, "`")
            self.backquoted = False
            return None, position
        github = _GITHUB.match(self.text, position)
        if github is not None:
            return None, github.end()
        if self.make:
            if not self.text.startswith("$$", position):
                return None, self._balanced(position + 1)
            position += 1
        following = self.text[position + 1 : position + 2]
        if self.text.startswith("((", position + 1):
            return None, self._balanced(position + 1)
        if following == "(":
            return None, self._inside(position + 2, ")")
        if following == "{":
            return None, self._balanced(position + 1)
        match = re.compile(r"\w+|[@*#?$!-]").match(self.text, position + 1)
        return (None, match.end()) if match is not None else ("$", position + 1)

    def _inside(self, position: int, close: str) -> int:
        self.depth += 1
        position = self.read(position, close)
        self.depth -= 1
        return position + 1

    def _balanced(self, position: int) -> int:
        opening = self.text[position : position + 1]
        closing = {"(": ")", "{": "}"}.get(opening)
        if closing is None:
            return position + 1
        depth = 0
        while position < self.end:
            depth += {opening: 1, closing: -1}.get(self.text[position], 0)
            position += 1
            if not depth:
                break
        return position

    def _until(self, character: str, position: int) -> int:
        found = self.text.find(character, position, self.end)
        return self.end if found < 0 else found


@dataclass(frozen=True)
class ShellText:
    """A part of a text that was read: its simple commands, those in substitutions too, and where its comments stand."""

    commands: Sequence[Command]
    comments: Sequence[tuple[int, int]]


def read(text: str, start: int = 0, end: int | None = None, *, make: bool = False) -> ShellText:
    """The commands of a part of a text.

    Args:
        text: The text.
        start: Where the part starts.
        end: Where it ends.
        make: Whether it is of a Makefile.
    """
    reader = _Reader(text, len(text) if end is None else end, make, line=start)
    position = start
    while position < reader.end:
        position = reader.read(position) + 1
    return ShellText(sorted(reader.commands, key=lambda command: command.words[0].start), reader.comments)
