"""How long a runner has taken, less what it waited for a processor: a busy machine changes no verdict.

Linux counts per thread how long it was ready and not running (`/proc/PID/task/TID/schedstat`, the second number, nanoseconds; see
the kernel's Documentation/scheduler/sched-stats.rst). Where that is not told, the clock on the wall counts.
"""

from __future__ import annotations

import contextlib
import pathlib
import time

_EVERY = 0.25
"""Seconds between two looks at the threads."""


class Clock:
    """Counts the seconds since `start` that a session of processes could have used.

    A process that sleeps is charged for the time, one that is ready and waits its turn is not. Of several threads the one that has
    waited longest counts.

    Args:
        session: The leader's process id.
    """

    def __init__(self, session: int) -> None:
        self._session = session
        self.start()

    def start(self) -> None:
        """Begin again at zero."""
        self._spent = 0.0
        self._looked = time.monotonic()
        self._waited: dict[str, int] | None = None

    def seconds(self) -> float:
        """How much was spent."""
        elapsed = time.monotonic() - self._looked
        if elapsed >= _EVERY or self._waited is None:
            waited = self._waits()
            before = self._waited or waited
            longest = max((each - before.get(thread, each) for thread, each in waited.items()), default=0)
            self._spent += max(0.0, elapsed - longest / 1e9)
            self._looked += elapsed
            self._waited = waited
            elapsed = 0.0
        return self._spent

    def _waits(self) -> dict[str, int]:
        """How long each thread of the session has waited, in nanoseconds."""
        waits: dict[str, int] = {}
        for process in self._processes():
            for thread in pathlib.Path(process, "task").glob("*/schedstat"):
                with contextlib.suppress(OSError, ValueError, IndexError):  # the thread has ended
                    waits[str(thread)] = int(thread.read_text().split()[1])
        return waits

    def _processes(self) -> list[str]:
        """The session's processes: the leader, and what the threads of it have started."""
        found = [f"/proc/{self._session}"]
        for process in found:
            for children in pathlib.Path(process, "task").glob("*/children"):
                with contextlib.suppress(OSError):
                    found += [f"/proc/{child}" for child in children.read_text().split()]
        return found
