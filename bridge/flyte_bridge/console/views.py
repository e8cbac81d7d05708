"""What lists show of runs and triggers; templates only lay it out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from flyteidl2.task import common_pb2
from flyteidl2.workflow import run_definition_pb2

from flyte_bridge.backend.keys import TriggerKey
from flyte_bridge.backend.moments import from_timestamp, to_datetime
from flyte_bridge.backend.phases import Phase
from flyte_bridge.backend.trigger_schedule import ScheduleError, read
from flyte_bridge.console.action_nodes import label
from flyte_bridge.console.source import run_key
from flyte_bridge.console.urls import run_url, task_url, trigger_url
from flyte_bridge_translators.wire import identifier, node_record

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flyteidl2.common import identifier_pb2
    from flyteidl2.trigger import trigger_definition_pb2

    from flyte_bridge.backend.keys import RunKey
    from flyte_bridge.backend.moments import Micros
    from flyte_bridge_translators.wire.node_view import Action

_FIRES = 5
"""Next fire times that are told."""


@dataclass(frozen=True)
class RunRow:
    """A line of the list of runs."""

    url: str
    key: RunKey
    task: str
    phase: Phase
    created: Micros
    duration: Micros | None
    source: str


def run_row(action: Action, now: Micros) -> RunRow:
    """A run's line.

    Args:
        action: Its root.
        now: The time.
    """
    key = run_key(action.id.run)
    status = node_record.read(action).status if isinstance(action, run_definition_pb2.Action) else action.status
    return RunRow(
        url=run_url(key),
        key=key,
        task=label(action),
        phase=Phase(status.phase),
        created=from_timestamp(status.start_time),
        duration=lasted(status, now),
        source=started_by(action.metadata),
    )


def lasted(status: run_definition_pb2.ActionStatus, now: Micros) -> Micros | None:
    """How long an action has taken, or takes until now."""
    if status.HasField("end_time"):
        return from_timestamp(status.end_time) - from_timestamp(status.start_time)
    if not status.HasField("start_time") or Phase(status.phase).terminal:
        return None
    return now - from_timestamp(status.start_time)


def started_by(metadata: run_definition_pb2.ActionMetadata) -> str:
    """Who or what started a run."""
    name = metadata.trigger_id.name.name or metadata.trigger_name
    if name:
        return f"trigger {name}"
    source = metadata.source
    known = source in run_definition_pb2.RunSource.values()
    word = str(run_definition_pb2.RunSource.Name(source)) if known else str(source)
    return word.removeprefix("RUN_SOURCE_").lower().replace("_", " ").replace("unspecified", "")


def shown_name(task: str) -> str:
    """What an author calls it: without the environment in which the bridge has deployed it."""
    for environment in identifier.ENVIRONMENTS.values():
        if task.startswith(f"{environment}."):
            return task.removeprefix(f"{environment}.")
    return task


def trigger_key(name: identifier_pb2.TriggerName) -> TriggerKey:
    """Which trigger a message means."""
    return TriggerKey(name.project, name.domain, name.task_name, name.name)


@dataclass(frozen=True)
class TriggerRow:
    """A trigger, and when it fires next."""

    key: TriggerKey
    url: str
    task: str
    task_url: str
    active: bool
    automation: str
    next_fires: Sequence[Micros]
    last_fired: Micros | None


def trigger_row(
    trigger: trigger_definition_pb2.Trigger | trigger_definition_pb2.TriggerDetails, active: bool, now: Micros
) -> TriggerRow:
    """A trigger's line.

    Args:
        trigger: As it stands.
        active: Whether it fires.
        now: The time.
    """
    key = trigger_key(trigger.id.name)
    return TriggerRow(
        key=key,
        url=trigger_url(key),
        task=shown_name(key.task_name),
        task_url=task_url(key.project, key.domain, key.task_name),
        active=active,
        automation=_automation(trigger.automation_spec),
        next_fires=_fires(trigger.automation_spec, from_timestamp(trigger.status.updated_at), now) if active else (),
        last_fired=from_timestamp(trigger.status.triggered_at) if trigger.status.HasField("triggered_at") else None,
    )


def _fires(automation: common_pb2.TriggerAutomationSpec, counts_from: Micros, now: Micros) -> list[Micros]:
    try:
        schedule = read(automation, to_datetime(counts_from))
    except ScheduleError:
        return []
    fires: list[Micros] = []
    moment = to_datetime(now)
    while schedule is not None and len(fires) < _FIRES:
        following = schedule.next(moment)
        if following is None:
            break
        fires.append(int(following.timestamp()) * 1_000_000)
        moment = following
    return fires


def _automation(automation: common_pb2.TriggerAutomationSpec) -> str:
    if not automation.HasField("schedule"):
        return "by hand"
    schedule = automation.schedule
    if schedule.HasField("cron"):
        return f"{schedule.cron.expression} ({schedule.cron.timezone or 'UTC'})"
    if schedule.HasField("rate"):
        unit = common_pb2.FixedRateUnit.Name(schedule.rate.unit).rpartition("_")[2].lower()
        return f"every {schedule.rate.value} {unit}{'s' if schedule.rate.value != 1 else ''}"
    return str(schedule.cron_expression)
