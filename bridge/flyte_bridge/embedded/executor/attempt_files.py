"""What an attempt leaves in its work directory, and how a restarted server finds its process again.

```
<work_dir>/pid.json     written by the process itself before anything else: number, start time, boot
<work_dir>/exit.json    written by its parent, the zygote, when it has ended
<work_dir>/cwd/         where it runs
<work_dir>/tmp/         its TMPDIR
```

A process is the same one only if its start time and the machine's boot are: numbers are used again.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flyte_bridge.embedded.executor.zygote import EXIT_FILE, PID_FILE, boot_id, start_ticks

if TYPE_CHECKING:
    from pathlib import Path

    from flyte_bridge.backend.moments import Micros

POLL = 0.1
"""Seconds between two looks at a process where the system cannot tell us (no pidfd: not Linux)."""


@dataclass(frozen=True)
class ProcessId:
    """Which process; see the module for why its number is not enough.

    Attributes:
        ticks: When it started, in the kernel's ticks since boot; empty where the system does not say.
        boot: Which boot of the machine; empty where the system does not say.
        at: When it started.
    """

    pid: int
    ticks: str
    boot: str
    at: Micros

    @property
    def alive(self) -> bool:
        """Whether this very process still runs (a zombie does not)."""
        if self.boot != boot_id():
            return False
        if self.ticks:
            return start_ticks(self.pid) == self.ticks and not _is_zombie(self.pid)
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return False
        except PermissionError:
            return True
        return True

    def signal_group(self, number: int) -> None:
        """Signal its whole process group; nothing happens if it is gone."""
        if self.alive:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, number)

    async def gone(self) -> None:
        """Wait until it has ended; it need not be our child."""
        if hasattr(os, "pidfd_open"):
            try:
                descriptor = os.pidfd_open(self.pid)
            except OSError:
                pass  # gone already, or a kernel without pidfd: the loop below decides
            else:
                try:
                    if self.alive:
                        await _readable(descriptor)
                finally:
                    os.close(descriptor)
        while self.alive:
            await asyncio.sleep(POLL)


@dataclass(frozen=True)
class ProcessExit:
    """How a process ended: its code as a shell would say it, and when."""

    code: int
    at: Micros


class AttemptFiles:
    """The work directory of one attempt."""

    def __init__(self, work_dir: Path) -> None:
        self.root = work_dir
        self.cwd = work_dir / "cwd"
        self.tmp = work_dir / "tmp"

    def make(self) -> None:
        """Make the directories."""
        self.cwd.mkdir(parents=True, exist_ok=True)
        self.tmp.mkdir(exist_ok=True)

    def process(self) -> ProcessId | None:
        """The process that took the attempt; None if none did."""
        body = _read(self.root / PID_FILE)
        return None if body is None else ProcessId(**body)

    def exit(self) -> ProcessExit | None:
        """How that process ended; None if that is not known."""
        body = _read(self.root / EXIT_FILE)
        return None if body is None else ProcessExit(**body)

    async def await_exit(self, seconds: float) -> ProcessExit | None:
        """Wait a little for the zygote of an earlier server to write down what it saw."""
        for _ in range(max(1, round(seconds / 0.02))):
            if (found := self.exit()) is not None:
                return found
            await asyncio.sleep(0.02)
        return self.exit()

    def clear(self) -> None:
        """Remove what the process had for itself; pid and exit stay, so that it is never started again."""
        for directory in (self.cwd, self.tmp):
            shutil.rmtree(directory, ignore_errors=True)


async def kill(process: ProcessId, grace: float) -> None:
    """End a process group: ask, wait `grace` seconds, then insist."""
    process.signal_group(signal.SIGTERM)
    with suppress(asyncio.TimeoutError):
        await asyncio.wait_for(process.gone(), grace)
    process.signal_group(signal.SIGKILL)


async def _readable(descriptor: int) -> None:
    loop = asyncio.get_running_loop()
    event = asyncio.Event()
    loop.add_reader(descriptor, event.set)
    try:
        await event.wait()
    finally:
        loop.remove_reader(descriptor)


def _read(path: Path) -> dict[str, Any] | None:
    try:
        body: dict[str, Any] = json.loads(path.read_text())
    except (OSError, ValueError):
        return None
    return body


def _is_zombie(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as file:  # noqa: PTH123 - read often
            return file.read().rpartition(")")[2].split()[0] in {"Z", "X"}
    except OSError:
        return True
