"""The executor itself: one coroutine per attempt."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from flyte_bridge.embedded.clock import Clock
    from flyte_bridge.embedded.executor.job import AttemptEvent, Job, Outcome, Storage
    from flyte_bridge.embedded.model import ActionKey


class Executor:
    """Runs attempts as subprocesses.

    Args:
        storage: Where the tasks' results are read.
        state_dir: For the forkservers' own logs; made if missing.
        env: Environment of every task: the backend's endpoint and the storage's endpoint and keys.
        clock: The time.
    """

    def __init__(self, storage: Storage, state_dir: Path, *, env: Mapping[str, str], clock: Clock) -> None:
        raise NotImplementedError

    async def start(self) -> None:
        """Begin: after this, `run` may be called. Forkservers are started when first needed."""
        raise NotImplementedError

    async def stop(self, *, kill: bool = True) -> None:
        """End. With `kill` all running processes are killed, else left for the next server to re-attach."""
        raise NotImplementedError

    async def run(self, job: Job, on_event: Callable[[AttemptEvent], None]) -> Outcome:
        """Run one attempt to its end; never raises for what the task did.

        Call it again after a restart of the server, with the same job: it finds the process or its results.
        """
        raise NotImplementedError

    async def kill(self, key: ActionKey) -> bool:
        """Kill the action's process group; its `run` then returns ABORTED. False if the action is not here."""
        raise NotImplementedError

    def set_waiting(self, key: ActionKey, waiting: bool) -> None:
        """Say that an action has unfinished children (it then holds no slot), or that they are all done."""
        raise NotImplementedError
