"""What lies around the files that are converted: where their imports lead, and who imports them.

A call is awaited or not by what is defined in another file, and a function becomes a coroutine function because another file calls
it. So a file that is given alone is read with its neighbours on disk; those are looked at, never changed.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

from flyte_bridge.convert.files import IGNORED, File, module_name
from flyte_bridge_translators.source.engine.names import Search

MOST = 500
"""Files that are looked at around one that is given alone."""

_IMPORT = re.compile(rb"^[ \t]*(?:from|import)[ \t]+([\w.]+)", re.MULTILINE)


@cache
def _modules_in(folder: Path) -> frozenset[str]:
    """The modules and packages directly in a directory."""
    try:
        names = [entry.name for entry in folder.iterdir()]
    except OSError:
        return frozenset()
    modules = {name.removesuffix(".py") for name in names if name.endswith(".py")}
    packages = {name for name in names if name.isidentifier() and (folder / name).is_dir()}  # a link to itself is none
    return frozenset(modules | packages)


def search_path(file: File) -> Search:
    """Where a file's absolute imports lead: a script's own directory first, as Python has it, then the project's root, `src` last.
    In a package the root comes first."""
    root = file.home.absolute()
    own = file.path.absolute().parent
    folder = ".".join(file.name.split(".")[:-1]) if file.path.name != "__init__.py" else ""
    beside = (folder, _modules_in(own))
    at_root = ("", _modules_in(root))
    parts = [at_root, beside] if (own / "__init__.py").exists() else [beside, at_root]
    source = root / "src"
    if source.is_dir() and not (source / "__init__.py").exists():
        parts.append(("src", _modules_in(source)))
    return tuple(part for part in parts if part[0] or part is at_root)


def neighbours(files: Sequence[File]) -> list[File]:
    """The files around those given alone that import them or that they import, through each other; none of the given ones."""
    alone = [file for file in files if file.root == file.path]
    given = {Path(os.path.realpath(file.path)) for file in files}
    found: dict[Path, File] = {}
    for file in alone:
        base = _base(file)
        candidates = {one: _imports(one) for one in _around(file, base)}
        reached = {file: _imports(file)}
        while True:
            more = {
                one: imports
                for one, imports in candidates.items()
                if one not in reached and any(_linked(one, imports, other, theirs) for other, theirs in reached.items())
            }
            if not more:
                break
            reached |= more
        for one in reached:
            place = Path(os.path.realpath(one.path))
            if place not in given:
                found.setdefault(place, one)
    return list(found.values())


def _base(file: File) -> Path:
    """The directory that the file's module is imported from."""
    parts = len(file.name.split("."))
    return file.path.absolute().parents[parts - (0 if file.path.name == "__init__.py" else 1)]


def _around(file: File, base: Path) -> Iterator[File]:
    top = base / file.name.split(".")[0] if "." in file.name else base
    count = 0
    for folder, directories, names in os.walk(top):
        directories[:] = sorted(name for name in directories if name not in IGNORED and not name.startswith("."))
        for name in sorted(names):
            if name.endswith(".py"):
                path = Path(folder) / name
                count += 1
                if count > MOST:
                    return
                if path != file.path.absolute():
                    yield File(path, path, module_name(path, base))


def _imports(file: File) -> frozenset[str]:
    try:
        data = file.path.read_bytes()
    except OSError:
        return frozenset()
    return frozenset(name.decode() for name in _IMPORT.findall(data))


def _linked(one: File, imports: frozenset[str], other: File, theirs: frozenset[str]) -> bool:
    return _names(other, imports) or _names(one, theirs)


def _names(file: File, imports: frozenset[str]) -> bool:
    """Whether some import may mean a file, by its whole name or the end of it."""
    last = file.name.rpartition(".")[2]
    return any(name.strip(".") == file.name or name.rpartition(".")[2] == last for name in imports)
