"""What the pages show, gathered from the backend; templates only lay it out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from flyteidl2.task import common_pb2
from flyteidl2.workflow import run_definition_pb2

from flyte_bridge.embedded.clock import to_datetime
from flyte_bridge.embedded.console.action_nodes import label
from flyte_bridge.embedded.console.urls import project_url, run_url, task_url, trigger_url
from flyte_bridge.embedded.registry import DOMAINS
from flyte_bridge.embedded.triggers.schedule import ScheduleError, read

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flyte_bridge.embedded.console.source import PageSource
    from flyte_bridge.embedded.model import ActionRecord, Micros, RunKey, TriggerRecord
    from flyte_bridge.embedded.phases import Phase

PAGE = 50
"""Runs on one page of the list."""


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


def run_rows(source: PageSource, condition: str, values: Sequence[object], offset: int) -> tuple[list[RunRow], bool]:
    """Runs, newest first, and whether there are more."""
    records = source.actions(
        f"WHERE parent IS NULL{condition} ORDER BY created_at DESC, id DESC LIMIT ? OFFSET ?",
        [*values, PAGE + 1, offset],
    )
    return [run_row(source, record) for record in records[:PAGE]], len(records) > PAGE


def places(source: PageSource) -> list[tuple[str, str, str]]:
    """Projects and domains with their lists' paths."""
    projects = [row[0] for row in source.ledger.store.all("SELECT id FROM projects ORDER BY id LIMIT 50", ())]
    return [(project, domain, project_url(project, domain)) for project in projects for domain, _ in DOMAINS]


def run_row(source: PageSource, record: ActionRecord) -> RunRow:
    """A run's line."""
    return RunRow(
        url=run_url(record.key.run_key),
        key=record.key.run_key,
        task=label(record),
        phase=record.phase,
        created=record.created_at,
        duration=_lasted(record, source.now()),
        source=_source(record),
    )


@dataclass(frozen=True)
class TriggerView:
    """A trigger, when it fires next, and what went wrong last."""

    record: TriggerRecord
    url: str
    task_url: str
    automation: str
    next_fires: Sequence[str]


def trigger_view(source: PageSource, record: TriggerRecord) -> TriggerView:
    """What a trigger's page, or its line on a task's page, shows."""
    automation = common_pb2.TriggerAutomationSpec.FromString(record.automation)
    fires: list[str] = []
    if record.active:
        try:
            schedule = read(automation, to_datetime(record.counts_from))
        except ScheduleError:
            schedule = None
        moment = to_datetime(source.now())
        while schedule is not None and len(fires) < 5:
            following = schedule.next(moment)
            if following is None:
                break
            fires.append(f"{following:%Y-%m-%d %H:%M:%S}")
            moment = following
    return TriggerView(
        record=record,
        url=trigger_url(record.key),
        task_url=task_url(record.key.project, record.key.domain, record.key.task_name),
        automation=_automation(automation),
        next_fires=fires,
    )


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


def _lasted(record: ActionRecord, now: Micros) -> Micros | None:
    if record.phase.terminal:
        return (record.ended_at or record.updated_at) - (record.started_at or record.created_at)
    return None if record.started_at is None else now - record.started_at


def _source(record: ActionRecord) -> str:
    if record.trigger is not None:
        return f"trigger {record.trigger.name}"
    name = str(run_definition_pb2.RunSource.Name(record.source))
    return name.removeprefix("RUN_SOURCE_").lower().replace("_", " ")
