"""A run's page: graph, tree and timeline of the same nodes, and the panel of the one that is selected."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from flyte_bridge.backend.keys import ROOT
from flyte_bridge.console import action_nodes, panel, urls
from flyte_bridge.console.execution_nodes import of_execution
from flyte_bridge.console.list_pages import page_number
from flyte_bridge.console.nodes import FAILED, RunNode, RunNodes
from flyte_bridge.errors import BridgeError, NotFound
from flyte_bridge_translators.graph.closures import BadClosure
from flyte_bridge_translators.wire import envelope, execution

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from flyteidl2.workflow import run_definition_pb2

    from flyte_bridge.backend.keys import RunKey
    from flyte_bridge.backend.moments import Micros
    from flyte_bridge.console.nodes import Element
    from flyte_bridge.console.source import Actions, PageSource

ROWS = 500
"""Nodes on one page of the tree."""

ELEMENTS = 100
"""Elements of a map on one page of its panel."""


@dataclass(frozen=True)
class Asked:
    """What a URL asks to see of a run: a node, a page of the tree, a page of a map's elements."""

    node: str = ""
    page: int = 0
    elements_page: int = 0

    def query(self, **changed: object) -> str:
        """The same as a query, with something changed."""
        asked: dict[str, object] = {"i": self.node, "page": self.page, "elements": self.elements_page} | changed
        return urlencode({name: value for name, value in asked.items() if value})


@dataclass(frozen=True)
class Bar:
    """Where a node lies on the run's time, in percent of its width."""

    phase: str
    left: float
    width: float


@dataclass(frozen=True)
class Row:
    """A row of the tree, with its bar of the timeline."""

    node: RunNode
    url: str
    depth: int
    bar: Bar | None
    shares: Sequence[tuple[str, float, int]]
    duration: Micros | None
    selected: bool
    child_url: str


@dataclass(frozen=True)
class ElementRow:
    """A line of a map's table."""

    name: str
    url: str
    phase: str
    started: Micros | None
    duration: Micros | None


@dataclass(frozen=True)
class RunPage:
    """All that the page shows.

    Attributes:
        graph: As SVG; empty if there is none, or too much.
        node: The selected one.
        culprits: Of one that failed because of what is inside it: those that failed themselves, and where they are.
    """

    key: RunKey
    run: run_definition_pb2.RunDetails
    nodes: RunNodes
    asked: Asked
    counts: Sequence[tuple[str, int]]
    graph: str
    rows: Sequence[Row]
    total: int
    node: RunNode
    selected: panel.Selected
    elements: Sequence[ElementRow]
    elements_total: int
    culprits: Sequence[tuple[str, str]]
    conditions: Sequence[panel.OpenCondition]

    @property
    def more(self) -> bool:
        """Whether the tree has another page."""
        return self.total > (self.asked.page + 1) * ROWS

    @property
    def more_elements(self) -> bool:
        """Whether the map has another page of elements."""
        return self.elements_total > (self.asked.elements_page + 1) * ELEMENTS


async def gather(
    source: PageSource, key: RunKey, asked: Asked, actions: Actions | None = None, *, drawn: bool = True
) -> RunPage:
    """Everything that the page of a run shows.

    Args:
        source: The Flyte 2.
        key: The run.
        asked: What of it.
        actions: Its actions, for who watches them; else they are listed.
        drawn: Whether to draw the graph.

    Raises:
        NotFound: There is no such run, or nothing of that name in it.
    """
    run = await source.run(key)
    nodes, flyte1_name = await read_nodes(source, run, key, actions)
    node = nodes.find(asked.node) if asked.node else nodes.first_failure()
    action = None
    if node is None:
        action = await _action(source, key, asked.node)
        node = action_nodes.of_action(action)
    elif node.action is not None:
        action = await source.details(node.action)
    now = source.now()
    if action is not None:
        selected = await panel.selected_action(source, action)
    elif flyte1_name:
        selected = await panel.node_values(source, key, flyte1_name, node.id)
    else:
        selected = panel.Selected()
    rows, total = _rows(key, nodes, node.id, asked.page, now)
    begin = asked.elements_page * ELEMENTS
    return RunPage(
        key=key,
        run=run,
        nodes=nodes,
        asked=Asked(node.id, asked.page, asked.elements_page),
        counts=_counts(nodes),
        # laying a graph out takes a moment, and RPCs must not wait for it
        graph=await asyncio.to_thread(nodes.drawing, now, lambda inner: _node_url(key, inner)) if drawn else "",
        rows=rows,
        total=total,
        node=node,
        selected=selected,
        elements=[_element_row(element, now) for element in node.elements[begin : begin + ELEMENTS]],
        elements_total=len(node.elements),
        culprits=_culprits(key, node),
        conditions=await panel.open_conditions(source, key) if not nodes.ended else [],
    )


async def _action(source: PageSource, key: RunKey, name: str) -> run_definition_pb2.ActionDetails:
    try:
        return await source.details(key.action(name))
    except NotFound:
        raise NotFound(f"Run {key} has no action {name[:200]!r}.") from None


async def read_nodes(
    source: PageSource, run: run_definition_pb2.RunDetails, key: RunKey, actions: Actions | None = None
) -> tuple[RunNodes, str]:
    """A run's nodes, and Flyte 1's name of it; empty for one that was born in Flyte 2.

    Args:
        source: The Flyte 2.
        run: The run.
        key: It.
        actions: Its actions, for who watches them; else they are listed.
    """
    unread = ""
    if run.action.task.task_template.type == envelope.TASK_TYPE:
        name = flyte1_name(run)
        try:
            return await of_execution(source.reader, key, name, source.context, actions=actions), name
        except (BridgeError, BadClosure) as error:
            unread = str(error)  # its actions are there nevertheless
    known = actions if actions is not None else await source.actions(key)
    inner = [action for name, action in known.items() if name != ROOT]
    nodes = await asyncio.to_thread(action_nodes.of_actions, [run.action, *inner])
    return RunNodes(nodes.root, nodes.drawn, unread), ""


def flyte1_name(run: run_definition_pb2.RunDetails) -> str:
    """What Flyte 1 calls a run."""
    return execution.settings(run.run_spec, run.action.id.run).name


def _counts(nodes: RunNodes) -> list[tuple[str, int]]:
    counts: Counter[str] = Counter()
    for node in nodes.root.walk():
        if node.elements:
            counts.update(node.phases)
        elif node is not nodes.root:
            counts[node.phase] += 1
    return sorted(counts.items())


def _rows(key: RunKey, nodes: RunNodes, selected: str, page: int, now: Micros) -> tuple[list[Row], int]:
    begin = nodes.root.started or now
    end = nodes.root.ended or now
    rows: list[Row] = []
    stack = [(nodes.root, 0)]
    total = 0
    while stack:
        node, depth = stack.pop()
        stack += [(inner, depth + 1) for inner in reversed(node.below)]
        if page * ROWS <= total < (page + 1) * ROWS:
            rows.append(_row(key, node, depth, (begin, end, now), node.id == selected))
        total += 1
    return rows, total


def _row(key: RunKey, node: RunNode, depth: int, times: tuple[Micros, Micros, Micros], selected: bool) -> Row:
    begin, end, now = times
    span = max(1, end - begin)
    bar = None
    if node.started is not None:
        left = min(99.5, max(0.0, 100 * (node.started - begin) / span))
        width = min(100 - left, max(0.5, 100 * ((node.ended or now) - node.started) / span))
        bar = Bar(node.phase, left, width)
    return Row(
        node=node,
        url=_node_url(key, node),
        depth=depth,
        bar=bar,
        shares=[(phase, 100 * count / len(node.elements), count) for phase, count in sorted(node.phases.items())],
        duration=_lasted(node, now),
        selected=selected,
        child_url=urls.run_url(node.child.run_key) if node.child is not None else "",
    )


def _node_url(key: RunKey, node: RunNode) -> str:
    if node.action is not None and node.action.run != key.name:
        return urls.action_url(node.action)  # a child run's
    return f"{urls.run_url(key)}?{urlencode({'i': node.id})}"


def _element_row(element: Element, now: Micros) -> ElementRow:
    lasted = None if element.started is None else (element.ended or now) - element.started
    return ElementRow(element.name, urls.action_url(element.key), element.phase, element.started, lasted)


def _culprits(key: RunKey, node: RunNode) -> list[tuple[str, str]]:
    """Nodes inside a failed one that failed themselves."""
    inside = [inner for inner in node.walk() if inner is not node and inner.phase in FAILED]
    own = [inner for inner in inside if not any(one.phase in FAILED for one in inner.below)]
    told = [(inner.title, _node_url(key, inner)) for inner in own[:20]]
    broken = [element for element in node.elements if element.phase in FAILED]
    return told + [(f"element {element.name}", urls.action_url(element.key)) for element in broken[:20]]


def _lasted(node: RunNode, now: Micros) -> Micros | None:
    return None if node.started is None else (node.ended or now) - node.started


def asked_of(query: Mapping[str, str]) -> Asked:
    """What a page's query asks for."""
    return Asked(query.get("i", ""), page_number(query), page_number(query, "elements"))
