"""A run's page: graph, tree and timeline of the same nodes, and the panel of the one that is selected."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from flyteidl2.common import identifier_pb2
from flyteidl2.task import run_pb2

from flyte_bridge.embedded.console import action_nodes, panel, urls
from flyte_bridge.embedded.console.nodes import FAILED, RunNode, RunNodes
from flyte_bridge.embedded.faults import NotFound
from flyte_bridge.errors import BridgeError
from flyte_bridge_translators.wire import envelope

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from flyte_bridge.embedded.console.nodes import Element
    from flyte_bridge.embedded.console.source import PageSource
    from flyte_bridge.embedded.model import ActionRecord, Micros, RunKey

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
    root: ActionRecord
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


async def gather(source: PageSource, key: RunKey, asked: Asked) -> RunPage:
    """Everything that the page of a run shows.

    Raises:
        NotFound: There is no such run, or nothing of that name in it.
    """
    root = source.ledger.find(key.action())
    if root is None:
        raise NotFound(f"There is no run {key}.")
    nodes, flyte1_name = await _nodes(source, root)
    action = source.ledger.find(key.action(asked.node)) if asked.node else None
    node = nodes.find(asked.node) if asked.node else nodes.first_failure()
    if node is None and action is None:
        raise NotFound(f"Run {key} has no action {asked.node!r}.")
    if node is None and action is not None:
        node = action_nodes.of_record(action)
    assert node is not None
    if action is None and node.action is not None:
        action = source.ledger.find(node.action)
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
        root=root,
        nodes=nodes,
        asked=Asked(node.id, asked.page, asked.elements_page),
        counts=_counts(nodes),
        # laying a graph out takes a moment, and RPCs must not wait for it
        graph=await asyncio.to_thread(nodes.drawing, now, lambda name: f"?{urlencode({'i': name})}"),
        rows=rows,
        total=total,
        node=node,
        selected=selected,
        elements=[_element_row(element, now) for element in node.elements[begin : begin + ELEMENTS]],
        elements_total=len(node.elements),
        culprits=_culprits(key, node),
        conditions=panel.open_conditions(source, key),
    )


async def _nodes(source: PageSource, root: ActionRecord) -> tuple[RunNodes, str]:
    """A run's nodes, and Flyte 1's name of it; empty for one that was born in Flyte 2."""
    key = root.key.run_key
    unread = ""
    if root.task_type == envelope.TASK_TYPE:
        from flyte_bridge.admin.context import CallContext
        from flyte_bridge.embedded.console.execution_nodes import of_execution
        from flyte_bridge_translators.graph.closures import BadClosure
        from flyte_bridge_translators.wire import execution

        run = identifier_pb2.RunIdentifier(project=key.project, domain=key.domain, name=key.name)
        name = execution.settings(run_pb2.RunSpec.FromString(root.run_spec), run).name
        try:
            reader = (await source.facade()).reader
            return await of_execution(reader, key, name, CallContext("console")), name
        except (BridgeError, BadClosure) as error:
            unread = str(error)  # its actions are there nevertheless
    records = source.ledger.subtree(root.key)
    nodes = await asyncio.to_thread(action_nodes.of_actions, records)
    return RunNodes(nodes.root, nodes.drawn, unread), ""


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


def page_number(query: Mapping[str, str], name: str = "page") -> int:
    """A page's number in a query, from 0; what is none counts as the first."""
    number = query.get(name, "0")
    return min(int(number), 1_000_000) if number.isascii() and number.isdigit() and len(number) < 10 else 0
