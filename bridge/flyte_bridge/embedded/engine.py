"""The engine: takes in runs and actions, keeps each alive until its end, and cascades the ends.

Every action that is not at its end has one thing that will bring it there: a task its `Life` (a coroutine), a condition
its deadline (a timer) or a signal. All of it can be made anew from the store: `start` does so.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from flyteidl2.common import identity_pb2
from flyteidl2.core import execution_pb2, literals_pb2
from flyteidl2.task import run_pb2
from flyteidl2.workflow import run_definition_pb2 as pb

from flyte_bridge.backend.keys import ROOT
from flyte_bridge.backend.phases import Phase
from flyte_bridge.embedded.attempt_loop import Life, Parts, abandon
from flyte_bridge.embedded.enqueue import trace_phase
from flyte_bridge.embedded.events import StatusChange
from flyte_bridge.embedded.faults import AlreadyExists, InvalidRequest, NotFound, NotNow
from flyte_bridge.embedded.gate import ConcurrencyGate
from flyte_bridge.embedded.inputs import mismatch
from flyte_bridge.embedded.ledger import ActionExists
from flyte_bridge.embedded.model import ActionType
from flyte_bridge.errors import ObjectError, StoreError

if TYPE_CHECKING:
    from flyteidl2.actions import actions_service_pb2
    from flyteidl2.workflow import run_service_pb2

    from flyte_bridge.backend.keys import ActionKey, RunKey
    from flyte_bridge.embedded.enqueue import Intake, New
    from flyte_bridge.embedded.model import ActionRecord
    from flyte_bridge.embedded.watch import Hub

_PAUSE = 1.0
"""Seconds until a time-out that could not be written is tried again."""

_log = logging.getLogger("flyte_bridge.embedded.engine")


@dataclass
class _Open:
    """What the engine holds of an action that has not ended."""

    record: ActionRecord
    depth: int
    children: int = 0
    life: asyncio.Task[None] | None = None
    timer: asyncio.TimerHandle | None = None


class Engine:
    """Runs what is given to it."""

    def __init__(self, parts: Parts, intake: Intake, hub: Hub) -> None:
        """Listens for changes; `start` begins.

        Args:
            parts: What lives need.
            intake: Turns requests into records.
            hub: Tells of every change, whoever made it.
        """
        self._parts = parts
        self._ledger = parts.ledger
        self._intake = intake
        self._open: dict[ActionKey, _Open] = {}
        self._gates: dict[RunKey, ConcurrencyGate] = {}
        self.hub = hub
        self._stopping = False
        self._killing: set[asyncio.Task[None]] = set()  # held, because the event loop holds its tasks weakly
        hub.listen(self._changed)

    async def start(self) -> None:
        """Takes up every action that an earlier server left open, and ends what it had no time to end."""
        leftover = self._ledger.aborted_without_end()
        work_dirs = [self._parts.layout.work_dir(record.key, record.attempts) for record in leftover]
        await asyncio.gather(*(self._parts.executor.end_leftover(work_dir) for work_dir in work_dirs))
        for record in leftover:
            abandon(self._parts, record)
        for record in self._ledger.open_actions():
            self._adopt(record)

    async def stop(self) -> None:
        """Lets go of everything; the store knows where each action was."""
        self._stopping = True
        lives = [held.life for held in self._open.values() if held.life is not None]
        for held in self._open.values():
            if held.timer is not None:
                held.timer.cancel()
        for life in lives:
            life.cancel()
        await asyncio.gather(*lives, return_exceptions=True)

    # -- taking in ----------------------------------------------------------------------------------------------------

    def create_run(self, request: run_service_pb2.CreateRunRequest, subject: str) -> ActionRecord:
        """Makes a run and sets it going.

        Args:
            request: As `RunService.CreateRun` has it.
            subject: Who asks.

        Raises:
            InvalidRequest, NotFound, AlreadyExists: As `Intake.run`; nothing was changed.
        """
        new = self._intake.run(request, subject)
        if new.inputs is not None:
            self._parts.objects.write(f"{new.record.input_uri}/inputs.pb", new.inputs)
        with self._ledger.store.transaction():
            record = self._create(new)
            if record.trigger is not None:
                self._intake.triggers.triggered(record.trigger)
        return record

    def enqueue(self, request: actions_service_pb2.EnqueueRequest) -> ActionRecord:
        """Takes in a child: a task to run, a trace to record, a condition to wait for.

        Raises:
            InvalidRequest, NotFound, RunEnded, AlreadyExists: As `Intake.child`; nothing was changed.
        """
        new = self._intake.child(request)
        end = self._end_of_trace(new) if new.record.type is ActionType.TRACE else None
        with self._ledger.store.transaction():
            record = self._create(new)
            source = new.source
            if source is not None:
                end = StatusChange(
                    Phase.RECOVERED,
                    output_uri=source.output_uri,
                    report_uri=source.report_uri,
                    signal=source.signal or None,
                    recovered_from=str(source.key),
                )
            if end is not None:
                record = self._ledger.change(record.key, end) or record
        return record

    def take_over_traces(self, parent: ActionKey) -> None:
        """Puts in place what a parent in a recovering run need not trace again."""
        for record, source in self._intake.recovery.traces(parent):
            change = StatusChange(Phase.RECOVERED, recovered_from=str(source.key))
            with self._ledger.store.transaction():
                self._ledger.create(record)
                self._ledger.change(record.key, change)

    def _create(self, new: New) -> ActionRecord:
        try:
            return self._ledger.create(new.record, task_spec=new.task_spec, labels=new.labels)
        except ActionExists as error:
            raise AlreadyExists(f"{error}; nothing was changed") from None

    def _end_of_trace(self, new: New) -> StatusChange:
        """A trace has ended when it is recorded; a failed one's error lies beside where its outputs would be."""
        trace = pb.TraceAction.FromString(new.record.spec)
        ended = trace.end_time
        at = int(ended.seconds) * 1_000_000 + int(ended.nanos) // 1000 if trace.HasField("end_time") else None
        phase = self._parts.behaviour.trace_phase(trace_phase(trace))
        error = None
        if phase is Phase.FAILED:
            error = self._trace_error(f"{new.record.run_output_base}/{new.record.key.name}/error.pb")
        return StatusChange(phase, ended_at=at, error=error)

    def _trace_error(self, uri: str) -> bytes | None:
        with contextlib.suppress(ObjectError):
            document = execution_pb2.ErrorDocument.FromString(self._parts.objects.read(uri))
            kind = (
                pb.ErrorInfo.KIND_SYSTEM
                if document.error.origin == execution_pb2.ExecutionError.SYSTEM
                else (pb.ErrorInfo.KIND_USER)
            )
            info = pb.ErrorInfo(code=document.error.code, message=document.error.message, kind=kind)
            return bytes(info.SerializeToString())
        return None

    # -- ending -------------------------------------------------------------------------------------------------------

    async def abort(self, key: ActionKey, reason: str, subject: str) -> None:
        """Ends an action and everything below it.

        Args:
            key: The action; the root for a whole run.
            reason: For people.
            subject: Who asks.

        Raises:
            NotFound: It does not exist.
            NotNow: It has ended already; nothing was changed. (The real backend would overwrite its phase.)
        """
        record = self._ledger.find(key)
        if record is None:
            raise NotFound(f"action {key} does not exist")
        if record.phase.terminal:
            raise NotNow(f"action {key} has ended already ({record.phase.name}) and cannot be aborted")
        self._abort_all(self._ledger.subtree(key), reason, subject)
        await asyncio.sleep(0)  # let the kills begin before the caller is answered

    def _abort_all(self, records: list[ActionRecord], reason: str, subject: str) -> None:
        info = pb.AbortInfo(reason=reason)
        if subject:
            info.aborted_by.user.id.subject = subject
        # the phase first, then the processes: a server killed in between finds in the store what it has to end
        self._ledger.change_all(records, StatusChange(Phase.ABORTED, abort=info.SerializeToString()))

    def signal(self, key: ActionKey, value: literals_pb2.Literal, subject: str) -> None:
        """Answers a condition.

        Args:
            key: The condition's action.
            value: A primitive of the declared type.
            subject: Who answers.

        Raises:
            NotFound: There is no such action.
            InvalidRequest: The value is empty or of another type.
            NotNow: It is no condition, has ended, or was answered differently. The same answer again is no error.
        """
        record = self._ledger.find(key)
        if record is None:
            raise NotFound(f"condition {key} does not exist (or not yet: its task has to register it first)")
        if record.type is not ActionType.CONDITION:
            raise NotNow(f"action {key} is no condition, so it cannot be signalled")
        condition = pb.ConditionAction.FromString(record.spec)
        wrong = mismatch(condition.type, value)
        if value.WhichOneof("value") != "scalar" or value.scalar.WhichOneof("value") != "primitive" or wrong:
            raise InvalidRequest(f"condition {condition.name!r} takes {wrong or 'a boolean, integer, float or string'}")
        if record.phase.terminal:
            before = pb.SignalInfo.FromString(record.signal).output if record.signal else None
            if before is not None and before == value:
                return
            said = (
                "was signalled already, with another value"
                if before is not None
                else f"has ended ({record.phase.name})"
            )
            raise NotNow(f"condition {condition.name!r} ({key}) {said}")
        info = pb.SignalInfo(output=value, signalled_by=_identity(subject))
        self._ledger.change(key, StatusChange(Phase.SUCCEEDED, signal=info.SerializeToString()))

    # -- what changes -------------------------------------------------------------------------------------------------

    def _changed(self, record: ActionRecord) -> None:
        """Every committed change passes here, whichever service made it."""
        held = self._open.get(record.key)
        if not record.phase.terminal:
            if held is None:
                self._adopt(record)
            else:
                held.record = record
                if held.children and record.phase is Phase.RUNNING:
                    # re-attached after a restart: its children were there before it had room to give back
                    self._set_waiting(record.key, True)
        elif held is not None:
            self._release(held, record)

    def _adopt(self, record: ActionRecord) -> None:
        """Holds an open action, and starts what will end it."""
        parent = self._open.get(record.key.sibling(record.parent)) if record.parent else None
        held = _Open(record, depth=parent.depth + 1 if parent else 0)
        self._open[record.key] = held
        if parent is not None:
            parent.children += 1
            if parent.children == 1:
                self._set_waiting(parent.record.key, True)
        # begun on the next turn: a recovered child, made and ended in one transaction, never begins
        loop = asyncio.get_running_loop()
        if record.type is ActionType.TASK:
            loop.call_soon(self._begin, held)
        elif record.type is ActionType.CONDITION:
            self._set_timer(held)

    def _begin(self, held: _Open) -> None:
        if self._stopping or self._open.get(held.record.key) is not held or held.life is not None:
            return
        root = self._ledger.find(held.record.key.sibling(ROOT))
        run_spec = held.record.run_spec or (root.run_spec if root else b"")
        if _is_external(held.record):
            return
        if held.record.parent is None and not self._parts.behaviour.begins(held.record, self._ledger):
            return
        life = Life(self._parts, held.record, run_spec, held.depth, self._gate(held.record.key, root))
        held.life = asyncio.ensure_future(life.run())

    def _gate(self, key: ActionKey, root: ActionRecord | None) -> ConcurrencyGate:
        run = key.run_key
        if run not in self._gates:
            spec = run_pb2.RunSpec.FromString(root.run_spec) if root is not None else run_pb2.RunSpec()
            self._gates[run] = ConcurrencyGate(spec.max_action_concurrency)
        return self._gates[run]

    def _set_waiting(self, key: ActionKey, waiting: bool) -> None:
        self._parts.executor.set_waiting(key, waiting)
        if key.run_key in self._gates:
            self._gates[key.run_key].wait(key, waiting)

    def _set_timer(self, held: _Open) -> None:
        condition = pb.ConditionAction.FromString(held.record.spec)
        timeout = condition.timeout.seconds + condition.timeout.nanos / 1e9
        if timeout <= 0:
            return
        left = held.record.created_at / 1e6 + timeout - self._parts.clock.now() / 1e6
        held.timer = asyncio.get_running_loop().call_later(max(0.0, left), self._time_out, held.record.key, timeout)

    def _time_out(self, key: ActionKey, timeout: float) -> None:
        error = pb.ErrorInfo(
            code="ConditionTimedOut",
            message=f"nobody signalled it within {timeout:g} s",
            kind=pb.ErrorInfo.KIND_USER,
        )
        try:
            self._ledger.change(key, StatusChange(Phase.TIMED_OUT, error=error.SerializeToString()))
        except StoreError:
            _log.warning("%s: its time-out is not recorded; trying again", key, exc_info=True)
            asyncio.get_running_loop().call_later(_PAUSE, self._time_out, key, timeout)

    def _release(self, held: _Open, record: ActionRecord) -> None:
        """Lets go of an action that has ended, and ends what was only there for it."""
        del self._open[record.key]
        if record.parent is None:
            self._gates.pop(record.key.run_key, None)
        if held.timer is not None:
            held.timer.cancel()
        if held.life is not None and record.phase is Phase.ABORTED:
            self._kill(record, held.life)
        parent = self._open.get(record.key.sibling(record.parent)) if record.parent else None
        if parent is not None:
            parent.children -= 1
            if parent.children == 0:
                self._set_waiting(parent.record.key, False)
        if held.children > 0:
            # nobody waits for them any more; on the real backend they would run on, or stay PAUSED for ever
            open_below = [one for one in self._ledger.subtree(record.key) if not one.phase.terminal]
            self._abort_all(open_below, f"its parent {record.key.name} has ended ({record.phase.name})", "")

    def _kill(self, record: ActionRecord, life: asyncio.Task[None]) -> None:
        async def kill() -> None:
            if not await self._parts.executor.kill(record.key):
                life.cancel()  # it waits for its turn, or for its backoff
                abandon(self._parts, record)

        task = asyncio.ensure_future(kill())
        self._killing.add(task)
        task.add_done_callback(self._killing.discard)


def _is_external(record: ActionRecord) -> bool:
    """Whether somebody else runs the action and only reports it: InternalRunService knows no output base."""
    return record.run_output_base == "" and record.type is ActionType.TASK


def _identity(subject: str) -> identity_pb2.EnrichedIdentity:
    identity = identity_pb2.EnrichedIdentity()
    if subject:
        identity.user.id.subject = subject
    return identity
