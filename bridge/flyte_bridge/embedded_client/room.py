"""How much of a machine a task asks for, and how much there is."""

from __future__ import annotations

import os
from dataclasses import dataclass

MEBI = 1 << 20


@dataclass(frozen=True)
class Room:
    """An amount of machine.

    Attributes:
        cpu: Thousandths of a core.
        memory: Bytes.
    """

    cpu: int
    memory: int

    def within(self, other: Room) -> bool:
        """Whether it fits into `other`."""
        return self.cpu <= other.cpu and self.memory <= other.memory

    def at_most(self, other: Room) -> Room:
        """As much of it as `other` has."""
        return Room(min(self.cpu, other.cpu), min(self.memory, other.memory))

    def __add__(self, other: Room) -> Room:
        return Room(self.cpu + other.cpu, self.memory + other.memory)

    def __sub__(self, other: Room) -> Room:
        return Room(self.cpu - other.cpu, self.memory - other.memory)


DEFAULT = Room(cpu=200, memory=128 * MEBI)
"""What a task that requests nothing counts for: ten at once on two cores."""

NOTHING = Room(0, 0)
"""What never waits."""


def whole_machine() -> Room:
    """All cores this process may use, and all memory there is."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return Room(cores * 1000, os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
