"""Two frames: matched by column names, and by rows' positions or keys. Pure."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from .rules import OutputRule

Plain = Any

Same: TypeAlias = "Callable[[Plain, Plain, str], bool]"
"""Whether two cells are equal; the third argument is the place."""

SHOWN = 10
"""Cells of a column that are shown; of the others the number is told."""


@dataclass(frozen=True)
class FrameNote:
    """One place where two frames differ; see `compare.Difference`."""

    path: str
    left: Plain
    right: Plain
    what: str
    detail: str = ""


def frames(left: Plain, right: Plain, rule: OutputRule, same: Same, path: str) -> Iterator[FrameNote]:
    """Where two frames differ.

    Args:
        left: The first side's plain form.
        right: The second side's.
        rule: What is known of this output.
        same: Compares two cells.
        path: Where the frames stand.
    """
    columns = [name for name in left["columns"] if rule.counts(name)]
    others = [name for name in right["columns"] if rule.counts(name)]
    free = bool(rule.columns or rule.keys)  # whoever names columns does not care for their order
    if columns != others and not (free and sorted(map(str, columns)) == sorted(map(str, others))):
        yield FrameNote(f"{path}.columns", columns, others, "value")
        return
    sides = (_Side(left), _Side(right))
    if rule.dtypes:
        kinds = [[side.dtypes[_key(name)] for name in columns] for side in sides]
        if kinds[0] != kinds[1]:
            yield FrameNote(f"{path}.dtypes", kinds[0], kinds[1], "value")
            return
    if rule.keys and all("values" in side for side in (left, right)):
        yield from _by_keys(sides, columns, rule, same, path)
        return
    if left["rows"] != right["rows"]:
        yield FrameNote(f"{path}.rows", left["rows"], right["rows"], "value")
        return
    if left.get("index") != right.get("index") and not same(left.get("index"), right.get("index"), f"{path}.index"):
        yield FrameNote(f"{path}.index", left.get("index"), right.get("index"), "value")
    if "values" in left and "values" in right:
        pairs = [(position, position) for position in range(left["rows"])]
        yield from _cells(sides, columns, pairs, rule, same, path)
        return
    for name in columns:
        digests = [side.digest(name) for side in sides]
        if digests[0] != digests[1]:
            yield FrameNote(f"{path}[{name!r}]", digests[0], digests[1], "value")


class _Side:
    def __init__(self, frame: Plain) -> None:
        self.frame = frame
        self.position = {_key(name): place for place, name in enumerate(frame["columns"])}
        self.dtypes = {_key(name): frame["dtypes"][place] for place, name in enumerate(frame["columns"])}

    def column(self, name: Plain) -> Sequence[Plain]:
        values: Sequence[Plain] = self.frame["values"][self.position[_key(name)]]
        return values

    def digest(self, name: Plain) -> Plain:
        return self.frame["digests"][self.position[_key(name)]] if "digests" in self.frame else None

    def rows_by(self, keys: Sequence[str]) -> dict[str, list[int]]:
        """Rows by what their key columns hold, in order."""
        rows: dict[str, list[int]] = {}
        for row, cells in enumerate(zip(*(self.column(key) for key in keys), strict=True)):
            rows.setdefault(_key(list(cells)), []).append(row)
        return rows


def _by_keys(
    sides: tuple[_Side, _Side], columns: list[Plain], rule: OutputRule, same: Same, path: str
) -> Iterator[FrameNote]:
    lacking = [key for key in rule.keys if _key(key) not in sides[0].position]
    if lacking:
        yield FrameNote(f"{path}.columns", lacking, None, "undecided", f"no key column {lacking[0]!r}")
        return
    first, second = (side.rows_by(rule.keys) for side in sides)
    pairs: list[tuple[int, int]] = []
    alone: dict[str, list[str]] = {"missing": [], "extra": []}
    for key in dict.fromkeys([*first, *second]):
        ours, theirs = first.get(key, []), second.get(key, [])
        pairs += zip(ours, theirs, strict=False)
        alone["missing"] += [key] * (len(ours) - len(theirs))
        alone["extra"] += [key] * (len(theirs) - len(ours))
    unmatched = len(alone["missing"]) + len(alone["extra"])
    if unmatched > rule.rows * max(sides[0].frame["rows"], 1):
        for what, keys in alone.items():
            for key in keys[:SHOWN]:
                row = json.loads(key)
                yield FrameNote(
                    f"{path}[{key}]", row if what == "missing" else None, row if what == "extra" else None, what
                )
            if len(keys) > SHOWN:
                yield FrameNote(f"{path}.rows", len(keys), len(keys), what, f"{len(keys) - SHOWN} more rows")
    yield from _cells(sides, columns, pairs, rule, same, path)


def _cells(
    sides: tuple[_Side, _Side],
    columns: list[Plain],
    pairs: list[tuple[int, int]],
    rule: OutputRule,
    same: Same,
    path: str,
) -> Iterator[FrameNote]:
    notes: list[FrameNote] = []
    rows: set[int] = set()
    for name in columns:
        ours, theirs = (side.column(name) for side in sides)
        where = f"{path}[{name!r}]"
        differing = [
            (one, other)
            for one, other in pairs
            if ours[one] != theirs[other] and not same(ours[one], theirs[other], f"{where}[{one}]")
        ]
        rows.update(one for one, _ in differing)
        for one, other in differing[:SHOWN]:
            notes.append(FrameNote(f"{where}[{one}]", ours[one], theirs[other], "value"))
        if len(differing) > SHOWN:
            count = len(differing)
            notes.append(FrameNote(where, count, count, "value", f"{count - SHOWN} more cells of {len(pairs)} differ"))
    if len(rows) > rule.rows * len(pairs):
        yield from notes


def _key(plain: Plain) -> str:
    return json.dumps(plain, sort_keys=True)
