"""The executor itself: which attempts there are, and what they share."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

from flyte_bridge.embedded.clock import Clock, SystemClock
from flyte_bridge.embedded.executor import environment
from flyte_bridge.embedded.executor.attempt import Attempt
from flyte_bridge.embedded.executor.attempt_files import AttemptFiles, kill
from flyte_bridge.embedded.executor.interpreters import Interpreters
from flyte_bridge.embedded.executor.job import AttemptEnding
from flyte_bridge.embedded.executor.launcher import ProcessLauncher
from flyte_bridge.embedded.executor.options import ExecutorOptions
from flyte_bridge.embedded.executor.slots import Slots
from flyte_bridge.embedded_client import target

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from flyteidl2.core.tasks_pb2 import TaskTemplate

    from flyte_bridge.backend.keys import ActionKey
    from flyte_bridge.backend.moments import Micros
    from flyte_bridge.embedded.executor.job import AttemptEvent, AttemptJob, AttemptOutcome, JobStorage


class Executor:
    """Runs attempts as subprocesses.

    Args:
        storage: Where the tasks' results are read.
        log_dir: For the forkservers' own logs; made if missing.
        options: How to run tasks.
        clock: The time.

    Raises:
        ConfigError: The image map names a Python that is not there.
    """

    def __init__(
        self, storage: JobStorage, log_dir: Path, options: ExecutorOptions | None = None, *, clock: Clock | None = None
    ) -> None:
        self.storage = storage
        self.options = options or ExecutorOptions()
        self.clock = clock or SystemClock()
        self.slots = Slots(self.options.capacity)
        self.interpreters = Interpreters(self.options.images)
        self.env: Mapping[str, str] = {}
        self.started_at: Micros = 0
        self._log_dir = log_dir
        self._launcher: ProcessLauncher | None = None
        self._attempts: dict[ActionKey, Attempt] = {}
        self._runs: set[asyncio.Task[AttemptOutcome]] = set()
        self._left: list[Attempt] = []

    @property
    def launcher(self) -> ProcessLauncher:
        """What starts processes; there once started."""
        if self._launcher is None:
            raise RuntimeError("Executor.start was not called")
        return self._launcher

    async def start(self, env: Mapping[str, str], *, warm: tuple[str, ...] = ()) -> None:
        """Begin: after this, `run` may be called.

        Args:
            env: What every task is told about the backend; see `environment.backend`.
            warm: Forkservers (`flyte`, `flytekit`) to start now; the others are started when first needed.
        """
        self.started_at = self.clock.now()
        self.env = {**environment.machine(self.options.pass_env), **env}
        self._launcher = ProcessLauncher(
            self.env, self._log_dir, ephemeral=self.options.ephemeral, forkservers=self.options.forkservers
        )
        for flavour in warm:
            self._launcher.warm(flavour)

    def expect(self, template: TaskTemplate) -> None:
        """Say that a task may be run soon: the forkserver for it begins its imports, unless it is there already."""
        with suppress(ValueError):  # what it requests is no quantity; said when it is run
            goal = target.read(template)
            if goal is None or not goal.argv or self._launcher is None:
                return
            if goal.is_driver or self.interpreters.for_image(goal.image).ours:
                self._launcher.expect(goal.argv[0])

    async def stop(self, *, kill: bool = True) -> None:
        """End. What still runs is killed, or with `kill=False` left for the next server.

        Every open `run` raises `CancelledError`; record nothing of it. The next server's `run` of the same attempt
        finds the process,
        its results, or that it was stopped, which is a system failure.
        """
        if kill:  # before the runs are cancelled, so that none of them starts a process meanwhile unseen
            await asyncio.gather(*(attempt.end_process() for attempt in self._attempts.values()))
        runs = list(self._runs)
        for run in runs:
            run.cancel()
        await asyncio.gather(*runs, return_exceptions=True)
        if kill:  # and what was left alone by a cancelled run
            await asyncio.gather(*(attempt.end_process() for attempt in self._left))
        self._left.clear()
        if self._launcher is not None:
            await self._launcher.stop()
            self._launcher = None

    async def run(self, job: AttemptJob, on_event: Callable[[AttemptEvent], None]) -> AttemptOutcome:
        """Run one attempt to its end; never raises for what the task did.

        Call it again after a restart of the server, with the same job: it finds the process or its results.
        A cancelled `run` leaves the process alone; `stop` ends it.
        """
        if job.key in self._attempts:
            raise RuntimeError(f"{job.key} runs already; an action has one attempt at a time")
        attempt = self._attempts[job.key] = Attempt(self, job, on_event)
        run = asyncio.ensure_future(attempt.run())
        self._runs.add(run)
        try:
            outcome = await run
        except asyncio.CancelledError:
            self._left.append(attempt)
            raise
        finally:
            run.cancel()
            self._runs.discard(run)
            self.slots.release(job.key)
            del self._attempts[job.key]
        if outcome.ending is AttemptEnding.SUCCEEDED and not self.options.keep_work:
            await asyncio.to_thread(AttemptFiles(job.work_dir).clear)
        return outcome

    async def kill(self, key: ActionKey) -> bool:
        """Kill the action's process group; its `run` then returns ABORTED. False if the action does not run here."""
        attempt = self._attempts.get(key)
        if attempt is None:
            return False
        attempt.kill()
        return True

    async def end_leftover(self, work_dir: Path) -> None:
        """End the process of an attempt that an earlier server began and that is not wanted any more."""
        process = AttemptFiles(work_dir).process()
        if process is not None and process.alive:
            await kill(process, self.options.grace)

    def set_waiting(self, key: ActionKey, waiting: bool) -> None:
        """Say that an action has unfinished children (it then holds no room), or that they are all done."""
        with suppress(KeyError):
            (self.slots.pause if waiting else self.slots.resume)(key)
