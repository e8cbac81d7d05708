"""A workflow is drawn in four formats, which agree with each other and hold nothing a reader of them would trip over."""

from __future__ import annotations

import itertools
import json
import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import pytest

pytest.importorskip("flytekit", reason="flytekit stops at Python 3.12")

from flytekit import LaunchPlan, approve, conditional, map_task, sleep, task, wait_for_input, workflow
from hypothesis import given
from hypothesis import strategies as st

from flyte_bridge_translators.flyte1 import read
from flyte_bridge_translators.graph import closures, draw, figure, layout
from golden import Golden
from wire.serialized import serialize

if TYPE_CHECKING:
    from syrupy.assertion import SnapshotAssertion


@task
def load(n: int) -> list[int]:
    return list(range(n))


@task
def square(x: int) -> int:
    return x * x


@task
def total(xs: list[int]) -> int:
    return sum(xs)


@task
def tidy(n: int, name: str) -> None: ...


@workflow
def inner(n: int) -> int:
    return square(x=square(x=n))


@workflow
def child(n: int) -> int:
    return square(x=n)


plan = LaunchPlan.get_or_create(child, "child_plan")


@workflow(on_failure=tidy)
def everything(n: int, name: str) -> int:
    xs = load(n=n)
    squares = map_task(square, concurrency=3)(x=xs)
    summed = total(xs=squares)
    given = wait_for_input("limit", timeout=timedelta(hours=1), expected_type=int)
    chosen = (
        conditional("size")
        .if_((summed > given) & ((name == 'a "b" <c>') | (n >= 10)))
        .then(inner(n=summed))
        .elif_(n == 0)
        .then(conditional("again").if_(summed < 5).then(square(x=n)).else_().fail("too {small}"))
        .else_()
        .then(square(x=given))
    )
    pause = sleep(timedelta(seconds=1))
    ok = approve(plan(n=chosen), "fine?", timeout=timedelta(hours=1))
    pause >> ok
    return ok


@pytest.fixture(scope="module")
def drawn() -> figure.Figure:
    found = serialize(everything)
    [name] = [name for name in found.workflows if name.endswith(".everything")]
    return figure.of(closures.checked(read.closure(found.compiled(name))))


STATES = {
    "n0": figure.BoxState("succeeded", 2.04),
    "n1": figure.BoxState("running", 75.6, "48 of 50"),
    "n2": figure.BoxState("queued"),
    "n5": figure.BoxState("skipped"),
}


class MermaidGolden(Golden):
    _file_extension = file_extension = "mmd"


class DotGolden(Golden):
    _file_extension = file_extension = "dot"


class SvgGolden(Golden):
    _file_extension = file_extension = "svg"


class JsonGolden(Golden):
    _file_extension = file_extension = "json"


GOLDENS: dict[str, type[Golden]] = {"mermaid": MermaidGolden, "dot": DotGolden, "svg": SvgGolden, "json": JsonGolden}


@pytest.mark.parametrize("path", ["graph/everything"])
def test_golden(drawn: figure.Figure, path: str, snapshot: SnapshotAssertion) -> None:
    """Every kind of node, with states and the critical path, in every format."""
    chain = figure.critical_path(drawn.level)[1]
    for form, draw_as in draw.FORMATS.items():
        assert draw_as(drawn, STATES, chain) == snapshot(extension_class=GOLDENS[form])


def test_formats_agree(drawn: figure.Figure) -> None:
    """Each format has every box and every edge."""
    boxes = list(drawn.level.walk())
    edges = len(drawn.level.edges) + sum(len(box.inner.edges) for box in boxes if box.inner is not None)
    text = draw.mermaid(drawn)
    assert len(set(re.findall(r"\bb\d+\b", text))) == len(boxes)
    assert len(re.findall(r"^ +b\d+ -", text, re.MULTILINE)) == edges
    text = draw.dot(drawn)
    assert len(re.findall(r"\[label=.*shape=|subgraph", text)) == len(boxes)
    assert text.count(" -> ") == edges
    root = ET.fromstring(draw.FORMATS["svg"](drawn))
    assert [group.get("data-node") for group in root.iter("{http://www.w3.org/2000/svg}g")] == [box.id for box in boxes]
    assert (
        sum((path.get("class") or "").startswith("e") for path in root.iter("{http://www.w3.org/2000/svg}path"))
        == edges
    )

    def count(level: Any) -> tuple[int, int]:
        inner = [count(node) for node in level["nodes"] if "nodes" in node]
        return len(level["nodes"]) + sum(one for one, _ in inner), len(level["edges"]) + sum(one for _, one in inner)

    assert count(json.loads(draw.to_json(drawn))) == (len(boxes), edges)


def test_ids_are_the_drivers(drawn: figure.Figure) -> None:
    """Boxes are called as the driver calls their actions, so that a run's states find them."""
    ids = [box.id for box in drawn.level.walk() if box.name]
    assert len(ids) == len(set(ids))
    assert "n4-0-n4-n0" in ids  # the arm's sub-workflow
    assert {"n0", "n1", "n2", "n3", "n4", "n5", "n6", "n7"} <= set(ids)


def test_critical_path(drawn: figure.Figure) -> None:
    """The longest chain leads through the longest arm, and by seconds it is another one."""
    length, chain = figure.critical_path(drawn.level)
    named = {box.id: box.title for box in drawn.level.walk()}
    assert [named[one] for one in chain] == [
        "load", "square (map, 3 at a time)", "total", "size", "size", "inner", "square", "square", "child", "fine?"
    ]  # fmt: skip
    assert length == 7
    seconds = {
        "n3": figure.BoxState("succeeded", 50),
        "n0": figure.BoxState("succeeded", 3),
        "n1": figure.BoxState("failed", 9),
    }
    length, chain = figure.critical_path(drawn.level, seconds)
    assert length == 50
    assert chain[0] == "n3"


def test_dynamic_tasks_open(drawn: figure.Figure) -> None:
    """What a dynamic node has become in a run is drawn inside it, under the unique ids of its nodes."""
    found = serialize(inner)
    closure = closures.checked(read.closure(found.compiled(next(iter(found.workflows)))))
    opened = figure.of(closure, {"n1": (closure, 2)})
    assert [(box.id, box.kind) for box in opened.level.walk()] == [
        ("n0", "task"),
        ("n1", "dynamic"),
        ("n1-2-n0", "task"),
        ("n1-2-n1", "task"),
    ]


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.04, "0.0 s"), (9.94, "9.9 s"), (59.4, "59 s"), (185, "3 min 5 s"), (7620, "2 h 7 min")]
)
def test_duration(seconds: float, text: str) -> None:
    """A duration is told in two units at most."""
    assert figure.duration(seconds) == text


@st.composite
def levels(draw_one: st.DrawFn) -> tuple[figure.Level, dict[str, tuple[float, float]]]:
    count = draw_one(st.integers(1, 40))
    names = [f"n{place}" for place in range(count)]
    pairs = st.tuples(st.integers(0, count - 1), st.integers(0, count - 1))
    edges = {(min(pair), max(pair)) for pair in draw_one(st.lists(pairs, max_size=80)) if pair[0] != pair[1]}
    level = figure.Level(
        [figure.Box(name, name, name, "task") for name in names],
        [figure.Edge(names[before], names[after]) for before, after in sorted(edges)],
    )
    size = st.tuples(st.floats(10, 900), st.floats(10, 200))
    return level, {name: draw_one(size) for name in names}


@given(levels())
def test_layout(case: tuple[figure.Level, dict[str, tuple[float, float]]]) -> None:
    """Boxes lie apart from each other within the drawing, each below all that it waits for, and edges only go down."""
    level, sizes = case
    placed = layout.place(level, sizes)
    corners = [(*placed.at[name], placed.at[name][0] + w, placed.at[name][1] + h) for name, (w, h) in sizes.items()]
    for left, top, right, bottom in corners:
        assert left >= -0.01
        assert top >= 0
        assert right <= placed.width + 0.01
        assert bottom <= placed.height + 0.01
    for one, other in itertools.combinations(corners, 2):
        apart = one[2] <= other[0] or other[2] <= one[0] or one[3] <= other[1] or other[3] <= one[1]
        assert apart
    for edge in level.edges:
        bends = placed.bends.get((edge.before, edge.after), [])
        heights = [placed.at[edge.before][1], *(y for _, y in bends), placed.at[edge.after][1]]
        assert heights == sorted(heights)


def test_size() -> None:
    """Thousands of nodes are drawn too, in rows that are broken before they get absurdly wide."""
    boxes = [figure.Box(f"n{place}", f"n{place}", "work", "task") for place in range(3000)]
    edges = [figure.Edge("n0", f"n{place}") for place in range(1, 2999)]
    edges += [figure.Edge(f"n{place}", "n2999") for place in range(1, 2999)]
    root = ET.fromstring(draw.FORMATS["svg"](figure.Figure("wide", figure.Level(boxes, edges))))
    assert float(root.get("width") or 0) < 1800
