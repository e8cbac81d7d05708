"""Files of JSON objects, one per line, that are only ever appended to, and the lock beside a file of state."""

from __future__ import annotations

import fcntl
import json
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ..errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path


class JsonLines:
    """Such a file. A line that is cut off at the end, by a crash, was never written."""

    def __init__(self, path: Path) -> None:
        """Reads nothing yet; the file need not exist."""
        self._path = path

    def read(self) -> Iterator[dict[str, Any]]:
        """Each line, from the first on.

        Raises:
            ValueError: One is no JSON object.
        """
        if not self._path.exists():
            return
        lines = self._path.read_bytes().split(b"\n")
        if lines[-1]:  # what is appended must not stand behind it
            os.truncate(self._path, self._path.stat().st_size - len(lines[-1]))
        for line in lines[:-1]:
            told = json.loads(line)
            if not isinstance(told, dict):
                raise ValueError(f"{line[:40]!r} is no object")
            yield told

    def append(self, line: Mapping[str, object], *, sync: bool = True) -> None:
        """Writes a line.

        Args:
            line: What it says.
            sync: Whether it is on the disk when this returns; else a crash of the machine may lose it.
        """
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("ab") as file:
            file.write(json.dumps(line).encode() + b"\n")
            file.flush()
            if sync:
                os.fsync(file.fileno())


@contextmanager
def held(path: Path, what: str) -> Iterator[None]:
    """Keeps other processes from the same work.

    Args:
        path: Its file of state.
        what: What it is, for the message.

    Raises:
        UsageError: One is at it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.with_suffix(".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise UsageError(f"another process runs this {what}; wait for it, or end it") from None
        yield
