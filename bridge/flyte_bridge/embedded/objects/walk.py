"""Walk a bucket in key order, which is not the order of its directories: `a-b` < `a/x` < `a0`."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

from flyte_bridge.embedded.objects import keys

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_NOT_THERE = (FileNotFoundError, NotADirectoryError)


def walk(bucket: Path, prefix: str = "", *, after: str = "") -> Iterator[tuple[str, os.stat_result]]:
    """Yield key and file status of every object whose key starts with `prefix` and is behind `after`, in key order."""
    parts, base = keys.prefix_parts(prefix)
    directory = str(bucket.joinpath(*parts))
    if os.path.realpath(directory) == directory:
        yield from _walk(directory, base, prefix, after)


def children(bucket: Path, prefix: str, *, after: str = "") -> Iterator[tuple[str, os.stat_result | None]]:
    """As `walk`, but stop at the next slash behind the prefix: a directory comes once, with its slash and no status.

    A directory whose name is `after` itself is left out: what a page of a listing ended with is not repeated.
    """
    parts, base = keys.prefix_parts(prefix)
    directory = str(bucket.joinpath(*parts))
    if os.path.realpath(directory) != directory:
        return
    for name, path, is_directory in _level(directory, base):
        if not name.startswith(prefix) or name <= after or (is_directory and after.startswith(name)):
            continue
        if not is_directory:
            status = _status(path)
            if status is not None:
                yield name, status
        elif next(_walk(path, name, prefix, ""), None) is not None:
            yield name, None


def _walk(directory: str, base: str, prefix: str, after: str) -> Iterator[tuple[str, os.stat_result]]:
    for name, path, is_directory in _level(directory, base):
        if is_directory:
            wanted = name.startswith(prefix) or prefix.startswith(name)
            if wanted and (name > after or after.startswith(name)):
                yield from _walk(path, name, prefix, after)
        elif name.startswith(prefix) and name > after:
            status = _status(path)
            if status is not None:
                yield name, status


def _level(directory: str, base: str) -> list[tuple[str, str, bool]]:
    """Return one level of keys, sorted: key (a directory's ends in a slash), path, whether it is a directory."""
    found: dict[str, tuple[str, str, bool]] = {}
    _scan(directory, base, found)
    return [found[name] for name in sorted(found)]


def _scan(directory: str, base: str, found: dict[str, tuple[str, str, bool]]) -> None:
    try:
        with os.scandir(directory) as entries:
            for entry in entries:
                text, mark = keys.from_name(entry.name)
                if entry.is_dir(follow_symlinks=False):
                    if mark == keys.MORE:  # the rest of a long segment: the same level of keys
                        _scan(entry.path, base + text, found)
                    else:
                        found[base + text + "/"] = (base + text + "/", entry.path, True)
                elif entry.is_file(follow_symlinks=False) and (mark != keys.BESIDE or base + text not in found):
                    found[base + text] = (base + text, entry.path, False)
    except _NOT_THERE:
        return


def _status(path: str) -> os.stat_result | None:
    """Return a regular file's status; None if it went away meanwhile."""
    try:
        status = os.lstat(path)
    except _NOT_THERE:
        return None
    return status if stat.S_ISREG(status.st_mode) else None
