"""A figure as text: Mermaid, DOT and JSON here, SVG in `svg`.

What may be shown on top of the workflow itself: the states of its nodes in a run, and the critical path.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from flyte_bridge_translators.graph import figure, svg

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

    from flyte_bridge_translators.graph.figure import Box, BoxState, Figure, Level

MERMAID_SHAPES: dict[str, tuple[str, str]] = {
    "task": ("[", "]"),
    "dynamic": ("[", "]"),
    "map": ("[[", "]]"),
    "workflow": ("[", "]"),
    "launch plan": ("[/", "/]"),
    "branch": ("{{", "}}"),
    "choice": ("{", "}"),
    "fail": ("([", "])"),
    "approval": ("[\\", "/]"),
    "input": ("[\\", "/]"),
    "time": ("(", ")"),
    "failure": ("[", "]"),
}
"""What opens and closes a box of each kind."""

DOT_SHAPES: dict[str, str] = {
    "task": "box",
    "dynamic": "box",
    "map": "box3d",
    "workflow": "box",
    "launch plan": "component",
    "branch": "diamond",
    "choice": "diamond",
    "fail": "octagon",
    "approval": "invtrapezium",
    "input": "invtrapezium",
    "time": "ellipse",
    "failure": "box",
}

MERMAID_ARROWS = {"data": "-->", "order": "-.->", "arm": "-.->", "choice": "-->"}

_MERMAID_ESCAPES = str.maketrans(
    {"#": "#35;", '"': "#quot;", "<": "#lt;", ">": "#gt;", "&": "#amp;", "`": "#96;", "\n": " "}
)


def mermaid(drawn: Figure, states: Mapping[str, BoxState] | None = None, critical: Collection[str] = ()) -> str:
    """A Mermaid flowchart, for Markdown pages of GitHub, GitLab and others.

    Args:
        drawn: The figure.
        states: How its nodes are doing, by id.
        critical: Boxes that are marked, by id; `figure.critical_path` finds them.
    """
    # Node ids may hold what Mermaid reads as an arrow or a keyword ("end"), so boxes are numbered.
    number = {box.id: f"b{place}" for place, box in enumerate(drawn.level.walk())}
    lines = ["flowchart TD", *_mermaid_level(drawn.level, number, states or {}, "  ")]
    phases: dict[str, list[str]] = {}
    for box in drawn.level.walk():
        if states and box.id in states:
            phases.setdefault(states[box.id].phase, []).append(number[box.id])
    lines += [f"  class {','.join(names)} {phase}" for phase, names in phases.items()]
    lines += [
        f"  classDef {phase} fill:{svg.FILL.get(phase, svg.PLAIN)},color:#1b1f24,stroke:#57606a" for phase in phases
    ]
    marked = [number[box.id] for box in drawn.level.walk() if box.id in critical]
    if marked:
        lines += ["  classDef critical stroke:#cf222e,stroke-width:3px", f"  class {','.join(marked)} critical"]
    return "\n".join(lines) + "\n"


def _mermaid_level(
    level: Level, number: Mapping[str, str], states: Mapping[str, BoxState], indent: str
) -> Iterator[str]:
    for box in level.boxes:
        text = "<br>".join(line.translate(_MERMAID_ESCAPES) for line in figure.lines_of(box, states))
        name = number[box.id]
        if box.inner is None:
            opened, closed = MERMAID_SHAPES[box.kind]
            yield f'{indent}{name}{opened}"{text}"{closed}'
            continue
        yield f'{indent}subgraph {name}["{text}"]'
        yield from _mermaid_level(box.inner, number, states, f"{indent}  ")
        yield f"{indent}end"
    for edge in level.edges:
        label = f'|"{edge.label.translate(_MERMAID_ESCAPES)}"|' if edge.label else ""
        yield f"{indent}{number[edge.before]} {MERMAID_ARROWS[edge.kind]}{label} {number[edge.after]}"


def dot(drawn: Figure, states: Mapping[str, BoxState] | None = None, critical: Collection[str] = ()) -> str:
    """A Graphviz graph; arguments as for `mermaid`."""
    lines = [
        f"digraph {_quoted(drawn.title)} {{",
        "  compound=true;",  # edges may end at a cluster
        '  node [fontname="Helvetica", style="filled", fillcolor="white"];',
        '  edge [fontname="Helvetica"];',
        *_dot_level(drawn.level, states or {}, critical, "  "),
        "}",
    ]
    return "\n".join(lines) + "\n"


def _dot_level(level: Level, states: Mapping[str, BoxState], critical: Collection[str], indent: str) -> Iterator[str]:
    boxes = {box.id: box for box in level.boxes}
    for box in level.boxes:
        text = _quoted("\n".join(figure.lines_of(box, states)))
        look = {"color": "#cf222e", "penwidth": "3"} if box.id in critical else {}
        state = states.get(box.id)
        if box.inner is None:
            fill = {"fillcolor": svg.FILL.get(state.phase, svg.PLAIN)} if state is not None else {}
            attributes = {"label": text, "shape": f'"{DOT_SHAPES[box.kind]}"'}
            attributes |= {key: _quoted(value) for key, value in {**look, **fill}.items()}
            listed = ", ".join(f"{key}={value}" for key, value in attributes.items())
            yield f"{indent}{_quoted(box.id)} [{listed}];"
            continue
        yield f"{indent}subgraph {_quoted('cluster ' + box.id)} {{"
        yield f"{indent}  label={text};"
        yield from (f"{indent}  {key}={_quoted(value)};" for key, value in look.items())
        yield from _dot_level(box.inner, states, critical, f"{indent}  ")
        yield f"{indent}}}"
    for edge in level.edges:
        before, after = boxes[edge.before], boxes[edge.after]
        attributes = {"label": edge.label} if edge.label else {}
        if edge.kind in {"order", "arm"}:
            attributes["style"] = "dashed"
        # Graphviz joins nodes, so an edge of a cluster is one of a node in it, cut off at the border.
        if before.inner is not None:
            attributes["ltail"] = f"cluster {before.id}"
        if after.inner is not None:
            attributes["lhead"] = f"cluster {after.id}"
        listed = ", ".join(f"{key}={_quoted(value)}" for key, value in attributes.items())
        ends = f"{_quoted(_end(before, -1))} -> {_quoted(_end(after, 0))}"
        yield f"{indent}{ends} [{listed}];" if listed else f"{indent}{ends};"


def _end(box: Box, place: int) -> str:
    """The node that stands for a box at the end of an edge: its first or its last one."""
    while box.inner is not None and box.inner.boxes:
        box = box.inner.boxes[place]
    return box.id


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def to_json(drawn: Figure, states: Mapping[str, BoxState] | None = None, critical: Collection[str] = ()) -> str:
    """One JSON document, for scripts; arguments as for `mermaid`."""
    document: dict[str, Any] = {"workflow": drawn.title, **_json_level(drawn.level, states or {})}
    if critical:
        length, chain = figure.critical_path(drawn.level, states)
        document["critical_path"] = {"nodes": chain, "unit": "seconds" if states else "actions", "length": length}
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _json_level(level: Level, states: Mapping[str, BoxState]) -> dict[str, Any]:
    return {
        "nodes": [_json_box(box, states) for box in level.boxes],
        "edges": [
            {"from": edge.before, "to": edge.after, "kind": edge.kind, **({"label": edge.label} if edge.label else {})}
            for edge in level.edges
        ],
    }


def _json_box(box: Box, states: Mapping[str, BoxState]) -> dict[str, Any]:
    document: dict[str, Any] = {"id": box.id, "kind": box.kind, "title": box.title}
    if box.name:
        document["node"] = box.name
    if box.target:
        document["calls"] = box.target
    state = states.get(box.id)
    if state is not None:
        document["state"] = {"phase": state.phase, "seconds": state.seconds, "note": state.note}
    if box.inner is not None:
        document |= _json_level(box.inner, states)
    return document


FORMATS: dict[str, Callable[..., str]] = {"mermaid": mermaid, "dot": dot, "svg": svg.svg, "json": to_json}
"""Format → what draws it; each takes a figure, states and the boxes of the critical path."""
