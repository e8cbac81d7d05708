"""The nodes of an execution of Flyte 1: the façade's tree of nodes, laid over the figure of its compiled workflow.

The figure says what there is, untaken arms included, and under which names; the tree says how each is doing, so that the
page, the command line and `FlyteRemote` cannot disagree.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from flyteidl.core import identifier_pb2
from flyteidl2.core import catalog_pb2

from flyte_bridge.backend.keys import ROOT, ActionKey, RunKey
from flyte_bridge.backend.phases import Phase
from flyte_bridge.console.nodes import ENDED_WELL, MAP, Element, RunNode, RunNodes
from flyte_bridge.errors import NotFound
from flyte_bridge_translators.flyte1.nodes import NodeKind
from flyte_bridge_translators.graph import closures, figure
from flyte_bridge_translators.wire import identifier
from flyte_bridge_translators.wire.phase import NODE_ENDED
from flyte_bridge_translators.wire.phase import Node as NodePhase

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flyte_bridge.admin.context import CallContext
    from flyte_bridge.admin.reading import ExecutionReader
    from flyte_bridge.admin.snapshots import Snapshot
    from flyte_bridge.backend.moments import Micros
    from flyte_bridge_translators.wire.node_view import Action, View

DEEPEST = 3
"""Child runs within child runs whose nodes are shown; the others are one link away."""


async def of_execution(
    reader: ExecutionReader,
    key: RunKey,
    name: str,
    context: CallContext,
    *,
    actions: Mapping[str, Action] | None = None,
    deepest: int = DEEPEST,
) -> RunNodes:
    """The nodes of an execution.

    Args:
        reader: The façade's.
        key: The run that it is.
        name: Flyte 1's name of it.
        context: Who asks.
        actions: Its actions by name, if they are known already.
        deepest: Levels of child runs that are read.

    Raises:
        NotFound: There is no such execution.
        BadClosure: Its compiled workflow cannot be relied on.
        BridgeError: It cannot be read.
    """
    execution = identifier_pb2.WorkflowExecutionIdentifier(project=key.project, domain=key.domain, name=name)
    snapshot = await reader.snapshot(execution, context, fresh=True, actions=actions)
    expanded = {
        view.uid: (view.inner.closure, view.inner.attempt)
        for view in snapshot.tree.by_uid.values()
        if view.dynamic and view.inner is not None
    }
    drawn = figure.of(closures.checked(snapshot.plan.closure), expanded)
    laid = _Laid(snapshot, key)
    root = laid.root(drawn)
    nested = await _nest(laid.children, reader, context, deepest - 1) if deepest else {}
    return RunNodes(root, figure.Figure(drawn.title, _opened(drawn.level, nested)) if nested else drawn)


async def _nest(
    children: dict[str, RunNode], reader: ExecutionReader, context: CallContext, deepest: int
) -> dict[str, figure.Level]:
    """Puts the nodes of child runs below the nodes that started them; their graphs, by those nodes' ids."""
    levels: dict[str, figure.Level] = {}
    for name, node in children.items():
        if node.child is None:
            continue
        try:
            nodes = await of_execution(reader, node.child.run_key, name, context, deepest=deepest)
        except NotFound:
            continue  # it was deleted, or is not there yet
        for inner in nodes.root.walk():
            inner.id = f"{node.id}/{inner.id}"
        node.below = nodes.root.below
        levels[node.id] = _prefixed(nodes.drawn.level, f"{node.id}/")
    return levels


def _prefixed(level: figure.Level, prefix: str) -> figure.Level:
    """A child's graph with ids that are its own in its parent's."""
    boxes = [
        replace(box, id=prefix + box.id, inner=None if box.inner is None else _prefixed(box.inner, prefix))
        for box in level.boxes
    ]
    edges = [replace(edge, before=prefix + edge.before, after=prefix + edge.after) for edge in level.edges]
    return figure.Level(boxes, edges)


def _opened(level: figure.Level, nested: Mapping[str, figure.Level]) -> figure.Level:
    """A graph whose launch plans are drawn with what they have started."""
    boxes = []
    for box in level.boxes:
        inner = nested.get(box.id) or (None if box.inner is None else _opened(box.inner, nested))
        boxes.append(replace(box, inner=inner))
    return figure.Level(boxes, level.edges)


class _Laid:
    """The tree's views, found by the figure's boxes."""

    def __init__(self, snapshot: Snapshot, key: RunKey) -> None:
        self._snapshot = snapshot
        self._key = key
        self.children: dict[str, RunNode] = {}

    def root(self, drawn: figure.Figure) -> RunNode:
        details = self._snapshot.view.root
        status = details.status
        return RunNode(
            id=ROOT,
            title=identifier.short_name(drawn.title),
            kind="run",
            phase=_spaced(Phase(status.phase).name),
            started=_micros(status.start_time.ToNanoseconds()),
            ended=_micros(status.end_time.ToNanoseconds()) if status.HasField("end_time") else None,
            action=self._key.action(),
            below=self._level(drawn.level, None),
            attempts=max(1, status.attempts),
        )

    def _level(self, level: figure.Level, branch: View | None) -> list[RunNode]:
        conditions = {edge.after: edge.label for edge in level.edges if edge.kind == "choice"}
        return [self._node(box, branch, conditions.get(box.id, "")) for box in level.boxes if box.kind != "choice"]

    def _node(self, box: figure.Box, branch: View | None, arm: str) -> RunNode:
        view = self._snapshot.tree.by_uid.get(box.id)
        node = RunNode(id=box.id, title=box.title, kind=box.kind, phase=self._phase(view, branch), arm=arm)
        if box.inner is not None:
            node.below = self._level(box.inner, view if box.kind == "branch" else None)
        if view is None:
            return node
        node.started, node.ended = _micros(view.started or view.created), _micros(view.ended)
        action = view.action
        if action is not None:
            node.action = self._key.action(action.id.name)
            node.attempts = max(1, action.status.attempts)
            node.cached = action.status.cache_status == catalog_pb2.CACHE_HIT
        if view.kind is NodeKind.ARRAY:
            self._fill_map(node, view)
        if view.kind is NodeKind.LAUNCH_PLAN and (view.child is not None or action is not None):
            node.child = RunKey(self._key.project, self._key.domain, identifier.run_name(view.child_name)).action()
            self.children[view.child_name] = node
        if view.kind is NodeKind.GATE and node.phase == "running":
            node.note = "waits for an answer" if box.kind != "time" else "waits"
        return node

    def _fill_map(self, node: RunNode, view: View) -> None:
        node.kind = MAP
        node.elements = [self._element(index, action) for index, action in view.elements]
        if node.elements:
            phases = Counter(element.phase for element in node.elements)
            node.note = f"{sum(phases[phase] for phase in ENDED_WELL)} of {len(node.elements)}"

    def _element(self, index: int, action: Action) -> Element:
        run = action.id.run.name
        key = ActionKey(self._key.project, self._key.domain, run, action.id.name)
        return Element(
            str(index),
            key,
            _spaced(Phase(action.status.phase).name),
            _micros(action.status.start_time.ToNanoseconds()),
            _micros(action.status.end_time.ToNanoseconds()) if action.status.HasField("end_time") else None,
        )

    def _phase(self, view: View | None, branch: View | None) -> str:
        if view is not None and view.listed:
            return _spaced(NodePhase.Phase.Name(view.phase))
        if branch is not None and (branch.phase in NODE_ENDED or any(arm.listed for arm in branch.arms)):
            return "skipped"
        return "not run" if self._snapshot.view.ended else "not started"


def _spaced(name: str) -> str:
    return name.lower().replace("_", " ")


def _micros(nanoseconds: int) -> Micros | None:
    return nanoseconds // 1000 or None
