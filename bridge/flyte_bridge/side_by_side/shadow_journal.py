"""What a shadow has done, one line of JSON per execution: whoever starts it again goes on where it stopped."""

from __future__ import annotations

import hashlib
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from ..errors import SourceError
from .json_lines import JsonLines

if TYPE_CHECKING:
    from pathlib import Path

    from .shadow import Shadowed


class ShadowJournal:
    """Lines of a file: when it began, then what was shadowed. A line that is cut off at the end was never written.

    Attributes:
        since: What Flyte 1 created later is shadowed (seconds since 1970, by Flyte 1's clock); 0 until it has begun.
        told: What was shadowed, by the names of Flyte 1's executions: the fields of `Shadowed`.
    """

    def __init__(self, path: Path) -> None:
        """Reads what is there.

        Raises:
            SourceError: It holds something else.
        """
        self.since = 0.0
        self.told: dict[str, dict[str, Any]] = {}
        self._lines = JsonLines(path)
        try:
            for told in self._lines.read():
                if "since" in told:
                    self.since = float(told["since"])
                else:
                    self.told[str(told["name"])] = told
        except (ValueError, KeyError, TypeError) as error:
            raise SourceError(str(path), f"is no journal of a shadow ({error}); remove it to begin anew") from None

    @property
    def done(self) -> set[str]:
        """Names of Flyte 1's executions that were shadowed."""
        return set(self.told)

    def begin(self, since: float) -> None:
        """Notes where it begins."""
        self.since = since or 1e-9  # a schedule that has never fired begins at its first fire
        self._lines.append({"since": self.since})

    def add(self, shadowed: Shadowed) -> None:
        """Notes what was shadowed."""
        line = asdict(shadowed)
        self.told[shadowed.name] = line
        self._lines.append(line)


def path_of(directory: Path, *words: str) -> Path:
    """The journal of a shadow: another one for each launch plan and pair of sides."""
    digest = hashlib.sha256("\0".join(words).encode()).hexdigest()[:16]
    return directory / "side-by-side" / f"shadow-{digest}.jsonl"
