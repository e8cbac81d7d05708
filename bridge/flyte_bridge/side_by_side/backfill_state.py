"""What a backfill has done so far, in a file that is whole at any moment.

Executions are named after their fire times, so the file is no truth of its own: who loses it finds the executions by their
names. It keeps what names do not tell: the version that was meant, and what comparisons came to.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from ..errors import SourceError

if TYPE_CHECKING:
    from pathlib import Path

SUCCEEDED = "SUCCEEDED"
REFUSED = "REFUSED"
"""The phase of an execution that the control plane would not start."""


@dataclass
class SideState:
    """The execution of one fire time on one side.

    Attributes:
        name: Its name; empty until it is asked for.
        again: The how manieth try it is, from 0.
        phase: How it ended; empty until then.
        seconds: How long it took.
        began: When it was created, in seconds since 1970, by the side's clock.
        ended: When it ended.
        error: Why it failed, in one line.
    """

    name: str = ""
    again: int = 0
    phase: str = ""
    seconds: float = 0.0
    began: float = 0.0
    ended: float = 0.0
    error: str = ""

    @property
    def failed(self) -> bool:
        """Whether it has ended otherwise than well."""
        return bool(self.phase) and self.phase != SUCCEEDED


@dataclass
class DateState:
    """One fire time.

    Attributes:
        at: ISO 8601, in UTC.
        sides: By the side's name.
        verdict: What comparing its two executions came to; empty until then.
        reason: Why they cannot be compared.
        differences: Each in one line.
    """

    at: str
    sides: dict[str, SideState] = field(default_factory=dict)
    verdict: str = ""
    reason: str = ""
    differences: list[str] = field(default_factory=list)


@dataclass
class BackfillState:
    """A backfill; `save` after each change.

    Attributes:
        path: The file.
        version: The launch plan's, which all executions are of.
        dates: By their fire times, in order.
    """

    path: Path
    version: str
    dates: dict[str, DateState] = field(default_factory=dict)

    def save(self) -> None:
        """Writes the file, whole or not at all."""
        document = {"version": self.version, "dates": [asdict(date) for date in self.dates.values()]}
        temporary = self.path.with_suffix(f".{os.getpid()}.tmp")
        temporary.write_text(json.dumps(document, indent=1), encoding="utf-8")
        temporary.replace(self.path)


def path_of(directory: Path, *words: str) -> Path:
    """The file of a backfill: another one for each launch plan, range and choice of sides."""
    digest = hashlib.sha256("\0".join(words).encode()).hexdigest()[:16]
    return directory / "side-by-side" / f"backfill-{digest}.json"


def load(path: Path) -> BackfillState | None:
    """The state in a file; None when there is no file.

    Raises:
        SourceError: It holds something else.
    """
    try:
        document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        dates = [
            DateState(**{**date, "sides": {side: SideState(**told) for side, told in date["sides"].items()}})
            for date in document["dates"]
        ]
        return BackfillState(path, str(document["version"]), {date.at: date for date in dates})
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise SourceError(
            str(path), f"is no state of a backfill ({error}); remove it: names tell what is done"
        ) from None
