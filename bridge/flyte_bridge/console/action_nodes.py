"""The nodes of a run that was born in Flyte 2: its actions, each under its parent, and edges that their times tell.

Plain Python connects actions, so nobody can say which waits for which. What can be said: an action that was made after
another one of the same parent had ended may have waited for it. Those edges are drawn, without those that follow from others.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, cast

from flyteidl2.core import catalog_pb2
from flyteidl2.workflow import run_definition_pb2

from flyte_bridge.backend.keys import ROOT
from flyte_bridge.backend.moments import from_timestamp
from flyte_bridge.backend.phases import Phase
from flyte_bridge.console.nodes import ENDED_WELL, MAP, MOST_BOXES, TOGETHER, Element, RunNode, RunNodes
from flyte_bridge.console.source import action_key
from flyte_bridge_translators.graph import figure

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flyte_bridge.backend.moments import Micros
    from flyte_bridge_translators.wire.node_view import Action


KINDS = {
    run_definition_pb2.ACTION_TYPE_TASK: "task",
    run_definition_pb2.ACTION_TYPE_TRACE: "trace",
    run_definition_pb2.ACTION_TYPE_CONDITION: "condition",
}


def of_actions(actions: Sequence[Action]) -> RunNodes:
    """The nodes of a run.

    Args:
        actions: Its actions, oldest first, the root among them.
    """
    below: dict[str, list[Action]] = {}
    for action in actions:
        if action.id.name != ROOT:
            below.setdefault(action.metadata.parent or ROOT, []).append(action)
    nodes: dict[str, RunNode] = {}
    for action in reversed(actions):  # an action is made after its parent
        node = nodes[action.id.name] = of_action(action)
        node.below = _gathered(below.get(action.id.name, []), nodes)
    root = nodes[ROOT]
    root.kind = "run"
    few = sum(1 for _ in root.walk()) <= MOST_BOXES
    return RunNodes(root, figure.Figure(root.title, _level(root.below) if few else figure.Level()))


def label(action: Action) -> str:
    """What an action's author calls it."""
    metadata = action.metadata
    kind = metadata.WhichOneof("spec")
    if kind in {"condition", "trace"}:
        name = str(getattr(metadata, kind).name)
    else:
        name = metadata.task.short_name or metadata.funtion_name or metadata.task.id.name
    return name or str(action.id.name)


def of_action(action: Action) -> RunNode:
    """The node of one action, with nothing below it."""
    status = action.status
    return RunNode(
        id=action.id.name,
        title=label(action),
        kind=KINDS.get(action.metadata.action_type, "task"),
        phase=_word(status.phase),
        started=_started(status),
        ended=_ended(status),
        action=action_key(action.id),
        note=action.metadata.group,
        attempts=max(1, status.attempts),
        cached=status.cache_status == catalog_pb2.CACHE_HIT,
    )


def _gathered(actions: Sequence[Action], nodes: dict[str, RunNode]) -> list[RunNode]:
    """Nodes of one parent; many of one name and group, with nothing below them, as one."""
    kinds: dict[tuple[str, str], list[Action]] = {}
    for action in actions:
        node = nodes[action.id.name]
        if not node.below:
            kinds.setdefault((node.title, node.note), []).append(action)
    many = {kind: alike for kind, alike in kinds.items() if len(alike) > TOGETHER}
    shown: list[RunNode] = []
    for action in actions:
        node = nodes[action.id.name]
        kind = (node.title, node.note)
        if node.below or kind not in many:
            shown.append(node)
        elif many[kind][0] is action:
            shown.append(_together(node, [nodes[alike.id.name] for alike in many[kind]]))
    return shown


def _together(first: RunNode, alike: Sequence[RunNode]) -> RunNode:
    phases = Counter(node.phase for node in alike)
    open_ones = [phase for phase in phases if phase not in ENDED_WELL | {"failed", "timed out", "aborted"}]
    ill = [phase for phase in ("failed", "timed out", "aborted") if phases[phase]]
    ends = [node.ended for node in alike if node.ended]
    return RunNode(
        id=f"{first.id}*",
        title=first.title,
        kind=MAP,
        phase="running" if open_ones else ill[0] if ill else "succeeded",
        started=min((node.started for node in alike if node.started is not None), default=None),
        ended=max(ends) if ends and not open_ones else None,
        note=" · ".join(filter(None, (first.note, f"{sum(phases[phase] for phase in ENDED_WELL)} of {len(alike)}"))),
        elements=[
            Element(node.id, node.action, node.phase, node.started, node.ended)
            for node in alike
            if node.action is not None
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


def _started(status: run_definition_pb2.ActionStatus) -> Micros | None:
    return from_timestamp(status.start_time) if status.HasField("start_time") else None


def _ended(status: run_definition_pb2.ActionStatus) -> Micros | None:
    return from_timestamp(status.end_time) if status.HasField("end_time") else None


_WORDS = {int(phase): phase.name.lower().replace("_", " ") for phase in Phase}


def _word(phase: int) -> str:
    return _WORDS[phase]
