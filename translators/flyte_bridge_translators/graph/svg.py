"""A figure as SVG: one file, no script, no font or style from elsewhere, so that it can stand in a report or a page."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape, quoteattr

from flyte_bridge_translators.graph import layout
from flyte_bridge_translators.graph.figure import lines_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from flyte_bridge_translators.graph.figure import Box, BoxState, Edge, Figure, Level

PLAIN = "#ffffff"
FILL: dict[str, str] = {
    "succeeded": "#d2f4d9",
    "recovered": "#d2f4d9",
    "cached": "#d2f4d9",
    "running": "#cfe3fb",
    "dynamic running": "#cfe3fb",
    "queued": "#eef1f4",
    "waiting": "#fdf0cf",
    "failed": "#fbd5d8",
    "failing": "#fbd5d8",
    "timed out": "#fbd5d8",
    "aborted": "#f1ddc8",
    "skipped": "#f6f8fa",
}
"""Colour of a box by its node's phase; every one is light enough for the dark text on it."""

LINE = "#57606a"
TEXT = "#1b1f24"
CRITICAL = "#8250df"
FAILING = "#cf222e"

CHARACTER = 7.2
"""Pixels of a character at 13 px in the fonts named below; wide enough for all of them."""

ROW = 17.0
PAD = 10.0
EDGE = 16.0

STYLE = (
    f"text{{font:13px -apple-system,'Segoe UI',Helvetica,Arial,sans-serif;fill:{TEXT}}}"
    f".n{{stroke:{LINE};fill:{PLAIN}}}.g{{stroke:{LINE};fill:none;stroke-dasharray:2 3}}"
    f".e{{stroke:{LINE};fill:none;marker-end:url(#a)}}.o{{stroke-dasharray:5 4}}"
    f".c{{stroke:{CRITICAL};stroke-width:2.5}}.l{{font-size:11px}}.s{{opacity:.55}}"
    f".f{{stroke:{FAILING};stroke-width:3.5;stroke-dasharray:9 3}}"
)

HEXAGONAL = frozenset({"choice"})
ROUND = frozenset({"time", "fail"})


def svg(
    drawn: Figure,
    states: Mapping[str, BoxState] | None = None,
    critical: Collection[str] = (),
    *,
    failing: Collection[str] = (),
    links: Mapping[str, str] | None = None,
) -> str:
    """An SVG document.

    Args:
        drawn: The figure.
        states: How its nodes are doing, by id.
        critical: Boxes of the critical path, by id: one thick line.
        failing: Boxes of the failing chain, by id: a broken line in another color.
        links: Where boxes lead to, by id.
    """
    painter = _Painter(states or {}, frozenset(critical), frozenset(failing), links or {})
    whole = painter.measure(drawn.level)
    width, height = whole.placed.width + 2 * EDGE, whole.placed.height + 2 * EDGE
    marker = (
        '<defs><marker id="a" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" markerHeight="7" orient="auto" '
        'markerUnits="userSpaceOnUse">'
        f'<path d="M0 0L8 4L0 8z" fill="{LINE}"/></marker></defs>'
    )
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" '
            f'width="{width:.0f}" height="{height:.0f}" role="img">',
            f"<title>{escape(drawn.title)}</title>",
            f"<style>{STYLE}</style>{marker}",
            f'<rect width="100%" height="100%" fill="{PLAIN}"/>',
            *painter.paint(drawn.level, whole, EDGE, EDGE),
            "</svg>",
            "",
        ]
    )


@dataclass(frozen=True, slots=True)
class _Measured:
    """A level's layout, and those of the levels in its boxes."""

    placed: layout.Placed
    sizes: dict[str, tuple[float, float]]
    inner: dict[str, _Measured]


class _Painter:
    def __init__(
        self,
        states: Mapping[str, BoxState],
        critical: frozenset[str],
        failing: frozenset[str],
        links: Mapping[str, str],
    ) -> None:
        self.states = states
        self.critical = critical
        self.failing = failing
        self.links = links

    def measure(self, level: Level) -> _Measured:
        sizes: dict[str, tuple[float, float]] = {}
        inner: dict[str, _Measured] = {}
        for box in level.boxes:
            lines = self.lines(box)
            width = max(len(line) for line in lines) * CHARACTER + 2 * PAD
            height = len(lines) * ROW + 2 * PAD
            if box.kind in HEXAGONAL:
                width += 2 * PAD
            if box.inner is not None:
                inner[box.id] = self.measure(box.inner)
                placed = inner[box.id].placed
                width, height = max(width, placed.width + 2 * PAD), height + placed.height + PAD
            sizes[box.id] = (width, height)
        return _Measured(layout.place(level, sizes), sizes, inner)

    def paint(self, level: Level, measured: _Measured, left: float, top: float) -> Iterator[str]:
        for edge in level.edges:
            yield from self.edge(edge, measured, left, top)
        for box in level.boxes:
            x, y = measured.placed.at[box.id]
            yield from self.box(box, measured, left + x, top + y)

    def box(self, box: Box, measured: _Measured, left: float, top: float) -> Iterator[str]:
        width, height = measured.sizes[box.id]
        state = self.states.get(box.id)
        look = "n"
        if box.inner is not None:
            look = "n g" if state is None else "n"
        if box.id in self.critical:
            look += " c"
        if box.id in self.failing:
            look += " f"
        if state is not None and state.phase == "skipped":
            look += " s"
        fill = f' style="fill:{FILL.get(state.phase, PLAIN)}"' if state is not None else ""
        tip = " ".join(filter(None, (box.kind, box.target)))
        link = self.links.get(box.id)
        if link is not None:
            yield f"<a href={quoteattr(link)}>"
        yield f"<g data-node={quoteattr(box.id)}><title>{escape(tip)}</title>"
        yield f'<{_outline(box, left, top, width, height)} class="{look}"{fill}/>'
        middle = left + width / 2
        for number, line in enumerate(self.lines(box)):
            y = top + PAD + ROW * (number + 0.75)
            yield f'<text x="{middle:.1f}" y="{y:.1f}" text-anchor="middle">{escape(line)}</text>'
        yield "</g>"
        if link is not None:
            yield "</a>"
        if box.inner is not None:
            within = measured.inner[box.id]
            inset = (width - within.placed.width) / 2
            head = len(self.lines(box)) * ROW + 2 * PAD
            yield from self.paint(box.inner, within, left + inset, top + head)

    def edge(self, edge: Edge, measured: _Measured, left: float, top: float) -> Iterator[str]:
        at, sizes = measured.placed.at, measured.sizes
        x0, y0 = at[edge.before][0] + sizes[edge.before][0] / 2, at[edge.before][1] + sizes[edge.before][1]
        x1, y1 = at[edge.after][0] + sizes[edge.after][0] / 2, at[edge.after][1]
        points = [(x0, y0), *measured.placed.bends.get((edge.before, edge.after), ()), (x1, y1)]
        moved = [(left + x, top + y) for x, y in points]
        look = "e o" if edge.kind in {"order", "arm"} else "e"
        if edge.before in self.critical and edge.after in self.critical:
            look += " c"
        elif edge.before in self.failing and edge.after in self.failing:
            look += " f"
        yield f'<path class="{look}" d="{_curve(moved)}"/>'
        if edge.label:
            (xa, ya), (xb, yb) = moved[-2:]
            place = f'x="{(xa + xb) / 2:.1f}" y="{(ya + yb) / 2 + 4:.1f}"'
            # the text's own outline keeps it readable where it crosses a line
            outline = f'style="paint-order:stroke;stroke:{PLAIN};stroke-width:4px"'
            yield f'<text class="l" {place} text-anchor="middle" {outline}>{escape(edge.label)}</text>'

    def lines(self, box: Box) -> list[str]:
        return lines_of(box, self.states)


def _outline(box: Box, left: float, top: float, width: float, height: float) -> str:
    if box.kind in HEXAGONAL:
        right, bottom, middle = left + width, top + height, top + height / 2
        corners = [
            (left, middle), (left + PAD, top), (right - PAD, top), (right, middle), (right - PAD, bottom), (left + PAD, bottom)
        ]  # fmt: skip
        return 'polygon points="' + " ".join(f"{x:.1f},{y:.1f}" for x, y in corners) + '"'
    corner = height / 2 if box.kind in ROUND else 5
    return f'rect x="{left:.1f}" y="{top:.1f}" width="{width:.1f}" height="{height:.1f}" rx="{corner:.1f}"'


def _curve(points: list[tuple[float, float]]) -> str:
    """A line that leaves and arrives straight down."""
    path = f"M{points[0][0]:.1f} {points[0][1]:.1f}"
    for (xa, ya), (xb, yb) in itertools.pairwise(points):
        bow = (yb - ya) / 2
        path += f"C{xa:.1f} {ya + bow:.1f} {xb:.1f} {yb - bow:.1f} {xb:.1f} {yb:.1f}"
    return path
