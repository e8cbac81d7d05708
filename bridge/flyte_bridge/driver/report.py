"""The run's `report.html`: the workflow's graph with each node's state and duration, and a table of the nodes.

Times are the actions' own, so that they are right after a driver that was started again, too; what has no action
(sub-workflows, branches) has the driver's.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

from flyteidl2.common import phase_pb2
from flyteidl2.core import catalog_pb2

from flyte_bridge.backend.query import query
from flyte_bridge_translators.graph import closures, figure
from flyte_bridge_translators.graph.svg import FILL, svg
from flyte_bridge_translators.wire import identifier

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from flyte_bridge.driver.execution import Execution
    from flyte_bridge.driver.journal import NodeStory
    from flyte_bridge_translators.flyte1.closure import Closure

MOST_BOXES = 400
"""Boxes above which nothing is drawn: nobody could read it, and the layout would take the driver's time."""

MOST_ROWS = 2000
"""Rows of the table; those that failed come first when there are more."""

_PAGE = 200  # what a real backend gives at most

_STYLE = """
body{font:14px -apple-system,'Segoe UI',Helvetica,Arial,sans-serif;color:#1b1f24;margin:16px}
h1{font-size:18px}table{border-collapse:collapse;margin-top:16px}
td,th{border-bottom:1px solid #d0d7de;padding:4px 10px;text-align:left;vertical-align:top}
td.n{text-align:right;white-space:nowrap}pre{margin:0;white-space:pre-wrap;max-width:80ch}
.p{border-radius:4px;padding:1px 6px}.drawing{overflow:auto;border:1px solid #d0d7de;padding:8px}
"""


async def write(execution: Execution, closure: Closure, uri: str) -> None:
    """Write the report of a run that has ended.

    Args:
        execution: The run.
        closure: The compiled workflow.
        uri: Where.

    Raises:
        BackendError: Flyte 2 or its storage is gone.
    """
    actions = await _statuses(execution) if execution.children.any else {}
    await execution.storage.write(uri, page(execution, closure, actions).encode())


def page(execution: Execution, closure: Closure, actions: Mapping[str, Any]) -> str:
    """The report.

    Args:
        execution: The run.
        closure: The compiled workflow.
        actions: The `ActionStatus` of each action by name.
    """
    journal = execution.journal
    # a dynamic node lasts longer than its action does
    states = {uid: _state(uid, one, {} if uid in journal.closures else actions) for uid, one in journal.entries.items()}
    dynamic = {uid: (closure, journal.attempts.get(uid, 0)) for uid, closure in journal.closures.items()}
    drawn = figure.of(closures.checked(closure), dynamic)
    boxes = sum(1 for _ in drawn.level.walk())
    parts = [f"<h1>{escape(drawn.title)}</h1>", f"<p>{_summary(states.values())}</p>"]
    if boxes <= MOST_BOXES:
        _, critical = figure.critical_path(drawn.level, states)
        drawing = svg(drawn, states, critical, failing=figure.failing_chain(drawn.level, states))
        parts.append(f'<div class="drawing">{drawing}</div>')
    else:
        parts.append(
            f"<p>The graph has {boxes} nodes, too many to draw; <code>flyte-bridge graph</code> writes it.</p>"
        )
    parts.append(_table(execution.journal.entries, states))
    body = "\n".join(parts)
    return (
        f'<!doctype html><html><head><meta charset="utf-8"><style>{_STYLE}</style></head><body>{body}</body></html>\n'
    )


async def _statuses(execution: Execution) -> dict[str, Any]:
    found: dict[str, Any] = {}
    token = ""
    while True:
        asked = query(limit=_PAGE, token=token, sort="created_at")
        answer = await execution.backend.list_actions(run_id=execution.action.run, request=asked)
        found.update((one.id.name, one.status) for one in answer.actions)
        token = answer.token
        if not token or not answer.actions:
            return found


def _state(uid: str, entry: NodeStory, actions: Mapping[str, Any]) -> figure.BoxState:
    status = actions.get(identifier.action_name(uid))
    phase, seconds = entry.state, entry.ended - entry.started if entry.ended else None
    if status is not None:
        if status.phase == phase_pb2.ACTION_PHASE_RECOVERED:
            phase = "recovered"
        elif phase == "succeeded" and status.cache_status == catalog_pb2.CACHE_HIT:
            phase = "cached"
        if status.HasField("end_time") and status.start_time.seconds:
            seconds = (status.end_time.ToNanoseconds() - status.start_time.ToNanoseconds()) / 1e9
    return figure.BoxState(phase, None if phase == "skipped" else seconds, entry.note)


def _summary(states: Iterable[figure.BoxState]) -> str:
    counts: dict[str, int] = {}
    for state in states:
        counts[state.phase] = counts.get(state.phase, 0) + 1
    return ", ".join(f"{count} {phase}" for phase, count in sorted(counts.items())) or "no nodes"


def _table(entries: Mapping[str, NodeStory], states: Mapping[str, figure.BoxState]) -> str:
    order = list(entries)
    left_out = ""
    if len(order) > MOST_ROWS:
        order.sort(key=lambda uid: states[uid].phase != "failed")
        left_out = f"<p>{len(order) - MOST_ROWS} more nodes are left out.</p>"
    rows = "\n".join(_row(uid, entries[uid], states[uid]) for uid in order[:MOST_ROWS])
    head = "<tr><th>node</th><th>name</th><th>state</th><th>time</th><th></th></tr>"
    return f"<table>{head}\n{rows}</table>{left_out}"


def _row(uid: str, entry: NodeStory, state: figure.BoxState) -> str:
    took = "" if state.seconds is None else figure.duration(state.seconds)
    note = f"<pre>{escape(entry.error)}</pre>" if entry.error else escape(state.note)
    return (
        f"<tr><td>{escape(uid)}</td><td>{escape(entry.node.title)}</td>"
        f'<td><span class="p" style="background:{FILL.get(state.phase, "#fff")}">{escape(state.phase)}</span></td>'
        f'<td class="n">{took}</td><td>{note}</td></tr>'
    )
