"""The panel of a run's page: everything about one action."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

from flyteidl.admin import node_execution_pb2
from flyteidl.core import identifier_pb2
from flyteidl2.core import types_pb2
from flyteidl2.task import common_pb2

from flyte_bridge.backend.moments import from_timestamp
from flyte_bridge.backend.phases import Phase
from flyte_bridge.console import previews, text
from flyte_bridge.console.source import action_key
from flyte_bridge.console.urls import action_url, attempt_log_url, report_url, signal_url
from flyte_bridge.errors import BridgeError, NotFound
from flyte_bridge_translators.wire import literal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flyteidl2.workflow import run_definition_pb2

    from flyte_bridge.backend.keys import ActionKey, RunKey
    from flyte_bridge.backend.moments import Micros
    from flyte_bridge.console.previews import ShownValue
    from flyte_bridge.console.source import PageSource

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

    inputs: Sequence[ShownValue] = ()
    outputs: Sequence[ShownValue] = ()
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


async def selected_action(source: PageSource, details: run_definition_pb2.ActionDetails) -> Selected:
    """Everything about one action."""
    key, now = action_key(details.id), source.now()
    inputs, outputs, data_error = await _data(source, details)
    result = details.WhichOneof("result")
    return Selected(
        inputs=inputs,
        outputs=outputs,
        data_error=data_error,
        error_code=details.error_info.code if result == "error_info" else "",
        error=text.without_colours(details.error_info.message) if result == "error_info" else "",
        abort_reason=details.abort_info.reason if result == "abort_info" else "",
        attempts=[await _attempt(source, key, attempt, now) for attempt in details.attempts],
        report_url=report_url(key) if report_of(details) else "",
        command=shlex.join(details.task.task_template.container.args) if details.HasField("task") else "",
        recovered_from=_recovered_from(details.metadata),
        signal=text.literal(details.signal_info.output) if result == "signal_info" else "",
    )


def report_of(details: run_definition_pb2.ActionDetails) -> str:
    """Where an action's report is; empty if it has none."""
    return str(details.attempts[-1].outputs.report_uri) if details.attempts else ""


async def open_conditions(source: PageSource, key: RunKey) -> list[OpenCondition]:
    """A run's conditions that wait, oldest first."""
    return [_condition(details) for details in await source.waiting(key)]


def _recovered_from(metadata: run_definition_pb2.ActionMetadata) -> str:
    if not metadata.HasField("recovered_from"):
        return ""
    return str(action_key(metadata.recovered_from))


async def _data(
    source: PageSource, details: run_definition_pb2.ActionDetails
) -> tuple[list[ShownValue], list[ShownValue], str]:
    try:
        given, made = await source.data(details)
    except Exception as error:  # a page about a failure must not fail with it: it says what it could not read
        return [], [], f"{type(error).__name__}: {error}"
    key = action_key(details.id)
    inputs = [previews.shown(key, "inputs", value) for value in given.literals]
    outputs = sorted(made.literals, key=lambda value: value.name)
    return inputs, [previews.shown(key, "outputs", value) for value in outputs], ""


async def node_values(source: PageSource, run: RunKey, execution: str, node_id: str) -> Selected:
    """What there is to know of a node that has no action of its own: its values, as Flyte 1 tells them.

    Args:
        source: The Flyte 2.
        run: The run.
        execution: Flyte 1's name of it.
        node_id: Unique id of the node.
    """
    key = run.action(node_id)
    try:
        given, made = await node_data(source, run, execution, node_id)
    except NotFound:
        return Selected()  # it has not begun
    except BridgeError as error:
        return Selected(data_error=str(error))
    return Selected(
        inputs=[previews.shown(key, "inputs", one) for one in given.literals],
        outputs=[previews.shown(key, "outputs", one) for one in made.literals],
    )


async def node_data(
    source: PageSource, run: RunKey, execution: str, node_id: str
) -> tuple[common_pb2.Inputs, common_pb2.Outputs]:
    """A node's inputs and outputs, as Flyte 1 tells them; see `node_values`.

    Raises:
        NotFound: It has not begun.
        BridgeError: They cannot be read.
    """
    path = "/flyteidl.service.AdminService/GetNodeExecutionData"
    where = identifier_pb2.WorkflowExecutionIdentifier(project=run.project, domain=run.domain, name=execution)
    request = node_execution_pb2.NodeExecutionGetDataRequest(
        id=identifier_pb2.NodeExecutionIdentifier(node_id=node_id, execution_id=where)
    )
    told = node_execution_pb2.NodeExecutionGetDataResponse()
    told.MergeFrom(await source.facade.call(path, request, source.context))  # type: ignore[arg-type]
    return literal.to_inputs(told.full_inputs), literal.to_outputs(told.full_outputs)


async def _attempt(
    source: PageSource, key: ActionKey, attempt: run_definition_pb2.ActionAttempt, now: Micros
) -> Attempt:
    started = from_timestamp(attempt.start_time) if attempt.HasField("start_time") else None
    ended = from_timestamp(attempt.end_time) if attempt.HasField("end_time") else None
    log, cut = await source.logs.tail(key, attempt.attempt, LOG_TAIL)
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
        error=text.without_colours(attempt.error_info.message) if attempt.HasField("error_info") else "",
        log_url=attempt_log_url(key, attempt.attempt),
        log=text.without_colours(log.decode("utf-8", "replace")),
        log_cut=cut,
    )


_SIGNALS = {
    types_pb2.BOOLEAN: ("bool", "true"),
    types_pb2.INTEGER: ("int", "1"),
    types_pb2.FLOAT: ("float", "0.5"),
    types_pb2.STRING: ("str", "'text'"),
}


def _condition(details: run_definition_pb2.ActionDetails) -> OpenCondition:
    condition, key = details.condition, action_key(details.id)
    kind, example = _SIGNALS.get(condition.type.simple, ("value", "VALUE"))
    return OpenCondition(
        url=action_url(key),
        name=condition.name,
        type=kind,
        prompt=condition.prompt,
        description=condition.description,
        since=from_timestamp(details.status.start_time),
        command=f"flyte signal condition --project {shlex.quote(key.project)} --domain {shlex.quote(key.domain)} "
        f"{shlex.quote(key.run)} {shlex.quote(key.name)} {example}",
        answer_url=signal_url(key),
    )
