"""The life of one task action: cache, attempts, retries, time limits, and its end.

The executor runs one attempt; what follows from it is decided here:

| an attempt … | then |
|---|---|
| succeeded | the action succeeded |
| failed, recoverable | another attempt while the task's retries last, after its backoff |
| failed, not recoverable | the action failed |
| failed by the system (process lost, no result) | another, up to `MAX_SYSTEM_FAILURES` without progress, retries untouched |
| was ended because the backend stopped | another with the next start, however often |
| ran longer than `timeout`, waited longer than `queued_timeout` | as failed and recoverable; the last is TIMED_OUT |
| was running at the action's `deadline` | the action is TIMED_OUT, whatever retries are left |

Each step is in the store before the next begins, and `ActionRecord.attempts` is the attempt that has to be run (again):
so a restarted server goes on where the killed one was.
"""

from __future__ import annotations

import asyncio
import logging
import shutil
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from flyteidl2.core import catalog_pb2, tasks_pb2
from flyteidl2.task import common_pb2, run_pb2, task_definition_pb2
from flyteidl2.workflow import run_definition_pb2 as pb

from flyte_bridge.backend import hashing
from flyte_bridge.backend.moments import to_datetime, to_timestamp
from flyte_bridge.backend.phases import Phase
from flyte_bridge.embedded import limits, retries
from flyte_bridge.embedded.attempts import fold
from flyte_bridge.embedded.events import StatusChange
from flyte_bridge.embedded.executor import AttemptEnding, AttemptEvent, AttemptFailure, AttemptJob, AttemptOutcome
from flyte_bridge.embedded.faults import Fault
from flyte_bridge.embedded.inputs import inputs_file
from flyte_bridge.embedded.layout import Layout, output_prefix
from flyte_bridge.embedded.model import EventKind
from flyte_bridge.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from flyte_bridge.backend.keys import ActionKey
    from flyte_bridge.backend.moments import Micros
    from flyte_bridge.embedded.behaviour import Behaviour
    from flyte_bridge.embedded.cached_results import Memo
    from flyte_bridge.embedded.clock import Clock
    from flyte_bridge.embedded.executor import Executor
    from flyte_bridge.embedded.gate import ConcurrencyGate
    from flyte_bridge.embedded.inputs import Objects
    from flyte_bridge.embedded.ledger import Ledger
    from flyte_bridge.embedded.model import ActionRecord

CLUSTER = "embedded"
"""What attempts name as their cluster."""

_DISK_FULL_PAUSE = 1.0
"""Seconds between tries to write down a result that the disk has no room for."""

_log = logging.getLogger("flyte_bridge.embedded.attempt_loop")


@dataclass(frozen=True)
class Parts:
    """What a life needs of the backend.

    Attributes:
        secrets: A task's security context, project and domain → the environment variables that carry its secrets;
            raises a `Fault` if one is not there.
        console: An action and an attempt → the address of its log for people.
        behaviour: What this backend does its own way, or as another.
    """

    ledger: Ledger
    objects: Objects
    executor: Executor
    memo: Memo
    layout: Layout
    clock: Clock
    secrets: Callable[[tasks_pb2.TaskTemplate, ActionKey], Mapping[str, str]]
    console: Callable[[ActionKey, int], str]
    behaviour: Behaviour


class Life:
    """One task action, from QUEUED to its end."""

    def __init__(self, parts: Parts, record: ActionRecord, run_spec: bytes, depth: int, gate: ConcurrencyGate) -> None:
        """Prepares; `run` does it.

        Args:
            parts: The backend's.
            record: The action as it stands.
            run_spec: Serialized `task.RunSpec` of its run.
            depth: How far below the root it is.
            gate: Its run's.
        """
        self._parts = parts
        self._record = record
        self._key = record.key
        self._depth = depth
        self._gate = gate
        self._run_spec = run_pb2.RunSpec.FromString(run_spec)
        spec = task_definition_pb2.TaskSpec.FromString(parts.ledger.task_spec(record))
        self._template = spec.task_template
        self._metadata = parts.behaviour.metadata(self._template.metadata)
        self._limits = limits.Limits(self._metadata, record.created_at, parts.clock)

    async def run(self) -> None:
        """Lives it to the end. Cancelled, it leaves the store as it is: the next server goes on."""
        try:
            if self._is_new and self._recovered_from_cache():
                return
            await self._pause()
            async with self._parts.memo.turn(self._memo_key if self._metadata.cache_serializable else ""):
                # another may have been at work on the same key while this one waited for its turn
                if self._metadata.cache_serializable and self._is_new and self._recovered_from_cache():
                    return
                await self._attempts()
        except Fault as fault:
            await self._end(AttemptFailure("Refused", str(fault)))
        except Exception as error:
            _log.exception("%s", self._key)
            text = f"a defect of flyte-bridge's embedded backend: {type(error).__name__}: {error}"
            await self._end(AttemptFailure("EngineFailure", text, system=True))

    # -- attempts -----------------------------------------------------------------------------------------------------

    async def _attempts(self) -> None:
        while True:
            number = self._record.attempts
            outcome, end = await self._attempt(number)
            if await self._started_anew(number, outcome):
                continue
            change = self._conclusion(number, outcome)
            # written as one: a server killed between the attempt's end and what follows from it would have to guess
            await self._write(partial(self._note, number, _PHASES[outcome.ending], end, change))
            if change.phase.terminal or self._is_over():
                return
            await self._pause()

    async def _attempt(self, number: int) -> tuple[AttemptOutcome, bytes]:
        """One attempt within its limits: how it ended, and the `ActionEvent` that says so."""
        job = self._job(number)
        version = 0

        def on_event(event: AttemptEvent) -> None:
            nonlocal version
            version += 1
            started = event.at if event.phase is Phase.RUNNING else None
            body = self._event(number, event.phase, event.at, version, started_at=started)
            try:
                self._note(number, event.phase, body.SerializeToString(), StatusChange(event.phase, started_at=started))
            except StoreError:
                # no room on the disk: the attempt's end will be written down, and its result is a file already
                _log.warning("%s: %s is not recorded", self._key, event.phase.name, exc_info=True)

        if self._record.phase is Phase.QUEUED:
            queued = self._event(number, Phase.QUEUED, self._parts.clock.now(), version).SerializeToString()
            await self._write(lambda: self._parts.ledger.log_attempt(self._record, number, Phase.QUEUED, queued))
        outcome = await self._limited(number, job, on_event)
        end = self._event(number, _PHASES[outcome.ending], outcome.ended_at, version + 1, started_at=outcome.started_at)
        end.end_time.CopyFrom(to_timestamp(outcome.ended_at))
        if outcome.failure is not None:
            end.error_info.CopyFrom(_error(outcome.failure))
        end.outputs.output_uri, end.outputs.report_uri = outcome.outputs_uri, outcome.report_uri
        end.cache_status = self._record.cache_status
        return outcome, end.SerializeToString()

    async def _started_anew(self, number: int, outcome: AttemptOutcome) -> bool:
        """Whether a process that has crashed is started again in the same attempt, after a pause; not this backend's way."""
        pause = self._parts.behaviour.restart_after(self._job(number), outcome, self._parts.objects)
        if pause is None or self._is_over():
            return False
        await asyncio.sleep(pause)
        shutil.rmtree(self._parts.layout.work_dir(self._key, number), ignore_errors=True)
        return not self._is_over()

    def _conclusion(self, number: int, outcome: AttemptOutcome) -> StatusChange:
        """What follows for the action from how its attempt ended."""
        if outcome.ending is AttemptEnding.SUCCEEDED:
            return self._success(number, outcome)
        failure = outcome.failure or AttemptFailure("Unknown", f"the attempt was {outcome.ending.value}", system=True)
        may_retry = int(self._metadata.retries.retries)
        if retries.goes_on(self._parts.ledger, self._record, number, failure, may_retry):
            return StatusChange(Phase.QUEUED, attempts=number + 1)
        phase = Phase.TIMED_OUT if outcome.ending is AttemptEnding.TIMED_OUT else Phase.FAILED
        error = _error(failure).SerializeToString()
        return StatusChange(phase, outcome.started_at, error=error, report_uri=outcome.report_uri or None)

    def _success(self, number: int, outcome: AttemptOutcome) -> StatusChange:
        prefix = output_prefix(self._record.run_output_base, self._key, number)
        status = self._record.cache_status
        if self._metadata.discoverable and outcome.outputs_uri:
            kept = self._parts.memo.keep(self._key, number, self._memo_key, prefix, self._template)
            status = catalog_pb2.CACHE_POPULATED if kept else catalog_pb2.CACHE_PUT_FAILURE
        return StatusChange(
            Phase.SUCCEEDED,
            outcome.started_at,
            outcome.ended_at,
            cache_status=status,
            output_uri=prefix,
            report_uri=outcome.report_uri,
        )

    async def _limited(self, number: int, job: AttemptJob, on_event: Callable[[AttemptEvent], None]) -> AttemptOutcome:
        """Runs the executor's attempt when it is the run's turn, within the task's limits."""
        began: set[Phase] = set()

        def listen(event: AttemptEvent) -> None:
            began.add(event.phase)
            on_event(event)

        async def run() -> AttemptOutcome:
            async with self._gate.passed(self._key):
                outcome = await self._parts.executor.run(job, listen)
            declares = bool(self._template.interface.outputs.variables)
            return self._parts.behaviour.outcome(job, outcome, self._parts.objects, declares=declares)

        return await self._limits.hold(
            asyncio.ensure_future(run()),
            number,
            has_begun=lambda: bool(began & {Phase.INITIALIZING, Phase.RUNNING}),
            kill=lambda: self._parts.executor.kill(self._key),
        )

    async def _pause(self) -> None:
        """Waits for the backoff of a retry."""
        if self._record.phase is Phase.QUEUED:
            rest = retries.begins_at(self._record, self._metadata.retries) - self._parts.clock.now()
            if rest > 0:
                await asyncio.sleep(rest / 1e6)

    def _job(self, number: int) -> AttemptJob:
        parts, key = self._parts, self._key
        base = self._record.run_output_base
        prefix = output_prefix(base, key, number)
        raw = self._run_spec.raw_data_storage.raw_data_prefix
        start = self._run_spec.run_start_time
        return AttemptJob(
            key=key,
            attempt=number,
            template=self._template.SerializeToString(),
            input_uri=self._record.input_uri,
            output_prefix=prefix,
            run_output_base=base,
            run_start_time=to_datetime(retries.micros(start) if start.seconds else self._record.created_at),
            work_dir=parts.layout.work_dir(key, number),
            log_path=parts.layout.log(key, number),
            raw_prefix=f"{raw.rstrip('/')}/{key.run}/{key.name}/{number}" if raw else "",
            previous_checkpoint_prefix=f"{output_prefix(base, key, number - 1)}/_flytecheckpoints"
            if number > 1
            else "",
            env={pair.key: pair.value for pair in self._run_spec.envs.values},
            secrets=parts.secrets(self._template, key),
            timeout=self._metadata.timeout.ToTimedelta() if self._metadata.HasField("timeout") else None,
            depth=self._depth,
        )

    # -- the cache ----------------------------------------------------------------------------------------------------

    @property
    def _is_new(self) -> bool:
        return self._record.attempts == 1 and self._record.phase is Phase.QUEUED

    @property
    def _memo_key(self) -> str:
        """The full key; empty if the task is not cached.

        A caller's cache key need not tell inputs apart (the bridge's driver gives Flyte 1's cache version), so name,
        interface and inputs take part here, as in the real executor.
        """
        if not self._metadata.discoverable:
            return ""
        message = common_pb2.Inputs.FromString(self._parts.objects.read(inputs_file(self._record.input_uri)))
        own = hashing.cache_key(self._template, hashing.inputs(message, list(self._metadata.cache_ignore_input_vars)))
        return hashing.digest(f"{own}:{self._record.cache_key}")

    def _recovered_from_cache(self) -> bool:
        """Ends the action with a cached output, if there is one it may use."""
        if not self._metadata.discoverable:
            return False
        overwrite = self._run_spec.overwrite_cache or self._run_spec.cache_config.overwrite_cache
        if overwrite:
            self._record = self._with_cache_status(catalog_pb2.CACHE_SKIPPED)
            return False
        is_global = self._run_spec.cache_config.cache_lookup_scope == run_pb2.CACHE_LOOKUP_SCOPE_GLOBAL
        prefix = output_prefix(self._record.run_output_base, self._key, 1)
        hit = self._parts.memo.recall(
            self._key, self._memo_key, prefix, max_age=limits.micros(self._metadata.cache_max_age), anywhere=is_global
        )
        if hit is None:
            self._record = self._with_cache_status(catalog_pb2.CACHE_MISS)
            return False
        now = self._parts.clock.now()
        event = self._event(1, Phase.SUCCEEDED, now, 0, started_at=now)
        event.outputs.output_uri = f"{prefix}/outputs.pb"
        event.cache_status = catalog_pb2.CACHE_HIT
        event.cache_metadata.CopyFrom(hit)
        change = StatusChange(Phase.SUCCEEDED, now, now, cache_status=catalog_pb2.CACHE_HIT, output_uri=prefix)
        del event.log_info[:]  # nothing ran, so there is no log
        self._note(1, Phase.SUCCEEDED, event.SerializeToString(), change)
        return True

    def _with_cache_status(self, status: catalog_pb2.CatalogCacheStatus) -> ActionRecord:
        return self._change(StatusChange(self._record.phase, cache_status=status)) or self._record

    # -- writing it down ----------------------------------------------------------------------------------------------

    async def _end(self, failure: AttemptFailure) -> None:
        error = _error(failure).SerializeToString()
        await self._write(lambda: self._change(StatusChange(Phase.FAILED, error=error)))

    def _change(self, change: StatusChange) -> ActionRecord | None:
        after = self._parts.ledger.change(self._key, change)
        if after is not None:
            self._record = after
        return after

    def _note(self, number: int, phase: Phase, event: bytes, change: StatusChange) -> None:
        """Writes down what happened to an attempt, and what that changes about the action."""
        with self._parts.ledger.store.transaction():
            self._parts.ledger.log_attempt(self._record, number, phase, event)
            self._change(change)

    async def _write(self, call: Callable[[], Any]) -> Any:
        """Writes, and keeps trying while the disk is full: a result must not get lost because of that."""
        while True:
            try:
                return call()
            except StoreError as error:  # noqa: PERF203 - it is a loop of retries
                if "full" not in str(error):
                    raise
                _log.warning("%s: %s; trying again", self._key, error)
                await asyncio.sleep(_DISK_FULL_PAUSE)

    def _is_over(self) -> bool:
        record = self._parts.ledger.find(self._key)
        return record is None or record.phase.terminal

    def _event(
        self, number: int, phase: Phase, at: Micros, version: int, started_at: Micros | None = None
    ) -> pb.ActionEvent:
        event = pb.ActionEvent(
            attempt=number,
            phase=phase.number,
            version=version,
            updated_time=to_timestamp(at),
            reported_time=to_timestamp(self._parts.clock.now()),
            cluster=CLUSTER,
        )
        if started_at is not None:
            event.start_time.CopyFrom(to_timestamp(started_at))
        if phase not in {Phase.QUEUED, Phase.WAITING_FOR_RESOURCES}:
            event.log_info.add(uri=self._parts.console(self._key, number), name="log", ready=True)
        return event


def abandon(parts: Parts, record: ActionRecord) -> None:
    """Writes the end of an attempt that nobody lives any more, because its action was aborted."""
    before = fold(parts.ledger.entries(record, EventKind.ATTEMPT))
    if not before or before[-1].attempt != record.attempts or Phase(before[-1].phase).terminal:
        return
    at = to_timestamp(record.ended_at or parts.clock.now())
    end = pb.ActionEvent(
        attempt=record.attempts, phase=Phase.ABORTED.number, updated_time=at, end_time=at, cluster=CLUSTER
    )
    parts.ledger.log_attempt(record, record.attempts, Phase.ABORTED, end.SerializeToString())


_PHASES = {
    AttemptEnding.SUCCEEDED: Phase.SUCCEEDED,
    AttemptEnding.FAILED: Phase.FAILED,
    AttemptEnding.TIMED_OUT: Phase.TIMED_OUT,
    AttemptEnding.ABORTED: Phase.ABORTED,
}


def _error(failure: AttemptFailure) -> pb.ErrorInfo:
    kind = pb.ErrorInfo.KIND_SYSTEM if failure.system else pb.ErrorInfo.KIND_USER
    return pb.ErrorInfo(code=failure.code, message=failure.message, kind=kind)
