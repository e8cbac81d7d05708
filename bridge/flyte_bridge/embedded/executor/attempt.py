"""One attempt from beginning to end."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

from flyteidl2.core import tasks_pb2
from flyteidl2.task import common_pb2
from google.protobuf.message import DecodeError

from flyte_bridge.backend.phases import Phase
from flyte_bridge.embedded.executor import attempt_files, copilot, environment, result, sleep, template
from flyte_bridge.embedded.executor.attempt_files import AttemptFiles, ProcessExit, ProcessId
from flyte_bridge.embedded.executor.copilot import CoPilot
from flyte_bridge.embedded.executor.job import AttemptEnding, AttemptEvent, AttemptFailure, AttemptOutcome
from flyte_bridge.embedded.executor.launcher import Command
from flyte_bridge.embedded_client import refusal, target
from flyte_bridge.embedded_client.room import DEFAULT
from flyte_bridge.errors import AlreadyRunning, LaunchError, NoSuchObject, UsageError
from flyte_bridge_translators.flyte1.names import BAD_TASK

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping
    from datetime import timedelta

    from flyteidl2.core.literals_pb2 import Literal

    from flyte_bridge.backend.moments import Micros
    from flyte_bridge.embedded.executor.executor import Executor
    from flyte_bridge.embedded.executor.job import AttemptJob
    from flyte_bridge.embedded_client.room import Room

log = logging.getLogger(__name__)

TIMED_OUT = "TimedOut"
ABORTED = "Aborted"
NOT_STARTED = "LaunchFailed"
RAN = "ran"
STOPPED_FILE = "stopped"
"""Left in the work directory when the server itself ended the process, on its own way out."""

FILE_LIMIT = 1.0
"""Seconds in which an earlier server's zygote has written down how a process that is gone has ended."""


LAST_WORDS = 5_000_000
"""Microseconds from the backend's start in which a process may still end of its being away: it was about to give up."""


class Ended(Exception):
    """Carries an outcome out of a wait."""

    def __init__(self, outcome: AttemptOutcome) -> None:
        self.outcome = outcome


class Attempt:
    """Runs one job; made by the executor, used once."""

    def __init__(self, executor: Executor, job: AttemptJob, on_event: Callable[[AttemptEvent], None]) -> None:
        self.job = job
        self._executor = executor
        self._on_event = on_event
        self._files = AttemptFiles(job.work_dir)
        self._killed = asyncio.Event()
        self._template = tasks_pb2.TaskTemplate()
        self.process: ProcessId | None = None
        self._started_at: Micros | None = None

    def kill(self) -> None:
        """Have it end as aborted."""
        self._killed.set()

    async def end_process(self) -> None:
        """End the process because the server ends; leave word of it for the next one."""
        process = self._files.process()  # ours may not have heard of it yet
        if process is not None and process.alive:
            (self.job.work_dir / STOPPED_FILE).touch()
            await attempt_files.kill(process, self._executor.options.grace)

    async def run(self) -> AttemptOutcome:
        """Run to the end."""
        try:
            self._template.ParseFromString(self.job.template)
        except DecodeError:
            return self._failed(BAD_TASK, f"the template of {self.job.key} is no TaskTemplate")
        try:
            if (process := self._files.process()) is not None:
                return await self._take_over(process)
            goal = target.read(self._template)
            if reason := refusal.refusal(self._template, goal, **self._executor.options.allowed):
                return self._failed(BAD_TASK, reason)
            if self._template.type == refusal.SLEEP:
                return await self._sleep()
            assert goal is not None  # refused otherwise
            await self._room(goal.need)
            self._event(Phase.INITIALIZING)
            return await self._start(goal)
        except Ended as ended:
            return ended.outcome
        except (UsageError, ValueError) as error:
            return self._failed(BAD_TASK, str(error))
        except OSError as error:  # the work directory or the log cannot be made: the disk is full, or not ours
            return self._failed(NOT_STARTED, str(error), system=True, recoverable=True)

    # -- waiting ------------------------------------------------------------------------------------------------------

    async def _room(self, need: Room) -> None:
        slots, key = self._executor.slots, self.job.key
        if slots.try_take(key, need):
            return
        self._event(Phase.WAITING_FOR_RESOURCES)
        await self._until(slots.take(key, need, depth=self.job.depth), self.job.queue_timeout, "waited for room")

    async def _until(self, what: Coroutine[Any, Any, Any], limit: timedelta | None, doing: str) -> None:
        """Wait for something; end the attempt if it is killed or takes too long.

        Args:
            what: What to wait for.
            limit: How long the attempt may be `doing` it. Running is counted from the start of the process.
            doing: A word for it.
        """
        left, words = None, f"longer than its limit of {limit}"
        if limit:
            since = self._started_at if doing == RAN and self._started_at else self._now()
            left = limit.total_seconds() - (self._now() - since) / 1e6
        deadline = self.job.deadline
        if deadline is not None and (left is None or (deadline - self._now()) / 1e6 < left):
            left, words = (deadline - self._now()) / 1e6, "beyond the action's deadline"
        waited, killed = asyncio.ensure_future(what), asyncio.ensure_future(self._killed.wait())
        try:
            timeout = None if left is None else max(0.0, left)
            await asyncio.wait({waited, killed}, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
            if waited.done() and not self._killed.is_set():
                waited.result()
                return
            await self._end_early()
            if self._killed.is_set():
                raise Ended(self._outcome(AttemptEnding.ABORTED, AttemptFailure(ABORTED, "aborted")))
            failure = AttemptFailure(
                TIMED_OUT, f"{self.job.key} {doing} {words}", recoverable=deadline is None or self._now() < deadline
            )
            raise Ended(self._outcome(AttemptEnding.TIMED_OUT, failure))
        finally:
            for task in (waited, killed):
                task.cancel()
            await asyncio.gather(waited, killed, return_exceptions=True)

    async def _end_early(self) -> None:
        if self.process is not None:
            await attempt_files.kill(self.process, self._executor.options.grace)
            await self.process.gone()

    # -- a process ----------------------------------------------------------------------------------------------------

    async def _start(self, goal: target.Target) -> AttemptOutcome:
        files, job = self._files, self.job
        files.make()
        job.log_path.parent.mkdir(parents=True, exist_ok=True)
        interpreters = self._executor.interpreters
        interpreter = interpreters.default if goal.is_driver else interpreters.for_image(goal.image)
        deferred = template.Deferred(self._inputs, self._store_template)
        argv = template.localise(template.render(goal.argv, job, deferred))
        pilot = CoPilot.of(self._template, files.root)
        if pilot is not None:
            await asyncio.to_thread(pilot.prepare, self._inputs(), self._executor.storage)
        env = environment.build(
            job, self._template.id, files, interpreter, base=self._executor.env, template=goal.env,
            flytekit=goal.is_flytekit,
        )  # fmt: skip
        argv, env = copilot.rewritten(pilot, argv, env)
        command = Command(
            argv=argv, env=env, changes={**goal.env, **job.env, **job.secrets}, interpreter=interpreter, cwd=files.cwd,
            log=job.log_path, control=files.root,
        )  # fmt: skip
        try:
            _, ended = await self._executor.launcher.launch(command)
        except AlreadyRunning:
            process = files.process()
            if process is not None:
                return await self._take_over(process)
            raise
        except LaunchError as error:
            return self._failed(NOT_STARTED, str(error), system=True, recoverable=True)
        self.process = files.process()
        self._started_at = self.process.at if self.process else self._now()
        self._event(Phase.RUNNING, pid=self.process.pid if self.process else None)
        await self._until(asyncio.wait({ended}), self.job.timeout, RAN)
        code = ended.result()
        if code is None:  # the forkserver died: the process may live on
            return await self._watch()
        return await self._finish(ProcessExit(code, self._now()))

    async def _take_over(self, process: ProcessId) -> AttemptOutcome:
        """Go on with a process of an earlier server, wherever it is by now."""
        self.process, self._started_at = process, process.at
        self._executor.slots.force(self.job.key, self._need())
        if process.alive:
            self._event(Phase.RUNNING, pid=process.pid, at=process.at, reattached=True)
        return await self._watch()

    async def _watch(self) -> AttemptOutcome:
        assert self.process is not None
        await self._until(self.process.gone(), self.job.timeout, RAN)
        return await self._finish(await self._files.await_exit(FILE_LIMIT))

    async def _finish(self, end: ProcessExit | None) -> AttemptOutcome:
        code, at = (None, self._now()) if end is None else (end.code, end.at)
        if code and (self.job.work_dir / STOPPED_FILE).exists():
            text = "the backend was stopped while it ran; another attempt began with the next start"
            return self._failed(result.SERVER_STOPPED, text, system=True, recoverable=True)
        pilot = CoPilot.of(self._template, self._files.root)
        if pilot is not None and not code:
            await asyncio.to_thread(self._collect, pilot)
        outcome = result.read(
            self.job, self._executor.storage, exit_code=code, ended_at=at, started_at=self._started_at,
            outputs=bool(self._template.interface.outputs.variables),
        )  # fmt: skip
        began = self._executor.started_at
        if self._started_at is None or self._started_at >= began:
            return outcome
        store = self._executor.env.get("FLYTE_AWS_ENDPOINT", "").partition("://")[2]
        return result.while_away(outcome, store, alone=at < began + LAST_WORDS)

    def _collect(self, pilot: CoPilot) -> None:
        """Stores what a container task has left as files, or why it cannot be."""
        storage, prefix = self._executor.storage, self.job.output_prefix
        try:
            outputs = pilot.collect(self._template.interface, template.raw_prefix(self.job), storage)
        except copilot.NoOutputs as error:
            storage.write(f"{prefix}/error.pb", copilot.error_document(error))
        else:
            storage.write(f"{prefix}/outputs.pb", outputs.SerializeToString())

    def _need(self) -> Room:
        try:
            goal = target.read(self._template)
        except ValueError:
            goal = None
        return goal.need if goal else DEFAULT

    # -- no process ---------------------------------------------------------------------------------------------------

    async def _sleep(self) -> AttemptOutcome:
        seconds = sleep.duration(self._inputs())
        began, before = sleep.began(self.job.work_dir, self._now())
        self._started_at = began
        self._event(Phase.RUNNING, at=began, reattached=before)
        left = seconds - (self._now() - began) / 1e6
        await self._until(asyncio.sleep(max(0.0, left)), self.job.timeout, RAN)
        return self._outcome(AttemptEnding.SUCCEEDED)

    # -- words --------------------------------------------------------------------------------------------------------

    def _inputs(self) -> Mapping[str, Literal]:
        uri = template.input_prefix(self.job.input_uri) + "/inputs.pb"
        try:
            data = self._executor.storage.read(uri)
        except NoSuchObject:
            if not self.job.input_uri:
                return {}
            raise UsageError(f"the inputs of {self.job.key} are not at {uri}") from None
        inputs = common_pb2.Inputs.FromString(data)
        return {entry.name: entry.value for entry in inputs.literals}

    def _store_template(self) -> str:
        uri = f"{self.job.output_prefix}/task.pb"
        self._executor.storage.write(uri, self.job.template)
        return uri

    def _event(
        self, phase: Phase, *, pid: int | None = None, at: Micros | None = None, reattached: bool = False
    ) -> None:
        self._on_event(AttemptEvent(phase, at or self._now(), pid, reattached))

    def _failed(self, code: str, message: str, *, system: bool = False, recoverable: bool = False) -> AttemptOutcome:
        return self._outcome(
            AttemptEnding.FAILED, AttemptFailure(code, message, system=system, recoverable=recoverable)
        )

    def _outcome(self, ending: AttemptEnding, failure: AttemptFailure | None = None) -> AttemptOutcome:
        return AttemptOutcome(ending, self._now(), failure, started_at=self._started_at)

    def _now(self) -> Micros:
        return self._executor.clock.now()
