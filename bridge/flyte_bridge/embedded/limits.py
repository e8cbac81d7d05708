"""How long a task may take: per attempt in the queue and at work, and over all attempts.

| the SDK's `Timeout` | on the wire | ends | then |
|---|---|---|---|
| `max_runtime` | `TaskMetadata.timeout` | an attempt, by the executor | as any failure that another attempt may mend |
| `max_queued_time` | `TimeoutStrategy.queued_timeout` | an attempt that has not begun | the same |
| `deadline` | `TimeoutStrategy.deadline` | the action, counted from its creation | the end |

The codes are those the SDK makes its exceptions of (`flyte/_internal/runtime/convert.py`).
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from flyte_bridge.embedded.executor import AttemptEnding, AttemptFailure, AttemptOutcome

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from flyteidl2.core import tasks_pb2

    from flyte_bridge.backend.moments import Micros
    from flyte_bridge.embedded.clock import Clock

QUEUED = "QUEUED_TIMEOUT_EXCEEDED"
RUNTIME = "MAX_RUNTIME_EXCEEDED"
DEADLINE = "DEADLINE_EXCEEDED"


def micros(duration: Any) -> int:
    """A protobuf duration in microseconds."""
    return int(duration.seconds) * 1_000_000 + int(duration.nanos) // 1000


class Limits:
    """The limits of one action."""

    def __init__(self, metadata: tasks_pb2.TaskMetadata, created_at: Micros, clock: Clock) -> None:
        self._runtime = micros(metadata.timeout)
        self._queued = micros(metadata.timeouts.queued_timeout)
        self._deadline = micros(metadata.timeouts.deadline)
        self._created_at = created_at
        self._clock = clock

    async def hold(
        self,
        running: asyncio.Future[AttemptOutcome],
        number: int,
        has_begun: Callable[[], bool],
        kill: Callable[[], Awaitable[bool]],
    ) -> AttemptOutcome:
        """Waits for an attempt, and ends it when it is over a limit.

        Args:
            running: The attempt; cancelled when this is.
            number: Which one it is.
            has_begun: Tells whether it is out of the queue.
            kill: Ends its process, upon which it ends; False if it has none.
        """
        try:
            for at, failure in sorted(self._ends(number), key=lambda one: one[0]):
                await asyncio.wait({running}, timeout=max(0.0, (at - self._clock.now()) / 1e6))
                if running.done():
                    break
                if failure.code == QUEUED and has_begun():
                    continue
                started_at = None
                if await kill():
                    last = await running
                    if last.ending is AttemptEnding.SUCCEEDED:  # it was quicker than the kill
                        return last
                    started_at = last.started_at
                return AttemptOutcome(AttemptEnding.TIMED_OUT, self._clock.now(), failure, started_at=started_at)
            return self._named(await running)
        finally:
            if not running.done():
                running.cancel()

    def _ends(self, number: int) -> list[tuple[Micros, AttemptFailure]]:
        ends = []
        if self._queued:
            text = f"attempt {number} waited longer than its queue timeout of {timedelta(microseconds=self._queued)}"
            ends.append((self._clock.now() + self._queued, AttemptFailure(QUEUED, text, recoverable=True)))
        if self._deadline:
            text = f"the action did not end within its deadline of {timedelta(microseconds=self._deadline)}"
            ends.append((self._created_at + self._deadline, AttemptFailure(DEADLINE, text)))
        return ends

    def _named(self, outcome: AttemptOutcome) -> AttemptOutcome:
        """A time-out of the executor's with the code that tells the SDK which of its exceptions to raise."""
        if outcome.ending is not AttemptEnding.TIMED_OUT:
            return outcome
        text = f"it ran longer than its timeout of {timedelta(microseconds=self._runtime)}"
        return replace(outcome, failure=AttemptFailure(RUNTIME, text, recoverable=True))
