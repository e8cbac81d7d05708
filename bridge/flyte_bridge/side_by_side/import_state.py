"""What an import has done, one line of JSON per step: whoever starts it again goes on where it stopped."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass
from enum import Enum
from typing import TYPE_CHECKING

from ..errors import SourceError
from .json_lines import JsonLines

if TYPE_CHECKING:
    from pathlib import Path


class Arrival(str, Enum):
    """What became of one thing; `SAME` is what was copied and, read back, is the same."""

    COPIED = "copied"
    SAME = "same"
    THERE = "there already"
    DIFFERENT = "different"
    REFUSED = "refused"
    FOLLOWS = "needs what was refused"


@dataclass(frozen=True)
class Imported:
    """One thing that was to be copied.

    Attributes:
        what: `task`, `workflow`, `launch plan`, `project`, `name`, `attributes`, `activation` or `file`.
        name: Of what it is, written in full.
        arrival: What became of it.
        reason: Why it is not there, or where it differs.
    """

    what: str
    name: str
    arrival: Arrival
    reason: str = ""


class ImportState:
    """Lines of a file.

    Attributes:
        done: What has become of each thing, by what it is and its name.
    """

    def __init__(self, path: Path) -> None:
        """Reads what is there.

        Raises:
            SourceError: It holds something else.
        """
        self.done: dict[tuple[str, str], Imported] = {}
        self._lines = JsonLines(path)
        try:
            for told in self._lines.read():
                self._keep(Imported(**{**told, "arrival": Arrival(told["arrival"])}))
        except (ValueError, KeyError, TypeError) as error:
            raise SourceError(str(path), f"is no state of an import ({error}); remove it to begin anew") from None

    def is_there(self, what: str, name: str) -> bool:
        """Whether it has arrived; what was refused is tried again."""
        before = self.done.get((what, name))
        return before is not None and before.arrival in (Arrival.COPIED, Arrival.THERE, Arrival.DIFFERENT, Arrival.SAME)

    def add(self, imported: Imported) -> None:
        """Notes what became of something."""
        self._keep(imported)
        self._lines.append(asdict(imported), sync=False)  # what is lost is found to be there already

    def _keep(self, imported: Imported) -> None:
        self.done[imported.what, imported.name] = imported


def path_of(directory: Path, *words: str) -> Path:
    """The state of an import: another one for each pair of sides."""
    digest = hashlib.sha256("\0".join(words).encode()).hexdigest()[:16]
    return directory / "side-by-side" / f"import-{digest}.jsonl"
