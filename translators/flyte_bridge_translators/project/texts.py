"""The files of a project that are no modules: which format each has, and what becomes of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from flyte_bridge_translators.project import packages, script_files
from flyte_bridge_translators.project.command_lines import Project
from flyte_bridge_translators.project.draft import Draft
from flyte_bridge_translators.project.mentions import VARIABLES, Mention, mentions
from flyte_bridge_translators.project.script_files import COMMENTS
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
    convert: Callable[[Draft, Project], None]
    is_prose: bool = False


def _nothing(draft: Draft, project: Project) -> None:
    """Only mentions are looked for."""
    del draft, project


def _locked(draft: Draft, project: Project) -> None:
    del project
    first = next(mentions(draft.text), None)
    if first is not None:
        draft.report("FB603", first.offset, f"{first.name} is locked here")


FORMATS: Sequence[Format] = (
    Format("lock file", re.compile(r"(.*/)?([\w.-]*\.lock|[\w-]*conda-lock[\w.-]*\.ya?ml)$"), _locked),
    Format(
        "requirements", re.compile(r"(.*/)?[\w.-]*(requirements|constraints)[\w./-]*\.(txt|in)$"), packages.requirements
    ),
    Format("pyproject.toml", re.compile(r"(.*/)?pyproject\.toml$"), packages.pyproject),
    Format("setup.cfg", re.compile(r"(.*/)?setup\.cfg$"), packages.setup_cfg),
    Format("conda environment", re.compile(r"(.*/)?[\w-]*(environment|conda)[\w-]*\.ya?ml$"), packages.conda),
    Format("Makefile", re.compile(r"(.*/)?(GNUm|M|m)akefile(\.\w+)?$|.*\.mk$"), script_files.makefile),
    Format("Dockerfile", re.compile(r"(.*/)?(Docker|Container)file[^/]*$|.*\.[Dd]ockerfile$"), script_files.dockerfile),
    Format("YAML", re.compile(r".*\.ya?ml$"), script_files.ci),
    Format("Markdown", re.compile(r".*\.(md|markdown)$", re.IGNORECASE), script_files.markdown, is_prose=True),
    Format("prose", re.compile(r".*\.(rst|txt|adoc)$", re.IGNORECASE), _nothing, is_prose=True),
)
"""Every format that is read, in order: the first that matches counts."""

UNREAD = Format("any other file", re.compile(""), _nothing)
"""A file whose format is not read."""


SHELL = Format(
    "shell script", re.compile(r".*\.(sh|bash|zsh|ksh|envrc)$|(.*/)?\.(envrc|bashrc|profile)$"), script_files.shell
)
"""A file that a shell runs; one without such a name says so in its first line."""

_SHEBANG = re.compile(r"#!.*\b(ba|z|k|da)?sh\b")


def format_of(path: str, text: str) -> Format:
    """The format of a file, by its path below the project's root and its first line."""
    if SHELL.matches.match(path) or _SHEBANG.match(text):
        return SHELL
    return next((each for each in FORMATS if each.matches.match(path)), UNREAD)


def convert(path: str, below: str, text: str, project: Project) -> Outcome:
    """Convert a file that is no module.

    Args:
        path: What findings call it.
        below: Where it lies below the project's root, with slashes.
        text: Its text.
        project: What it may name.
    """
    form = format_of(PurePosixPath(below).as_posix(), text)
    draft = Draft(path, text)
    form.convert(draft, project)
    _list(draft, is_prose=form.is_prose)
    return draft.outcome


def _list(draft: Draft, *, is_prose: bool) -> None:
    """Say once what is left of Flyte 1 beside what was said already: in prose and comments, and elsewhere."""
    told = draft.told
    lines = draft.text.splitlines()
    kept = {line.strip() for line in draft.result.splitlines()}
    left: dict[str, dict[int, Mention]] = {"FB601": {}, "FB602": {}}
    for mention in mentions(draft.text):
        number, _ = draft.place(mention.offset)
        line = lines[number - 1].strip()
        if number in told or line not in kept:
            continue
        code = "FB601" if is_prose or line.startswith(COMMENTS) else "FB602"
        left[code].setdefault(number, mention)
    for code, found in left.items():
        if found:
            first = next(iter(found.values()))
            draft.report(code, first.offset, listed(first.name, list(found)))


def listed(name: str, lines: Sequence[int]) -> str:
    """Where a file that stays as it is speaks of Flyte 1."""
    more = f", and line{'s' * (len(lines) > 2)} {', '.join(map(str, lines[1:8]))}" if len(lines) > 1 else ""
    more += f" and {len(lines) - 8} more" if len(lines) > 8 else ""
    new = f" ({VARIABLES[name]} in Flyte 2)" if name in VARIABLES else ""
    return f"{name}{new} here{more}"
