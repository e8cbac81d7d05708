"""The nodes of a run as its page shows them: one list that graph, tree and timeline are drawn from.

`execution_nodes` makes them from an execution of Flyte 1, `action_nodes` from a run that was born in Flyte 2.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from flyte_bridge_translators.graph import figure

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from flyte_bridge.backend.keys import ActionKey
    from flyte_bridge.backend.moments import Micros

MOST_BOXES = 400
"""Boxes above which no graph is drawn, as in the driver's report: nobody could read it."""

TOGETHER = 12
"""Siblings of one name and group above which they are one row with a bar."""

MAP = "map"
"""The kind of a row that stands for many elements."""

FAILED = figure.FAILED
ENDED = frozenset({"succeeded", "recovered", "failed", "timed out", "aborted"})
"""Phases of a run after which nothing comes."""

ENDED_WELL = frozenset({"succeeded", "recovered", "cached", "skipped"})


@dataclass(frozen=True, slots=True)
class Element:
    """One run of what a map repeats.

    Attributes:
        name: Its index in the map, or its action's name.
    """

    name: str
    key: ActionKey
    phase: str
    started: Micros | None
    ended: Micros | None


@dataclass(eq=False, slots=True, kw_only=True)
class RunNode:
    """What a row of the tree, a bar of the timeline and a box of the graph show.

    Attributes:
        id: Unique in the run: Flyte 1's unique node id, or the action's name.
        title: As its author calls it.
        kind: What it is; one of `figure.Kind`'s words, `trace`, `condition`, or `run`.
        phase: In Flyte 1's words for an execution, in Flyte 2's for an action; lower case, with blanks.
        action: The action that tells more of it; None of what only holds others together.
        below: What runs inside it.
        arm: The condition under which a branch takes it.
        elements: Of a map; those that have begun.
        child: The run that it has started.
        note: What else to say.
    """

    id: str
    title: str
    kind: str
    phase: str
    started: Micros | None = None
    ended: Micros | None = None
    action: ActionKey | None = None
    below: list[RunNode] = field(default_factory=list)
    arm: str = ""
    elements: Sequence[Element] = ()
    child: ActionKey | None = None
    note: str = ""
    attempts: int = 1
    cached: bool = False

    def walk(self) -> Iterator[RunNode]:
        """Itself and all below it, in the order of the tree."""
        stack = [self]
        while stack:
            node = stack.pop()
            yield node
            stack += reversed(node.below)

    @property
    def phases(self) -> Mapping[str, int]:
        """How many elements stand in which phase."""
        return Counter(element.phase for element in self.elements)


@dataclass(frozen=True, eq=False)
class RunNodes:
    """A run's nodes.

    Attributes:
        root: The run itself; its nodes are below it.
        drawn: The graph of its nodes.
        unread: Why the nodes are not shown as Flyte 1 would; empty if they are.
    """

    root: RunNode
    drawn: figure.Figure
    unread: str = ""

    def find(self, name: str) -> RunNode | None:
        """A node by its id, or by its action's name."""
        by_action = None
        for node in self.root.walk():
            if node.id == name:
                return node
            if node.action is not None and node.action.name == name and not self._is_childs(node):
                by_action = node
        return by_action

    def _is_childs(self, node: RunNode) -> bool:
        """Whether a node is another run's, whose actions have names of their own."""
        own = self.root.action
        return own is not None and node.action is not None and node.action.run_key != own.run_key

    @property
    def ended(self) -> bool:
        """Whether the run has ended."""
        return self.root.phase in ENDED

    def first_failure(self) -> RunNode:
        """Where to look first: the innermost node that failed first; the run itself if none did."""
        node = self.root
        while failed := [inner for inner in node.below if inner.phase in FAILED]:
            node = min(failed, key=lambda inner: inner.ended or inner.started or 0)
        return node

    def states(self, now: Micros) -> dict[str, figure.BoxState]:
        """What the graph tells of each node."""
        return {
            node.id: figure.BoxState(
                node.phase,
                None if node.started is None else ((node.ended or now) - node.started) / 1e6,
                node.note,
            )
            for node in self.root.walk()
            if node is not self.root and node.phase not in {"not started", "not run"}
        }

    def drawing(self, now: Micros, link: Callable[[RunNode], str]) -> str:
        """The graph as SVG, with its critical path and its failing chain; empty if there are too many boxes."""
        from flyte_bridge_translators.graph.svg import svg  # networkx, an eighth of a second

        boxes = [box.id for box in self.drawn.level.walk()]
        if not boxes or len(boxes) > MOST_BOXES:
            return ""
        states = self.states(now)
        _, critical = figure.critical_path(self.drawn.level, states)
        begun = [name for name in critical if name in states]
        failing = figure.failing_chain(self.drawn.level, states)
        links = {node.id: link(node) for node in self.root.walk()}
        return svg(self.drawn, states, begun, failing=failing, links=links)
