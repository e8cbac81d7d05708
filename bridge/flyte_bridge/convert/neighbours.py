"""What lies around the files that are converted: where their imports lead, and who imports them.

A call is awaited or not by what is defined in another file, and a function becomes a coroutine function because another file calls
it. So a file that is given alone is read with its neighbours on disk; those are looked at, never changed.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
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
    at_root = [("", _modules_in(root))]
    source = root / "src"
    last = _parts(source, root, file.moved) if source.is_dir() and not (source / "__init__.py").exists() else []
    if (own / "__init__.py").exists():
        folder = file.name.rpartition(".")[0] if file.path.name != "__init__.py" else ""
        beside = [(folder, _modules_in(own))] if folder else []
        return (*at_root, *beside, *_parts(_base(file), root, file.moved), *last)
    return (*_parts(own, root, file.moved), *at_root, *last)


def _parts(folder: Path, root: Path, moved: frozenset[str]) -> list[tuple[str, frozenset[str]]]:
    """What a directory that Python searches holds: packages, which are named from there, and what is named from the root."""
    if folder == root or root not in folder.parents:
        return []
    prefix = ".".join(folder.relative_to(root).parts)
    names = _modules_in(folder)
    packages = frozenset(
        name for name in names if (folder / name / "__init__.py").exists() and f"{prefix}.{name}" not in moved
    )
    return [("", packages), (prefix, names - packages)]


def named_as_imported(files: Sequence[File]) -> list[File]:
    """The files, with the names of packages as the project imports them: a package below a folder that is none (`outer.inner`) is
    named from the folder above it, unless most imports name it from the root."""
    moved: dict[Path, frozenset[str]] = {}
    homes: dict[Path, list[File]] = {}
    for file in files:
        homes.setdefault(file.home, []).append(file)
    for home, theirs in homes.items():
        packages = {found for file in theirs if (found := _nested(file)) is not None}
        if packages:
            imports = Counter(name for file in theirs for name in _imports(file))
            moved[home] = frozenset(
                whole for whole, short in packages if _times(imports, whole) > _times(imports, short)
            )
    return [_moved(file, moved.get(file.home, frozenset())) for file in files]


def _nested(file: File) -> tuple[str, str] | None:
    """The outermost package of a file below a folder that is none: as it is named from the root, and from that folder."""
    base, home = _base(file), file.home.absolute()
    if base == home or home not in base.parents:
        return None
    short = file.name.split(".")[0]
    return ".".join([*base.relative_to(home).parts, short]), short


def _times(imports: Counter[str], package: str) -> int:
    return sum(count for name, count in imports.items() if name == package or name.startswith(f"{package}."))


def _moved(file: File, moved: frozenset[str]) -> File:
    if not moved:
        return file
    nested = _nested(file)
    if nested is None or nested[0] not in moved:
        return replace(file, moved=moved)
    return replace(file, name=f"{nested[0]}{file.name.removeprefix(nested[1])}", moved=moved)


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
