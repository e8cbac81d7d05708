"""What a conversion gave, kept on disk: the same files with the same options are not converted again.

What a file becomes depends on the files around it, so an entry is of a whole project: of every file's content and place, of those
beside it that were looked at, of the options, and of the converter itself. A changed neighbour is another entry. Entries may be
deleted at any time; one that is damaged counts as none. They are pickles, in a directory that is the user's alone: they are
trusted as Python trusts its own compiled files.
"""

from __future__ import annotations

import os
import pickle
import platform
import tempfile
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path

import flyte_bridge_translators
from flyte_bridge.convert.files import File, place
from flyte_bridge.convert.neighbours import search_path
from flyte_bridge_translators.source.engine.translator import Options

MOST = 256 * 1024 * 1024
"""Bytes of entries that are kept; the oldest go first."""


def key(files: Sequence[File], nearby: Sequence[File], options: Options) -> str | None:
    """What names the conversion of these files; None when one of them cannot be read.

    Args:
        files: Those that are converted.
        nearby: Those that are looked at only.
        options: The user's choices.
    """
    digest = sha256(_converter().encode())
    digest.update(repr((options, len(files))).encode())
    for file in (*files, *nearby):
        try:
            content = sha256(file.path.read_bytes()).hexdigest()
        except OSError:
            return None
        search = tuple((folder, _digest(modules)) for folder, modules in search_path(file))
        digest.update(repr((file, place(file), search, content)).encode(errors="surrogateescape"))
    return digest.hexdigest()


@cache
def _digest(names: frozenset[str]) -> str:
    return sha256("\n".join(sorted(names)).encode(errors="surrogateescape")).hexdigest()


@cache
def _converter() -> str:
    """What tells this converter from any other: its sources, and what it reads Python with."""
    folders = (Path(__file__).parent, Path(flyte_bridge_translators.__file__).parent)
    sources = sorted(path for folder in folders for path in folder.rglob("*.py"))
    stamps = [(path.name, status.st_size, status.st_mtime_ns) for path in sources if (status := path.stat())]
    return repr((version("flyte-bridge"), version("libcst"), platform.python_version(), stamps))


@dataclass(frozen=True)
class ConversionCache:
    """Conversions in a directory.

    Attributes:
        folder: The directory; made when something is first kept in it.
    """

    folder: Path

    @classmethod
    def of_the_user(cls) -> ConversionCache:
        """That below `$XDG_CACHE_HOME`, by default `~/.cache`."""
        root = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
        return cls(Path(root) / "flyte-bridge" / "conversions")

    def load(self, name: str) -> object | None:
        """What was kept under a key; None when there is nothing, or nothing whole."""
        with suppress(Exception):  # whatever is wrong with an entry, the files are converted again
            path = self.folder / name
            entry = path.read_bytes() if _is_own(self.folder) and _is_own(path) else b""
            if entry and sha256(entry[32:]).digest() == entry[:32]:
                kept: object = pickle.loads(entry[32:])  # nosec B301 - written by this user, whom nobody else can write for
                return kept
        return None

    def keep(self, name: str, result: object) -> None:
        """Keep something under a key, in one step; a directory that cannot be written keeps nothing."""
        payload = pickle.dumps(result, protocol=5)
        with suppress(OSError):
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            handle, temporary = tempfile.mkstemp(dir=self.folder, prefix=".")
            with os.fdopen(handle, "wb") as stream:
                stream.write(sha256(payload).digest() + payload)
            Path(temporary).replace(self.folder / name)
            self._forget()

    def _forget(self) -> None:
        entries = sorted(_sizes(self.folder.iterdir()), reverse=True)
        total = 0
        for _, size, path in entries:
            total += size
            if total > MOST:
                path.unlink(missing_ok=True)


def _is_own(path: Path) -> bool:
    """Whether nobody but this user can have written it."""
    status = path.stat()
    return status.st_uid == os.getuid() and not status.st_mode & 0o022


def _sizes(paths: Iterable[Path]) -> Iterable[tuple[int, int, Path]]:
    """When each was written, and its size; another process may have deleted some."""
    for path in paths:
        with suppress(OSError):
            status = path.stat()
            yield status.st_mtime_ns, status.st_size, path
