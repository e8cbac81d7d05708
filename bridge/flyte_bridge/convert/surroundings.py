"""The files of a project that are no Python modules and speak of Flyte 1: found, read, and converted with what the modules tell.

Hidden directories count: CI lives there. Version control, environments and caches do not.
"""

from __future__ import annotations

import ast
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from flyte_bridge.convert.converter import failed
from flyte_bridge.convert.files import IGNORED, NOTEBOOK, File, FileResult
from flyte_bridge_translators.findings import Finding, Where
from flyte_bridge_translators.findings.catalogue import CATALOGUE
from flyte_bridge_translators.project import texts
from flyte_bridge_translators.project.command_lines import Project
from flyte_bridge_translators.project.mentions import IN_BYTES, mentions
from flyte_bridge_translators.project.requirement import replacement
from flyte_bridge_translators.project.scripts import PROGRAMS
from flyte_bridge_translators.source.engine.entities import Facts
from flyte_bridge_translators.source.engine.naming import RenameTable
from flyte_bridge_translators.source.engine.translator import Converted, Unchanged

MOST = 4 * 1024 * 1024
"""Bytes of a file that are looked into; what is larger is data."""

CACHES = frozenset({
    ".git", ".hg", ".svn", ".jj", ".venv", ".tox", ".nox", ".eggs", ".direnv", ".terraform", ".idea",
    ".ipynb_checkpoints", ".cache", ".hypothesis", ".mypy_cache", ".pytest_cache", ".ruff_cache",
})  # fmt: skip
"""Hidden directories that hold nothing of the project's."""


def is_own(directory: str) -> bool:
    """Whether a directory, by its name, may hold files of the project's own."""
    return directory not in IGNORED and directory not in CACHES and not directory.endswith(".egg-info")


def walk(root: Path) -> Iterator[Path]:
    """The files below a directory, hidden ones too, in a stable order; links to directories are not followed."""
    for folder, directories, names in os.walk(root, followlinks=False):
        directories[:] = sorted(filter(is_own, directories))
        yield from (Path(folder) / name for name in sorted(names))


def surroundings(paths: Iterable[Path]) -> list[File]:
    """The files below the paths, or given by name, that are no modules and name Flyte 1, each once."""
    found: dict[Path, File] = {}
    for root in paths:
        for path in walk(root) if root.is_dir() else (root,):
            file = File(path, root, path.name, is_module=False)
            if path.is_file() and not is_module(file) and (path == root or _names_flyte1(path)):
                found.setdefault(Path(os.path.realpath(path)), file)
    return list(found.values())


def is_module(file: File) -> bool:
    """Whether a file is converted as Python: a module, or a notebook; what lies in hidden directories cannot be imported."""
    return file.path.suffix in {".py", NOTEBOOK} and not any(part.startswith(".") for part in file.relative.parts[:-1])


def _names_flyte1(path: Path) -> bool:
    try:
        with path.open("rb") as stream:
            return IN_BYTES.search(stream.read(MOST)) is not None
    except OSError:
        return False


def told(files: Sequence[File], facts: Mapping[str, Facts], names: RenameTable) -> Project:
    """What the modules of a conversion tell to what lies around them."""
    modules = {
        f"{file.home.resolve().name}/{file.relative.as_posix()}": facts[file.name]
        for file in files
        if file.is_module and file.name in facts
    }
    imports = frozenset(name for each in facts.values() for name in each.imports)
    return Project(modules, names, imports)


def convert_text(file: File, project: Project) -> FileResult:
    """Convert a file that is no module, with what the modules tell."""
    path = str(file.path)
    try:
        data = file.path.read_bytes()
    except OSError as error:
        return FileResult(file, failed("FB102", path, f"cannot be read: {error.strerror or error}"))
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        text = ""
    if not text or "\0" in text:
        names = sorted({match[0].decode() for match in IN_BYTES.finditer(data)})
        named = (_finding("FB604", Where(path), f"{', '.join(names)} in it"),) if names else ()
        return FileResult(file, Unchanged(named))
    outcome = texts.convert(path, file.relative.as_posix(), text, project)
    written = outcome.text.encode("utf-8") if isinstance(outcome, Converted) else None
    return FileResult(file, outcome, text, written)


def listed(result: FileResult) -> FileResult:
    """A module's result, with what it still says of Flyte 1: commands in its strings, and all of it when it did not change."""
    outcome = result.outcome
    text = outcome.text if isinstance(outcome, Converted) else result.before
    if (
        result.file.is_notebook
        or not isinstance(outcome, (Converted, Unchanged))
        or not IN_BYTES.search(text.encode(errors="replace"))
    ):
        return result
    path = str(result.file.path)
    more = [
        _finding("FB605", Where(path, line, column), f"{name} here") for name, line, column in _commands(result.before)
    ]
    if result.file.path.name == "setup.py":
        more += [
            _finding("FB622", Where(path, line, column), message) for message, line, column in _required(result.before)
        ]
    if isinstance(outcome, Unchanged) and not outcome.findings and not more:
        lines: dict[int, str] = {}
        for mention in mentions(text):
            lines.setdefault(text.count("\n", 0, mention.offset) + 1, mention.name)
        if lines:
            first = next(iter(lines))
            more.append(_finding("FB601", Where(path, first), texts.listed(lines[first], list(lines))))
    if not more:
        return result
    findings = tuple(sorted((*outcome.findings, *more), key=lambda finding: (finding.where, finding.code)))
    return replace(result, outcome=replace(outcome, findings=findings))


def _commands(text: str) -> Iterator[tuple[str, int, int]]:
    """Strings of a module that name a command of Flyte 1: the command, its line and column."""
    for node, value in _strings(text):
        name = next((each.name for each in mentions(value) if each.name in PROGRAMS), None)
        if name is not None:
            yield name, node.lineno, node.col_offset


def _required(text: str) -> Iterator[tuple[str, int, int]]:
    """Strings of a setup.py that require Flyte 1: what to write instead, line and column."""
    for node, value in _strings(text):
        new = replacement(value)
        if new is not None and not value[new[1] :].strip().partition(";")[0]:
            said = f'"{value}" is "{new[0].text}" in Flyte 2' if new[0].name else f"{value}: {new[0].why}"
            yield said, node.lineno, node.col_offset


def _strings(text: str) -> Iterator[tuple[ast.Constant, str]]:
    """The strings of a module, but for docstrings."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError):
        return
    said = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in said:
            yield node, node.value


def _finding(code: str, where: Where, message: str) -> Finding:
    entry = CATALOGUE[code]
    return Finding(code, entry.severity, where, message, entry.advice)
