"""What a drawing of a workflow shows: boxes in levels, before anyone decides how they look.

A box that runs other nodes (a sub-workflow, a branch, an expanded dynamic task) holds a level of its own, and an edge
joins two boxes of one level. So every format draws a level, and levels in levels, and nothing else.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from flyte_bridge_translators.graph import model
from flyte_bridge_translators.graph.read import Closure, Key, Workflow
from flyte_bridge_translators.wire import identifier

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

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
class State:
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
        closure: What `read` made of it.
        dynamic: What dynamic nodes have become in a run, and at which attempt (from 0), by the node's unique id.
        deepest: Levels of sub-workflows that are opened; those below are single boxes. A sub-workflow that is used in two
            places is drawn twice, so depth is what bounds a drawing.
    """
    template = closure.primary.template
    return Figure(str(template.id.name), _Drawer(closure, dynamic or {}, deepest).workflow(closure.primary, "", ()))


def critical_path(level: Level, states: Mapping[str, State] | None = None) -> tuple[float, list[str]]:
    """The longest chain of boxes.

    Args:
        level: Of a figure.
        states: When given, lengths are seconds; otherwise they are actions.

    Returns:
        Its length, and the boxes on it by id, those inside others after the box that holds them.
    """
    return _Longest(states).level(level)


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


def lines_of(box: Box, states: Mapping[str, State]) -> list[str]:
    """What is written in a box."""
    first = f"{box.name}: {box.title}" if box.name and box.name != box.title else box.title
    if box.kind == "failure":
        first = f"on failure: {box.title}"
    state = states.get(box.id)
    return [first] if state is None else [first, state.text()]


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
        level = Level([self.box(node, parent, above, attempt) for node in workflow.graph])
        ids = {node: box.id for node, box in zip(workflow.graph, level.boxes, strict=True)}
        level.edges += [
            Edge(ids[before], ids[after], kind) for before, after, kind in workflow.graph.edges(data="kind")
        ]
        if workflow.failure is not None:
            failure = self.box(workflow.failure, parent, above, attempt)
            level.boxes.append(
                Box(failure.id, failure.name, failure.title, "failure", failure.target, 0, failure.inner)
            )
        return level

    def box(self, node: model.Node, parent: str, above: tuple[Key, ...], attempt: int = 0) -> Box:
        payload = node.payload
        unique = identifier.unique_id(parent, attempt, payload.id)
        title = _title(payload.metadata.name or identifier.short_name(getattr(node, "target", "") or payload.id))
        match node:
            case model.Branch():
                inner = self.branch(node, unique, above)
                return Box(unique, node.name, title, "branch", cost=0, inner=inner)
            case model.Gate():
                return Box(unique, node.name, title, node.waits_for, cost=0 if node.waits_for == "time" else 1)
            case model.Map():
                bound = "" if node.concurrency is None else f", {node.concurrency} at a time"
                return Box(unique, node.name, f"{title} (map{bound})", "map", node.target)
            case model.Call():
                return self.call(node, unique, title, above)
        return Box(unique, node.name, title, "task")

    def call(self, node: model.Call, unique: str, title: str, above: tuple[Key, ...]) -> Box:
        if unique in self.dynamic:
            expanded, attempt = self.dynamic[unique]
            level = _Drawer(expanded, self.dynamic, self.deepest, attempt).workflow(expanded.primary, unique, above)
            return Box(unique, node.name, title, "dynamic", node.target, inner=level)
        workflow = self.closure.sub_workflow_of(node)
        if workflow is not None:
            opened = workflow.key not in above and len(above) < self.deepest
            inner = self.workflow(workflow, unique, (*above, workflow.key)) if opened else None
            return Box(unique, node.name, title, "workflow", node.target, cost=0 if opened else 1, inner=inner)
        kind: Kind = "launch plan" if node.payload.HasField("workflow_node") else "task"
        return Box(unique, node.name, title, kind, node.target)

    def branch(self, node: model.Branch, unique: str, above: tuple[Key, ...]) -> Level:
        choice = Box(f"{unique}?", "", node.payload.metadata.name or node.name, "choice", cost=0)
        level = Level([choice])
        for arm in node.arms:
            if arm.body is None:
                box = Box(f"{unique}!", "", f"fail: {arm.message}", "fail", cost=0)
            else:
                [inner] = arm.body
                box = self.box(inner, unique, above)
            level.boxes.append(box)
            label = "else" if arm.condition is None else _text(arm.condition)
            level.edges.append(Edge(choice.id, box.id, "choice", label))
        return level


class _Longest:
    def __init__(self, states: Mapping[str, State] | None) -> None:
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


SIGNS = ("==", "!=", ">", ">=", "<", "<=")
"""By the numbers of `ComparisonExpression.Operator`."""


def _text(expression: Any) -> str:
    """A condition as a reader would write it."""
    if expression.WhichOneof("expr") == "comparison":
        comparison = expression.comparison
        return f"{_operand(comparison.left_value)} {SIGNS[comparison.operator]} {_operand(comparison.right_value)}"
    conjunction = expression.conjunction
    word = "or" if conjunction.operator == 1 else "and"
    sides = [_side(one) for one in (conjunction.left_expression, conjunction.right_expression)]
    return f" {word} ".join(sides)


def _side(expression: Any) -> str:
    text = _text(expression)
    return f"({text})" if expression.WhichOneof("expr") == "conjunction" else text


def _operand(operand: Any) -> str:
    match operand.WhichOneof("val"):
        case "var":
            # flytekit names an input of the workflow ".n", and an output of a node "n0.o0"
            return str(operand.var).removeprefix(".")
        case "scalar":
            primitive = operand.scalar.primitive
        case _:
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
