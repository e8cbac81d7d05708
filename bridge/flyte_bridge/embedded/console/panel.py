"""The panel of a run's page: everything about one action."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

from flyteidl2.core import types_pb2
from flyteidl2.workflow import run_definition_pb2

from flyte_bridge.embedded.clock import from_timestamp
from flyte_bridge.embedded.console import text
from flyte_bridge.embedded.console.urls import action_url, attempt_log_url, report_url, signal_url
from flyte_bridge.embedded.phases import Phase
from flyte_bridge.errors import BridgeError, NotFound

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from flyte_bridge.embedded.console.source import PageSource
    from flyte_bridge.embedded.model import ActionRecord, Micros, RunKey

LOG_TAIL = 64 * 1024
"""Bytes of a log that the run's page shows; the whole is one link away."""

_RAISED = re.compile(r"[A-Za-z_][\w.]*(?:Error|Exception|Exit|Interrupt|Warning)\b.*")
"""The last line of a traceback."""


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

    inputs: Sequence[tuple[str, str]] = ()
    outputs: Sequence[tuple[str, str]] = ()
    data_error: str = ""
    error_code: str = ""
    error: str = ""
    abort_reason: str = ""
    attempts: Sequence[Attempt] = ()
    report_url: str = ""
    command: str = ""
    recovered_from: str = ""
    signal: str = ""

    @property
    def summary(self) -> str:
        """Of an error with a traceback the line that says what went wrong."""
        lines = [line.strip() for line in self.error.splitlines() if line.strip()]
        told = [line for line in lines if _RAISED.match(line)]
        return (told or lines or [""])[-1][:500]


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
    answer_url: str


async def selected_action(source: PageSource, record: ActionRecord) -> Selected:
    """Everything about one action."""
    now = source.now()
    details = source.details(record)
    inputs, outputs, data_error = await _data(source, record)
    result = details.WhichOneof("result")
    return Selected(
        inputs=inputs,
        outputs=outputs,
        data_error=data_error,
        error_code=details.error_info.code if result == "error_info" else "",
        error=details.error_info.message if result == "error_info" else "",
        abort_reason=details.abort_info.reason if result == "abort_info" else "",
        attempts=[_attempt(source, record, attempt, now) for attempt in details.attempts],
        report_url=report_url(record.key) if record.report_uri else "",
        command=shlex.join(details.task.task_template.container.args) if details.HasField("task") else "",
        recovered_from=record.recovered_from,
        signal=text.literal(details.signal_info.output) if result == "signal_info" else "",
    )


def open_conditions(source: PageSource, key: RunKey) -> list[OpenCondition]:
    """A run's conditions that wait, oldest first."""
    records = source.actions(
        "WHERE project = ? AND domain = ? AND run_name = ? AND phase = ? ORDER BY id LIMIT 100",
        (key.project, key.domain, key.name, int(Phase.PAUSED)),
    )
    return [_condition(record) for record in records]


async def _data(source: PageSource, record: ActionRecord) -> tuple[list[tuple[str, str]], list[tuple[str, str]], str]:
    try:
        given, made = await source.data(record)
    except Exception as error:  # a page about a failure must not fail with it: it says what it could not read
        return [], [], f"{type(error).__name__}: {error}"
    inputs = [(literal.name, text.literal(literal.value)) for literal in given.literals]
    outputs = [(literal.name, text.literal(literal.value)) for literal in made.literals]
    return inputs, sorted(outputs), ""


async def node_values(source: PageSource, run: RunKey, execution: str, node_id: str) -> Selected:
    """What there is to know of a node that has no action of its own: its values, as Flyte 1 tells them.

    Args:
        source: The backend.
        run: The run.
        execution: Flyte 1's name of it.
        node_id: Unique id of the node.
    """
    from flyteidl.admin import node_execution_pb2
    from flyteidl.core import identifier_pb2

    from flyte_bridge.admin.context import CallContext

    path = "/flyteidl.service.AdminService/GetNodeExecutionData"
    where = identifier_pb2.WorkflowExecutionIdentifier(project=run.project, domain=run.domain, name=execution)
    request = node_execution_pb2.NodeExecutionGetDataRequest(
        id=identifier_pb2.NodeExecutionIdentifier(node_id=node_id, execution_id=where)
    )
    told = node_execution_pb2.NodeExecutionGetDataResponse()
    wrong = ""
    try:
        told.MergeFrom(await (await source.facade()).call(path, request, CallContext(path)))  # type: ignore[arg-type]
    except NotFound:
        pass  # it has not begun
    except BridgeError as error:
        wrong = str(error)
    inputs, outputs = (
        [(name, text.literal(value)) for name, value in sorted(literals.literals.items())]  # type: ignore[arg-type]
        for literals in (told.full_inputs, told.full_outputs)
    )
    return Selected(inputs=inputs, outputs=outputs, data_error=wrong)


def _attempt(
    source: PageSource, record: ActionRecord, attempt: run_definition_pb2.ActionAttempt, now: Micros
) -> Attempt:
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
        log_url=attempt_log_url(record.key, attempt.attempt),
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
        answer_url=signal_url(key),
    )
