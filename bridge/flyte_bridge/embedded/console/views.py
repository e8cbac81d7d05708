"""What the pages show, gathered from the backend; templates only lay it out."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

from flyteidl2.core import types_pb2
from flyteidl2.task import common_pb2
from flyteidl2.workflow import run_definition_pb2

from flyte_bridge.embedded.clock import from_timestamp, to_datetime
from flyte_bridge.embedded.console import text
from flyte_bridge.embedded.model import ROOT, ActionKey, ActionRecord, ActionType, RunKey, TriggerKey
from flyte_bridge.embedded.phases import Phase
from flyte_bridge.embedded.triggers.schedule import ScheduleError, read

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from flyte_bridge.embedded.console.source import Source
    from flyte_bridge.embedded.model import Micros, TriggerRecord

PAGE = 50
"""Runs on one page of the list."""

TREE = 1000
"""Actions on one page of a run."""

LOG_TAIL = 64 * 1024
"""Bytes of a log that the run's page shows; the whole is one link away."""


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


@dataclass(frozen=True)
class ActionRow:
    """A line of the tree. `left` and `width` place its bar on the run's time, in percent."""

    url: str
    name: str
    label: str
    depth: int
    kind: str
    group: str
    phase: Phase
    started: Micros | None
    duration: Micros | None
    left: float
    width: float
    attempts: int
    cached: bool
    selected: bool


@dataclass(frozen=True)
class Attempt:
    """One attempt: phases it went through, its error, and the end of its log."""

    number: int
    phase: Phase
    started: Micros | None
    duration: Micros | None
    transitions: Sequence[tuple[str, Micros, Micros | None]]
    error: str
    log_url: str
    log: str
    log_cut: bool


@dataclass(frozen=True)
class Selected:
    """The action a run's page tells more about."""

    row: ActionRow
    details: run_definition_pb2.ActionDetails
    inputs: Sequence[tuple[str, str]]
    outputs: Sequence[tuple[str, str]]
    data_error: str
    error_code: str
    error: str
    abort_reason: str
    attempts: Sequence[Attempt]
    report_url: str
    command: str
    recovered_from: str
    signal: str


@dataclass(frozen=True)
class OpenCondition:
    """A condition that waits for a signal, and the command that gives it."""

    url: str
    name: str
    type: str
    prompt: str
    description: str
    since: Micros
    command: str


def project_url(project: str, domain: str) -> str:
    """The path of the page of a project's runs."""
    return f"/v2/domain/{quote(domain, safe='')}/project/{quote(project, safe='')}/runs"


def run_url(key: RunKey) -> str:
    """The path of a run's page; the SDK prints it."""
    return f"{project_url(key.project, key.domain)}/{quote(key.name, safe='')}"


def action_url(key: ActionKey) -> str:
    """The path of a run's page with one action open; the SDK's form."""
    return f"{run_url(key.run_key)}?i={quote(key.name, safe='')}"


def task_url(project: str, domain: str, name: str) -> str:
    """The path of a task's page."""
    return f"/v2/domain/{quote(domain, safe='')}/project/{quote(project, safe='')}/tasks/{quote(name, safe='')}"


def trigger_url(key: TriggerKey) -> str:
    """The path of a trigger's page."""
    where = f"/v2/domain/{quote(key.domain, safe='')}/project/{quote(key.project, safe='')}/triggers"
    return f"{where}/{quote(key.task_name, safe='')}/{quote(key.name, safe='')}"


def run_rows(source: Source, condition: str, values: Sequence[object], offset: int) -> tuple[list[RunRow], bool]:
    """Runs, newest first, and whether there are more."""
    records = source.actions(
        f"WHERE parent IS NULL{condition} ORDER BY created_at DESC, id DESC LIMIT ? OFFSET ?",
        [*values, PAGE + 1, offset],
    )
    rows = [
        RunRow(
            url=run_url(record.key.run_key),
            key=record.key.run_key,
            task=_label(record),
            phase=record.phase,
            created=record.created_at,
            duration=_lasted(record, source.now()),
            source=_source(record),
        )
        for record in records[:PAGE]
    ]
    return rows, len(records) > PAGE


def action_rows(records: Sequence[ActionRecord], selected: str, now: Micros) -> list[ActionRow]:
    """The actions as a tree, each under its parent; one whose parent is on another page stands at the margin."""
    children: dict[str | None, list[ActionRecord]] = {}
    present = {record.key.name for record in records}
    for record in records:
        children.setdefault(record.parent if record.parent in present else None, []).append(record)
    begin = min((record.created_at for record in records), default=now)
    end = max((record.ended_at or now for record in records), default=now)
    rows: list[ActionRow] = []
    stack = [(record, 0) for record in reversed(children.get(None, []))]
    while stack:
        record, depth = stack.pop()
        rows.append(_action_row(record, depth, selected, begin, end, now))
        stack += [(child, depth + 1) for child in reversed(children.get(record.key.name, []))]
    return rows


def _action_row(record: ActionRecord, depth: int, selected: str, begin: Micros, end: Micros, now: Micros) -> ActionRow:
    span = max(1, end - begin)
    started = record.started_at if record.started_at is not None else record.created_at
    return ActionRow(
        url=action_url(record.key),
        name=record.key.name,
        label=_label(record),
        depth=depth,
        kind=record.type.name.lower(),
        group=record.group,
        phase=record.phase,
        started=record.started_at,
        duration=_lasted(record, now),
        left=100 * (started - begin) / span,
        width=max(0.2, 100 * ((record.ended_at or now) - started) / span),
        attempts=record.attempts,
        cached=record.cache_status == 2,  # core.CatalogCacheStatus.CACHE_HIT
        selected=record.key.name == selected,
    )


async def selected_action(source: Source, record: ActionRecord) -> Selected:
    """Everything about one action."""
    now = source.now()
    details = source.details(record)
    inputs, outputs, data_error = await _data(source, record)
    result = details.WhichOneof("result")
    return Selected(
        row=action_rows([record], record.key.name, now)[0],
        details=details,
        inputs=inputs,
        outputs=outputs,
        data_error=data_error,
        error_code=details.error_info.code if result == "error_info" else "",
        error=details.error_info.message if result == "error_info" else "",
        abort_reason=details.abort_info.reason if result == "abort_info" else "",
        attempts=[_attempt(source, record, attempt, now) for attempt in details.attempts],
        report_url=f"{run_url(record.key.run_key)}/report/{record.key.name}" if record.report_uri else "",
        command=shlex.join(details.task.task_template.container.args) if details.HasField("task") else "",
        recovered_from=record.recovered_from,
        signal=text.literal(details.signal_info.output) if result == "signal_info" else "",
    )


def open_conditions(source: Source, key: RunKey) -> list[OpenCondition]:
    """A run's conditions that wait, oldest first."""
    records = source.actions(
        "WHERE project = ? AND domain = ? AND run_name = ? AND phase = ? ORDER BY id LIMIT 100",
        (key.project, key.domain, key.name, int(Phase.PAUSED)),
    )
    return [_condition(record) for record in records]


def phase_counts(source: Source, key: RunKey) -> list[tuple[Phase, int]]:
    """How many of a run's actions stand in which phase."""
    rows = source.ledger.store.all(
        "SELECT phase, count(*) FROM actions WHERE project = ? AND domain = ? AND run_name = ? "
        "GROUP BY phase ORDER BY phase",
        (key.project, key.domain, key.name),
    )
    return [(Phase(row[0]), row[1]) for row in rows]


@dataclass(frozen=True)
class TriggerView:
    """A trigger, when it fires next, and what went wrong last."""

    record: TriggerRecord
    url: str
    task_url: str
    automation: str
    next_fires: Sequence[str]


def trigger_view(source: Source, record: TriggerRecord) -> TriggerView:
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


def _label(record: ActionRecord) -> str:
    if record.type is ActionType.CONDITION:
        return str(run_definition_pb2.ConditionAction.FromString(record.spec).name)
    if record.type is ActionType.TRACE:
        return str(run_definition_pb2.TraceAction.FromString(record.spec).name)
    return record.short_name or record.function_name or (record.task.name if record.task else record.key.name)


def _lasted(record: ActionRecord, now: Micros) -> Micros | None:
    if record.phase.terminal:
        return (record.ended_at or record.updated_at) - (record.started_at or record.created_at)
    return None if record.started_at is None else now - record.started_at


def _source(record: ActionRecord) -> str:
    if record.trigger is not None:
        return f"trigger {record.trigger.name}"
    name = str(run_definition_pb2.RunSource.Name(record.source))
    return name.removeprefix("RUN_SOURCE_").lower().replace("_", " ")


async def _data(source: Source, record: ActionRecord) -> tuple[list[tuple[str, str]], list[tuple[str, str]], str]:
    try:
        given, made = await source.data(record)
    except Exception as error:  # a page about a failure must not fail with it: it says what it could not read
        return [], [], f"{type(error).__name__}: {error}"
    inputs = [(one.name, text.literal(one.value)) for one in given.literals]
    outputs = [(one.name, text.literal(one.value)) for one in made.literals]
    return inputs, sorted(outputs), ""


def _attempt(source: Source, record: ActionRecord, attempt: run_definition_pb2.ActionAttempt, now: Micros) -> Attempt:
    started = from_timestamp(attempt.start_time) if attempt.HasField("start_time") else None
    ended = from_timestamp(attempt.end_time) if attempt.HasField("end_time") else None
    log, cut = _log_tail(source.log(record.key, attempt.attempt))
    return Attempt(
        number=attempt.attempt,
        phase=Phase(attempt.phase),
        started=started,
        duration=None if started is None else (ended or now) - started,
        transitions=[
            (
                text.phase(Phase(one.phase)),
                from_timestamp(one.start_time),
                from_timestamp(one.end_time) if one.HasField("end_time") else None,
            )
            for one in attempt.phase_transitions
        ],
        error=attempt.error_info.message if attempt.HasField("error_info") else "",
        log_url=f"{run_url(record.key.run_key)}/log/{record.key.name}/{attempt.attempt}",
        log=log,
        log_cut=cut,
    )


def _log_tail(path: Path) -> tuple[str, bool]:
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - LOG_TAIL))
            tail = file.read().decode(errors="replace")
    except OSError:
        return "", False  # no process, no log: a cache hit, a condition, an attempt that still waits
    return text.without_colours(tail), size > LOG_TAIL


_SIGNALS = {
    types_pb2.BOOLEAN: ("bool", "true"),
    types_pb2.INTEGER: ("int", "1"),
    types_pb2.FLOAT: ("float", "0.5"),
    types_pb2.STRING: ("str", "'text'"),
}


def _condition(record: ActionRecord) -> OpenCondition:
    condition = run_definition_pb2.ConditionAction.FromString(record.spec)
    kind, example = _SIGNALS.get(condition.type.simple, ("value", "VALUE"))
    key = record.key
    return OpenCondition(
        url=action_url(key),
        name=condition.name,
        type=kind,
        prompt=condition.prompt,
        description=condition.description,
        since=record.created_at,
        command=f"flyte signal condition --project {shlex.quote(key.project)} --domain {shlex.quote(key.domain)} "
        f"{shlex.quote(key.run)} {shlex.quote(key.name)} {example}",
    )


def root(key: RunKey) -> ActionKey:
    """A run's first action."""
    return key.action(ROOT)
