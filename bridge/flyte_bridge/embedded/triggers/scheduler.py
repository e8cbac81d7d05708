"""Fires triggers: whoever is due gets a run, once per fire time, also after the backend was down.

A run's name follows from the trigger and the fire time, so a fire time that was dealt with twice (the process died
between making the run and noting it) finds its run there already. What was missed while the backend was down, or the
machine asleep, is caught up: the latest `CATCH_UP` fire times, oldest first; older ones are passed over and said so in
the log. Activating or rescheduling a trigger begins its count anew: nothing is caught up from before.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING

from flyteidl2.common import identifier_pb2
from flyteidl2.core import literals_pb2
from flyteidl2.task import common_pb2
from flyteidl2.trigger import trigger_definition_pb2 as definition
from flyteidl2.workflow import run_definition_pb2, run_service_pb2

from flyte_bridge.backend.moments import from_datetime, to_datetime, to_timestamp
from flyte_bridge.backend.trigger_schedule import Schedule, ScheduleError, latest_due, read
from flyte_bridge.embedded.faults import AlreadyExists, Fault
from flyte_bridge.errors import ConcurrencyLimit, StoreError
from flyte_bridge_translators.fire_times import trigger_run_name

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from datetime import datetime

    from flyte_bridge.backend.keys import TriggerKey
    from flyte_bridge.embedded.clock import Clock
    from flyte_bridge.embedded.model import TriggerRecord
    from flyte_bridge.embedded.triggers.repository import TriggerRepository

    CreateRun = Callable[[run_service_pb2.CreateRunRequest], Awaitable[object]]
    ReadInputs = Callable[[str], Awaitable[common_pb2.Inputs]]

CATCH_UP = 100
"""How many missed fire times are caught up at most, over all triggers; the real backend's default."""

_LONGEST_SLEEP = 30.0
"""Seconds after which to look at the clock again, whatever is due: clocks are set, machines sleep."""

_FIRST_RETRY = timedelta(seconds=1)

_log = logging.getLogger(__name__)


class Scheduler:
    """The loop that fires triggers. `tick` is one turn of it, and all that tests need."""

    def __init__(
        self,
        repository: TriggerRepository,
        create_run: CreateRun,
        read_inputs: ReadInputs,
        clock: Clock,
        *,
        poll: float = 0.0,
    ) -> None:
        """Nothing runs yet.

        Args:
            repository: The triggers.
            create_run: Makes a run; raises `AlreadyExists` when there is one of that name.
            read_inputs: Reads the inputs below an offloaded URI.
            clock: Tells the time.
            poll: Seconds between two looks at the triggers, whatever has changed; 0 looks when something is due or changed.
        """
        self.poll = poll
        self._repository = repository
        self._create_run = create_run
        self._read_inputs = read_inputs
        self._clock = clock
        self._changed = asyncio.Event()
        self._loop: asyncio.Task[None] | None = None
        self._schedules: dict[TriggerKey, tuple[int, int, Schedule | None]] = {}

    async def start(self) -> None:
        """Begin to fire, with what was missed."""
        self._loop = asyncio.create_task(self._run(), name="trigger scheduler")

    async def stop(self) -> None:
        """End the loop; a run that is being made is made."""
        if self._loop is not None:
            self._loop.cancel()
            with suppress(asyncio.CancelledError):
                await self._loop

    def wake(self) -> None:
        """Look at the triggers again: one was deployed, activated, deactivated or deleted."""
        if not self.poll:
            self._changed.set()

    async def tick(self) -> datetime | None:
        """Fire what is due, then say when the next fire time is.

        Raises:
            StoreError: The store failed; what was not dealt with stays due.
        """
        now = to_datetime(self._clock.now())
        due: list[tuple[datetime, TriggerRecord]] = []
        soonest: datetime | None = None
        for trigger in self._repository.scheduled():
            schedule = self._schedule(trigger)
            if schedule is None:
                continue
            since = to_datetime(max(trigger.counts_from, trigger.last_fire or 0))
            times, more = latest_due(schedule, since, now, CATCH_UP)
            if more:
                _log.warning("trigger %s: only its latest %d missed fire times are caught up", trigger.key, CATCH_UP)
            due += [(at, trigger) for at in times]
            following = schedule.next(now)
            soonest = min(filter(None, (soonest, following)), default=None)
        due.sort(key=lambda one: (one[0], one[1].key))
        for at, trigger in due[: -CATCH_UP or None]:
            _log.warning("trigger %s: its fire time %s was missed and is passed over", trigger.key, at)
            self._repository.dealt_with(trigger.key, from_datetime(at), f"missed {at:%Y-%m-%dT%H:%M:%SZ}")
        for at, trigger in due[-CATCH_UP:]:
            await self._fire(trigger, at)
        return soonest

    async def _run(self) -> None:
        retry = _FIRST_RETRY
        while True:
            self._changed.clear()
            try:
                soonest = await self.tick()
                retry = _FIRST_RETRY
            except Exception:
                _log.exception("triggers could not be fired; trying again in %s", retry)
                await asyncio.sleep(retry.total_seconds())
                retry = min(2 * retry, timedelta(seconds=_LONGEST_SLEEP))
                continue
            sleep = _LONGEST_SLEEP
            if self.poll:
                sleep = self.poll
            elif soonest is not None:
                sleep = min(sleep, max(0.0, (soonest - to_datetime(self._clock.now())).total_seconds()))
            with suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._changed.wait(), sleep)

    def _schedule(self, trigger: TriggerRecord) -> Schedule | None:
        known = self._schedules.get(trigger.key)
        if known is not None and known[:2] == (trigger.revision, trigger.counts_from):
            return known[2]
        schedule: Schedule | None = None
        try:
            automation = common_pb2.TriggerAutomationSpec.FromString(trigger.automation)
            schedule = read(automation, to_datetime(trigger.counts_from))
        except ScheduleError as error:
            # Deploying checks this; only a data directory from elsewhere can have it.
            _log.error("trigger %s never fires: %s", trigger.key, error)
        self._schedules[trigger.key] = (trigger.revision, trigger.counts_from, schedule)
        return schedule

    async def _fire(self, trigger: TriggerRecord, at: datetime) -> None:
        current = self._repository.get_if_active(trigger.key)
        if current is None or current.revision != trigger.revision:
            return  # changed while others fired; the next turn sees it as it is now
        error = ""
        try:
            await self._create_run(await self._request(trigger, at))
        except ConcurrencyLimit as limit:
            error = f"{at:%Y-%m-%dT%H:%M:%SZ}: {limit}"
            _log.info("trigger %s: %s", trigger.key, error)
        except AlreadyExists:
            pass  # made before the process died
        except StoreError:
            raise
        except Exception as fault:
            # A task that is gone, inputs that miss the interface, a defect of ours: it would fail again and again,
            # and must not keep the others from firing.
            error = f"{at:%Y-%m-%dT%H:%M:%SZ}: {fault}"
            _log.error("trigger %s did not fire for %s", trigger.key, error, exc_info=not isinstance(fault, Fault))
        self._repository.dealt_with(trigger.key, from_datetime(at), error)

    async def _request(self, trigger: TriggerRecord, at: datetime) -> run_service_pb2.CreateRunRequest:
        key = trigger.key
        request = run_service_pb2.CreateRunRequest(
            run_id=identifier_pb2.RunIdentifier(project=key.project, domain=key.domain, name=run_name(key, at)),
            trigger_name=identifier_pb2.TriggerName(
                project=key.project, domain=key.domain, task_name=key.task_name, name=key.name
            ),
            source=run_definition_pb2.RUN_SOURCE_SCHEDULE_TRIGGER,
            run_start_time=to_timestamp(from_datetime(at)),
        )
        argument = common_pb2.TriggerAutomationSpec.FromString(trigger.automation).schedule.kickoff_time_input_arg
        if argument:
            request.inputs.CopyFrom(await self._inputs_with_kickoff(trigger, argument, at))
        return request

    async def _inputs_with_kickoff(self, trigger: TriggerRecord, argument: str, at: datetime) -> common_pb2.Inputs:
        """The trigger's own inputs and the fire time; the real backend sends the fire time alone."""
        spec = definition.TriggerSpec.FromString(trigger.spec)
        inputs = common_pb2.Inputs()
        if spec.HasField("offloaded_input_data"):
            inputs.CopyFrom(await self._read_inputs(spec.offloaded_input_data.uri))
        elif spec.HasField("inputs"):
            inputs.CopyFrom(spec.inputs)
        kept = [literal for literal in inputs.literals if literal.name != argument]
        del inputs.literals[:]
        primitive = literals_pb2.Primitive(datetime=to_timestamp(from_datetime(at)))
        value = literals_pb2.Literal(scalar=literals_pb2.Scalar(primitive=primitive))
        inputs.literals.extend([*kept, common_pb2.NamedLiteral(name=argument, value=value)])
        return inputs


def run_name(key: TriggerKey, at: datetime) -> str:
    """The name of the run of one fire time: the real backend's, so that both agree which runs there are."""
    return trigger_run_name(key.project, key.domain, key.task_name, key.name, at)
