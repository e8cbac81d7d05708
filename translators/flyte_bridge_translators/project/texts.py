"""The files of a project that are no modules: which format each has, and what becomes of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from flyte_bridge_translators.project.draft import Draft
from flyte_bridge_translators.project.mentions import VARIABLES, Mention, mentions
from flyte_bridge_translators.source.engine.translator import Outcome


@dataclass(frozen=True)
class Format:
    """One kind of file.

    Attributes:
        name: What it is called.
        matches: The path below the project's root, with slashes, as a pattern.
        convert: Converts it.
        is_prose: Whether what it says of Flyte 1 beside that is for readers only.
    """

    name: str
    matches: re.Pattern[str]
    convert: Callable[[Draft], None]
    is_prose: bool = False


def _nothing(draft: Draft) -> None:
    """Only mentions are looked for."""
    del draft


def _locked(draft: Draft) -> None:
    first = next(mentions(draft.text), None)
    if first is not None:
        draft.report("FB603", first.offset, f"{first.name} is locked here")


FORMATS: Sequence[Format] = (
    Format("lock file", re.compile(r"(.*/)?([\w.-]*\.lock|[\w-]*conda-lock[\w.-]*\.ya?ml)$"), _locked),
    Format("prose", re.compile(r".*\.(md|markdown|rst|txt|adoc)$", re.IGNORECASE), _nothing, is_prose=True),
)
"""Every format that is read, in order: the first that matches counts."""

UNREAD = Format("any other file", re.compile(""), _nothing)
"""A file whose format is not read."""


def format_of(path: str) -> Format:
    """The format of a file, by its path below the project's root."""
    return next((each for each in FORMATS if each.matches.match(path)), UNREAD)


def convert(path: str, below: str, text: str) -> Outcome:
    """Convert a file that is no module.

    Args:
        path: What findings call it.
        below: Where it lies below the project's root, with slashes.
        text: Its text.
    """
    form = format_of(PurePosixPath(below).as_posix())
    draft = Draft(path, text)
    form.convert(draft)
    _list(draft, "FB601" if form.is_prose else "FB602")
    return draft.outcome


def _list(draft: Draft, code: str) -> None:
    """Say once what is left of Flyte 1 beside what was said already."""
    told = draft.told
    left: dict[int, Mention] = {}
    for mention in mentions(draft.text):
        line, _ = draft.place(mention.offset)
        if line not in told:
            left.setdefault(line, mention)
    converted = {line.strip() for line in draft.result.splitlines()}
    lines = draft.text.splitlines()
    left = {line: mention for line, mention in left.items() if lines[line - 1].strip() in converted}
    if not left:
        return
    first = next(iter(left.values()))
    draft.report(code, first.offset, listed(first.name, list(left)))


def listed(name: str, lines: Sequence[int]) -> str:
    """Where a file that stays as it is speaks of Flyte 1."""
    more = f", and line{'s' * (len(lines) > 2)} {', '.join(map(str, lines[1:8]))}" if len(lines) > 1 else ""
    more += f" and {len(lines) - 8} more" if len(lines) > 8 else ""
    new = f" ({VARIABLES[name]} in Flyte 2)" if name in VARIABLES else ""
    return f"{name}{new} here{more}"
