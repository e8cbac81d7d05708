"""What a drawing of a workflow shows: boxes in levels, before anyone decides how they look.

A box that runs other nodes (a sub-workflow, a branch, an expanded dynamic task) holds a level of its own, and an edge
joins two boxes of one level. So every format draws a level, and levels in levels, and nothing else.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from flyte_bridge_translators.flyte1.conditions import Comparison, Variable
from flyte_bridge_translators.flyte1.nodes import ArrayNode, Awaited, BranchNode, GateNode, LaunchPlanNode
from flyte_bridge_translators.graph import model
from flyte_bridge_translators.wire import identifier

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from flyte_bridge_translators.flyte1.closure import Closure, Workflow
    from flyte_bridge_translators.flyte1.conditions import Condition, Operand
    from flyte_bridge_translators.flyte1.nodes import Key, Node

Kind = Literal[
    "task",
    "dynamic",
    "map",
    "workflow",
    "launch plan",
    "branch",
    "choice",
    "fail",
    "approval",
    "input",
    "time",
    "failure",
]

EdgeKind = Literal["data", "order", "arm", "choice"]
"""The first three are `model`'s; `choice` leads from a choice to one of its arms."""


@dataclass(frozen=True, slots=True)
class BoxState:
    """How a node is doing in a run.

    Attributes:
        phase: `succeeded`, `failed`, `running`, `queued`, `aborted`, `skipped`, `recovered` or `cached`.
        seconds: How long it has taken, if it has started.
        note: What else to say: `48 of 50`.
    """

    phase: str
    seconds: float | None = None
    note: str = ""

    def text(self) -> str:
        """One line for a reader."""
        took = "" if self.seconds is None else duration(self.seconds)
        return " · ".join(filter(None, (self.phase, took, self.note)))


@dataclass(frozen=True, eq=False, slots=True)
class Box:
    """A node, or what belongs to one.

    Attributes:
        id: Unique in the drawing: the node's unique id in an execution, as the driver names its action.
        name: The node's id in its own workflow; empty for a choice and a `fail`.
        title: What a reader calls it.
        kind: What it is.
        target: Full name of the task, workflow or launch plan that it calls.
        cost: How many actions in a row it takes at least.
        inner: What it runs.
    """

    id: str
    name: str
    title: str
    kind: Kind
    target: str = ""
    cost: int = 1
    inner: Level | None = None


@dataclass(frozen=True, slots=True)
class Edge:
    """Why a box waits for another one of its level."""

    before: str
    after: str
    kind: EdgeKind = "data"
    label: str = ""


@dataclass(eq=False, slots=True)
class Level:
    """Boxes and the edges among them."""

    boxes: list[Box] = field(default_factory=list)
    edges: list[Edge] = field(default_factory=list)

    def walk(self) -> Iterator[Box]:
        """Every box, those inside others included, in the order of the text."""
        for box in self.boxes:
            yield box
            if box.inner is not None:
                yield from box.inner.walk()


@dataclass(frozen=True, eq=False, slots=True)
class Figure:
    """A whole drawing.

    Attributes:
        title: The workflow's name.
        level: Its nodes.
    """

    title: str
    level: Level


def of(closure: Closure, dynamic: Mapping[str, tuple[Closure, int]] | None = None, deepest: int = 8) -> Figure:
    """The figure of a compiled workflow.

    Args:
        closure: It; `closures.checked` has found nothing wrong with it.
        dynamic: What dynamic nodes have become in a run, and at which attempt (from 0), by the node's unique id.
        deepest: Levels of sub-workflows that are opened; those below are single boxes. A sub-workflow that is used in two
            places is drawn twice, so depth is what bounds a drawing.
    """
    return Figure(closure.primary.key.name, _Drawer(closure, dynamic or {}, deepest).workflow(closure.primary, "", ()))


def critical_path(level: Level, states: Mapping[str, BoxState] | None = None) -> tuple[float, list[str]]:
    """The longest chain of boxes.

    Args:
        level: Of a figure.
        states: When given, lengths are seconds; otherwise they are actions.

    Returns:
        Its length, and the boxes on it by id, those inside others after the box that holds them.
    """
    return _Longest(states).level(level)


FAILED = frozenset({"failed", "failing", "timed out"})
"""Phases of what has failed itself, or because of what runs inside it."""


def failing_chain(level: Level, states: Mapping[str, BoxState]) -> list[str]:
    """The boxes that have failed, by id: from the outermost that holds a failure down to the one that broke."""
    return [box.id for box in level.walk() if box.id in states and states[box.id].phase in FAILED]


def duration(seconds: float) -> str:
    """Time for a reader: `0.4 s`, `12 s`, `3 min 5 s`, `2 h 7 min`."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def lines_of(box: Box, states: Mapping[str, BoxState]) -> list[str]:
    """What is written in a box."""
    first = f"{box.name}: {box.title}" if box.name and box.name != box.title else box.title
    if box.kind == "failure":
        first = f"on failure: {box.title}"
    state = states.get(box.id)
    return [first] if state is None else [first, state.text()]


_GATES: Mapping[Awaited, Kind] = {Awaited.APPROVAL: "approval", Awaited.INPUT: "input", Awaited.TIME: "time"}


class _Drawer:
    def __init__(
        self, closure: Closure, dynamic: Mapping[str, tuple[Closure, int]], deepest: int, attempt: int = 0
    ) -> None:
        self.closure = closure
        self.dynamic = dynamic
        self.deepest = deepest
        self.attempt = attempt

    def workflow(self, workflow: Workflow, parent: str, above: tuple[Key, ...]) -> Level:
        """A level with a workflow's nodes; `above` are the sub-workflows that it is in."""
        # only a dynamic node's own nodes tell by their ids which attempt of it they belong to
        attempt = self.attempt if workflow is self.closure.primary else 0
        level = Level([self.box(node, parent, above, attempt) for node in workflow.nodes])
        ids = {node: box.id for node, box in zip(workflow.nodes, level.boxes, strict=True)}
        edges = model.of(workflow).edges(data="kind")
        level.edges += [Edge(ids[before], ids[after], kind) for before, after, kind in edges]
        if workflow.failure is not None:
            failure = self.box(workflow.failure, parent, above, attempt)
            level.boxes.append(
                Box(failure.id, failure.name, failure.title, "failure", failure.target, 0, failure.inner)
            )
        return level

    def box(self, node: Node, parent: str, above: tuple[Key, ...], attempt: int = 0) -> Box:
        unique = identifier.unique_id(parent, attempt, node.id)
        target = node.calls.name if node.calls is not None else ""
        title = _title(node.title or identifier.short_name(target or node.id))
        match node:
            case BranchNode():
                return Box(unique, node.id, title, "branch", cost=0, inner=self.branch(node, unique, above))
            case GateNode():
                sleeps = node.awaited is Awaited.TIME
                return Box(unique, node.id, title, _GATES[node.awaited], cost=0 if sleeps else 1)
            case ArrayNode():
                bound = f", {node.parallelism} at a time" if node.parallelism else ""
                return Box(unique, node.id, f"{title} (map{bound})", "map", target)
        return self.call(node, unique, title, above)

    def call(self, node: Node, unique: str, title: str, above: tuple[Key, ...]) -> Box:
        target = node.calls.name if node.calls is not None else ""
        if unique in self.dynamic:
            expanded, attempt = self.dynamic[unique]
            level = _Drawer(expanded, self.dynamic, self.deepest, attempt).workflow(expanded.primary, unique, above)
            return Box(unique, node.id, title, "dynamic", target, inner=level)
        workflow = self.closure.workflow_of(node)
        if workflow is not None:
            opened = workflow.key not in above and len(above) < self.deepest
            inner = self.workflow(workflow, unique, (*above, workflow.key)) if opened else None
            return Box(unique, node.id, title, "workflow", target, cost=0 if opened else 1, inner=inner)
        return Box(unique, node.id, title, "launch plan" if isinstance(node, LaunchPlanNode) else "task", target)

    def branch(self, node: BranchNode, unique: str, above: tuple[Key, ...]) -> Level:
        choice = Box(f"{unique}?", "", node.title or node.id, "choice", cost=0)
        level = Level([choice])
        for outcome, label in (*((case.node, _text(case.condition)) for case in node.cases), (node.otherwise, "else")):
            if outcome is None:
                continue
            if isinstance(outcome, str):
                box = Box(f"{unique}!", "", f"fail: {outcome}", "fail", cost=0)
            else:
                box = self.box(outcome, unique, above)
            level.boxes.append(box)
            level.edges.append(Edge(choice.id, box.id, "choice", label))
        return level


class _Longest:
    def __init__(self, states: Mapping[str, BoxState] | None) -> None:
        self.states = states

    def level(self, level: Level) -> tuple[float, list[str]]:
        before: dict[str, list[str]] = defaultdict(list)
        missing: dict[str, int] = dict.fromkeys((box.id for box in level.boxes), 0)
        after: dict[str, list[str]] = defaultdict(list)
        for edge in level.edges:
            before[edge.after].append(edge.before)
            after[edge.before].append(edge.after)
            missing[edge.after] += 1
        boxes = {box.id: box for box in level.boxes}
        ready = [name for name, count in missing.items() if not count]
        until: dict[str, tuple[float, str | None]] = {}
        own: dict[str, list[str]] = {}
        while ready:
            name = ready.pop()
            length, own[name] = self.box(boxes[name])
            previous = max(before[name], key=lambda one: until[one][0], default=None)
            until[name] = (length + (until[previous][0] if previous is not None else 0.0), previous)
            for one in after[name]:
                missing[one] -= 1
                if not missing[one]:
                    ready.append(one)
        last = max(until, key=lambda one: until[one][0], default=None)
        longest = until[last][0] if last is not None else 0.0
        chain: list[str] = []
        while last is not None:
            chain.append(last)
            last = until[last][1]
        return longest, [one for name in reversed(chain) for one in own[name]]

    def box(self, box: Box) -> tuple[float, list[str]]:
        inside, path = self.level(box.inner) if box.inner is not None else (0.0, [])
        if self.states is None:
            return box.cost + inside, [box.id, *path]
        state = self.states.get(box.id)
        # what has its own clock includes what runs inside it
        return (state.seconds or 0.0) if state is not None else inside, [box.id, *path]


_MAPPED = re.compile(r"(?:.*\.)?map_(.+)_[0-9a-f]{32}(?:-arraynode)?")
"""flytekit's names of map tasks: the function's, and a hash of what is bound."""


def _title(name: str) -> str:
    mapped = _MAPPED.fullmatch(name)
    return name if mapped is None else mapped[1]


def _text(condition: Condition) -> str:
    """A condition as a reader would write it."""
    if condition is None:
        return ""
    if isinstance(condition, Comparison):
        return f"{_operand(condition.left)} {condition.sign} {_operand(condition.right)}"
    word = "or" if condition.either else "and"
    return f" {word} ".join(_side(side) for side in (condition.left, condition.right))


def _side(condition: Condition) -> str:
    text = _text(condition)
    return text if isinstance(condition, Comparison) else f"({text})"


def _operand(operand: Operand) -> str:
    if isinstance(operand, Variable):
        # flytekit names an input of the workflow ".n", and an output of a node "n0.o0"
        return operand.name.removeprefix(".")
    primitive = operand.primitive
    kind = primitive.WhichOneof("value")
    match kind:
        case None:
            return "None"
        case "string_value":
            return repr(primitive.string_value)
        case "datetime" | "duration":
            return str(getattr(primitive, kind).ToJsonString())
    return str(getattr(primitive, kind))
