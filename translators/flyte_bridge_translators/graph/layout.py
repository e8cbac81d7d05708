"""Where boxes go: rows from top to bottom, each box below all that it waits for.

networkx gives the rows (`topological_generations`); the order within a row is the usual one, by the average place of the
neighbours, swept down and up. The libraries that lay out layered graphs need a Graphviz installation (`pygraphviz`,
`graphviz`) or are not kept up (`grandalf`, last released in 2023, alpha); the driver, which draws its run's report, may not import
numpy either, as networkx's own layouts do.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import networkx

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from flyte_bridge_translators.graph.figure import Level

GAP_X = 28.0
GAP_Y = 46.0
"""Pixels between boxes of a row, and between rows; an edge's label has to fit between two rows."""

WIDEST = 1600.0
"""Pixels of a row before it is broken: five hundred boxes side by side are not a drawing."""

SWEEPS = 4

BEND = 14.0
"""Pixels that a long edge takes in a row it passes."""

MOST_BENDS = 4000
"""Beyond this many, long edges are drawn straight: a drawing that large is looked at from afar."""


@dataclass(frozen=True, slots=True)
class Placed:
    """Where the boxes of a level are, from its own upper left corner, in pixels.

    Attributes:
        at: Left and top of each box.
        bends: Points that an edge passes on its way, by its ends.
        width: Of the whole level.
        height: Of the whole level.
    """

    at: dict[str, tuple[float, float]]
    bends: dict[tuple[str, str], list[tuple[float, float]]]
    width: float
    height: float


def place(level: Level, sizes: Mapping[str, tuple[float, float]]) -> Placed:
    """Lay out one level.

    Args:
        level: Its boxes and edges; without cycles.
        sizes: Width and height of each box by id, in pixels.
    """
    rows, passing = _rows(level)
    lines = [line for row in rows for line in _broken(row, sizes)]
    widths = [sum(_width(one, sizes) for one in line) + GAP_X * (len(line) - 1) for line in lines]
    width = max(widths, default=0.0)
    at: dict[str, tuple[float, float]] = {}
    points: dict[_Bend, tuple[float, float]] = {}
    top = 0.0
    for line, used in zip(lines, widths, strict=True):
        left = (width - used) / 2
        height = max((sizes[one][1] for one in line if isinstance(one, str)), default=0.0)
        for one in line:
            if isinstance(one, str):
                at[one] = (left, top)
            else:
                points[one] = (left + BEND / 2, top + height / 2)
            left += _width(one, sizes) + GAP_X
        top += height + GAP_Y
    bends = {edge: [points[one] for one in through] for edge, through in passing.items()}
    return Placed(at, bends, width, max(top - GAP_Y, 0.0))


_Bend: TypeAlias = tuple[str, str, int]
"""Where an edge passes a row: its ends and the row."""

_Place: TypeAlias = "str | _Bend"


def _rows(level: Level) -> tuple[list[list[_Place]], dict[tuple[str, str], list[_Bend]]]:
    graph = networkx.DiGraph()
    graph.add_nodes_from(box.id for box in level.boxes)
    graph.add_edges_from((edge.before, edge.after) for edge in level.edges)
    rows: list[list[_Place]] = [list(row) for row in networkx.topological_generations(graph)]
    row_of = {name: number for number, row in enumerate(rows) for name in row}
    long = [(before, after) for before, after in graph.edges if row_of[after] - row_of[before] > 1]
    passing: dict[tuple[str, str], list[_Bend]] = {}
    if sum(row_of[after] - row_of[before] for before, after in long) <= MOST_BENDS:
        for before, after in long:
            through = [(before, after, row) for row in range(row_of[before] + 1, row_of[after])]
            passing[before, after] = through
            graph.remove_edge(before, after)
            networkx.add_path(graph, [before, *through, after])
            for one in through:
                rows[one[2]].append(one)
    _uncross(graph, rows)
    return rows, passing


def _uncross(graph: networkx.DiGraph, rows: list[list[_Place]]) -> None:
    """Order each row by the average place of the neighbours, down and up."""
    order = {name: float(column) for row in rows for column, name in enumerate(row)}
    for sweep in range(SWEEPS):
        down = sweep % 2 == 0
        neighbours = graph.predecessors if down else graph.successors
        for row in rows if down else reversed(rows):
            wanted = {}
            for name in row:
                places = [order[one] for one in neighbours(name)]
                wanted[name] = (sum(places) / len(places) if places else order[name], order[name])
            row.sort(key=wanted.__getitem__)
            order.update((name, float(column)) for column, name in enumerate(row))


def _broken(row: list[_Place], sizes: Mapping[str, tuple[float, float]]) -> Iterator[list[_Place]]:
    """A row in lines that are no wider than `WIDEST`, unless one box is."""
    line: list[_Place] = []
    used = 0.0
    for one in row:
        wide = _width(one, sizes) + GAP_X
        if line and used + wide > WIDEST:
            yield line
            line, used = [], 0.0
        line.append(one)
        used += wide
    yield line


def _width(one: _Place, sizes: Mapping[str, tuple[float, float]]) -> float:
    return sizes[one][0] if isinstance(one, str) else BEND
