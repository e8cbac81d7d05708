"""The nodes of a run that was born in Flyte 2: its actions, each under its parent, and edges that their times tell.

Plain Python connects actions, so nobody can say which waits for which. What can be said: an action that was made after
another one of the same parent had ended may have waited for it. Those edges are drawn, without those that follow from others.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, cast

from flyteidl2.core import catalog_pb2
from flyteidl2.workflow import run_definition_pb2

from flyte_bridge.embedded.console.nodes import ENDED_WELL, MAP, MOST_BOXES, TOGETHER, Element, RunNode, RunNodes
from flyte_bridge.embedded.model import ROOT, ActionType
from flyte_bridge_translators.graph import figure

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flyte_bridge.embedded.model import ActionRecord, Micros
    from flyte_bridge.embedded.phases import Phase


def of_actions(records: Sequence[ActionRecord]) -> RunNodes:
    """The nodes of a run.

    Args:
        records: Its actions, oldest first, the root among them.
    """
    below: dict[str, list[ActionRecord]] = {}
    for record in records:
        if record.parent is not None:
            below.setdefault(record.parent, []).append(record)
    nodes: dict[str, RunNode] = {}
    for record in reversed(records):  # an action is made after its parent
        node = nodes[record.key.name] = of_record(record)
        node.below = _gathered(below.get(record.key.name, []), nodes)
    root = nodes[ROOT]
    root.kind = "run"
    few = sum(1 for _ in root.walk()) <= MOST_BOXES
    return RunNodes(root, figure.Figure(root.title, _level(root.below) if few else figure.Level()))


def label(record: ActionRecord) -> str:
    """What an action's author calls it."""
    if record.type is ActionType.CONDITION:
        return str(run_definition_pb2.ConditionAction.FromString(record.spec).name)
    if record.type is ActionType.TRACE:
        return str(run_definition_pb2.TraceAction.FromString(record.spec).name)
    return record.short_name or record.function_name or (record.task.name if record.task else record.key.name)


def of_record(record: ActionRecord) -> RunNode:
    """The node of one action, with nothing below it."""
    return RunNode(
        id=record.key.name,
        title=label(record),
        kind=record.type.name.lower(),
        phase=_word(record.phase),
        started=record.started_at or record.created_at,
        ended=record.ended_at,
        action=record.key,
        note=record.group,
        attempts=record.attempts,
        cached=record.cache_status == catalog_pb2.CACHE_HIT,
    )


def _gathered(records: Sequence[ActionRecord], nodes: dict[str, RunNode]) -> list[RunNode]:
    """Nodes of one parent; many of one name and group, with nothing below them, as one."""
    kinds: dict[tuple[str, str], list[ActionRecord]] = {}
    for record in records:
        if not nodes[record.key.name].below:
            kinds.setdefault((nodes[record.key.name].title, record.group), []).append(record)
    many = {kind: alike for kind, alike in kinds.items() if len(alike) > TOGETHER}
    shown: list[RunNode] = []
    for record in records:
        node = nodes[record.key.name]
        kind = (node.title, record.group)
        if node.below or kind not in many:
            shown.append(node)
        elif many[kind][0] is record:
            shown.append(_together(node, many[kind]))
    return shown


def _together(first: RunNode, records: Sequence[ActionRecord]) -> RunNode:
    phases = Counter(_word(record.phase) for record in records)
    open_ones = [phase for phase in phases if phase not in ENDED_WELL | {"failed", "timed out", "aborted"}]
    ill = [phase for phase in ("failed", "timed out", "aborted") if phases[phase]]
    ends = [record.ended_at for record in records if record.ended_at]
    return RunNode(
        id=f"{first.id}*",
        title=first.title,
        kind=MAP,
        phase="running" if open_ones else ill[0] if ill else "succeeded",
        started=min(record.started_at or record.created_at for record in records),
        ended=max(ends) if ends and not open_ones else None,
        note=" · ".join(
            filter(None, (records[0].group, f"{sum(phases[phase] for phase in ENDED_WELL)} of {len(records)}"))
        ),
        elements=[
            Element(
                record.key.name,
                record.key,
                _word(record.phase),
                record.started_at or record.created_at,
                record.ended_at,
            )
            for record in records
        ],
    )


def _level(nodes: Sequence[RunNode]) -> figure.Level:
    boxes = [
        figure.Box(
            node.id,
            "",
            node.title,
            cast("figure.Kind", {"condition": "approval", "trace": "task"}.get(node.kind, node.kind)),
            inner=_level(node.below) if node.below else None,
        )
        for node in nodes
    ]
    return figure.Level(boxes, _edges(nodes))


def _edges(nodes: Sequence[RunNode]) -> list[figure.Edge]:
    """From each that had ended when another began, unless one in between explains it."""
    begun = sorted((node for node in nodes if node.started is not None), key=_start)
    edges = []
    for place, after in enumerate(begun):  # only earlier ones: two that took no time must not wait for each other
        before = [node for node in begun[:place] if node.ended is not None and node.ended <= _start(after)]
        latest = max(map(_start, before), default=0)
        edges += [
            figure.Edge(node.id, after.id, "order")
            for node in before
            # what had ended before the last of them began is connected through it
            if cast("Micros", node.ended) > latest or _start(node) == latest
        ]
    return edges


def _start(node: RunNode) -> Micros:
    return node.started or 0


def _word(phase: Phase) -> str:
    return phase.name.lower().replace("_", " ")
