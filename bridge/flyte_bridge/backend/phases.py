"""The phases of an action, and which of them are the end.

The numbers are `flyteidl2.common.ActionPhase`'s; filters and sorts of the API compare them.
"""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from flyteidl2.common import phase_pb2


class Phase(IntEnum):
    """Where an action, or one attempt of it, stands."""

    UNSPECIFIED = 0
    QUEUED = 1
    WAITING_FOR_RESOURCES = 2
    INITIALIZING = 3
    RUNNING = 4
    SUCCEEDED = 5
    FAILED = 6
    ABORTED = 7
    TIMED_OUT = 8
    PAUSED = 9
    RECOVERED = 10

    @property
    def terminal(self) -> bool:
        """Whether nothing comes after it."""
        return self in TERMINAL

    @property
    def number(self) -> phase_pb2.ActionPhase:
        """As messages have it."""
        return cast("phase_pb2.ActionPhase", int(self))

    @property
    def good(self) -> bool:
        """Whether the action has outputs to give."""
        return self in {Phase.SUCCEEDED, Phase.RECOVERED}


TERMINAL = frozenset({Phase.SUCCEEDED, Phase.FAILED, Phase.ABORTED, Phase.TIMED_OUT, Phase.RECOVERED})
