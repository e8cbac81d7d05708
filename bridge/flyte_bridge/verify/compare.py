"""Two plain forms (see `canonical`), and where they differ. Pure.

What is equal: numbers within the tolerance, whatever their type (but a bool is no number); nan and nan; dictionaries
and sets in any order; sequences in order; records by their fields, whatever their class is called; an enum and an
enum, by value.
"""

from __future__ import annotations

import difflib
import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .frames import frames
from .rules import EXACT_ENOUGH, USUAL, ComparisonRules, OutputRule, Tolerance

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Plain = Any


@dataclass(frozen=True)
class Difference:
    """One place where two values differ.

    Attributes:
        path: Where, from the output's name on: `o0.scores['a'][3]`.
        left: The first side's value (Flyte 1's), shortened; empty when there is none.
        right: The second side's value, in the same way.
        what: `value`, `kind`, `length`, `missing` (only the first side has it), `extra` (only the second) or `undecided`
            (the bytes differ, and nobody can tell what they mean).
        left_kind: The first value's kind: `float`, `list`, `frame` …
        right_kind: The second's.
        detail: More than one line can say: a unified diff of two texts.
    """

    path: str
    left: str
    right: str
    what: str
    left_kind: str
    right_kind: str
    detail: str = ""


def compare(
    left: Plain, right: Plain, *, path: str = "", tolerance: Tolerance = EXACT_ENOUGH, rule: OutputRule | None = None
) -> list[Difference]:
    """Where two plain forms differ, in order; empty when they are equal.

    Args:
        left: The first side's.
        right: The second side's.
        path: What the differences' paths begin with: the output's name.
        tolerance: For numbers, when there is no rule.
        rule: What else is known of this output.
    """
    return list(_walk(left, right, path, rule or OutputRule(tolerance)))


def compare_outputs(
    names: Iterable[str], left: list[Plain], right: list[Plain], *, rules: ComparisonRules = USUAL
) -> list[Difference]:
    """Where two workflows' outputs differ; the first side's names are the paths' beginnings."""
    called = list(names)
    if len(left) != len(right):
        return [_difference("", left, right, "length")]
    found: list[Difference] = []
    for position, (one, other) in enumerate(zip(left, right, strict=True)):
        name = called[position] if position < len(called) else f"o{position}"
        found += compare(one, other, path=name, rule=rules.of(name))
    return found


def split_unstable(
    differences: Iterable[Difference], unstable: Iterable[Difference]
) -> tuple[list[Difference], list[str]]:
    """Set the places aside that differ between two runs of the *same* side.

    A place that is unstable is still compared by kind: a float that became a text is a difference, however random.

    Returns:
        The differences that stay, and the unstable paths.
    """
    kinds: dict[str, set[str]] = {}
    for one in unstable:
        kinds.setdefault(one.path, set()).update((one.left_kind, one.right_kind))
    kept = [one for one in differences if not _excused(one, kinds)]
    return kept, sorted(kinds)


def _excused(one: Difference, kinds: dict[str, set[str]]) -> bool:
    for path, seen in kinds.items():
        if one.path == path:
            return one.right_kind in seen or not one.right_kind
        if one.path.startswith(path) and one.path[len(path) : len(path) + 1] in (".", "["):
            return True
    return False


def kind(plain: Plain) -> str:
    """The kind of a plain form, for messages."""
    if plain is None:
        return "None"
    if isinstance(plain, dict):
        return str(plain["kind"])
    return type(plain).__name__


def shorten(plain: Plain, limit: int = 120) -> str:
    """A plain form in one short line."""
    text = _show(plain)
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _show(plain: Plain) -> str:
    if not isinstance(plain, dict):
        if isinstance(plain, list):
            return "[" + ", ".join(_show(item) for item in plain[:20]) + (", …]" if len(plain) > 20 else "]")
        return repr(plain)
    match plain["kind"]:
        case "dict":
            return "{" + ", ".join(f"{_show(key)}: {_show(item)}" for key, item in plain["items"][:20]) + "}"
        case "record" | "object" if "fields" in plain:
            return "(" + ", ".join(f"{name}={_show(item)}" for name, item in list(plain["fields"].items())[:20]) + ")"
        case "set":
            return "{" + ", ".join(_show(item) for item in plain["items"][:20]) + "}"
        case "enum":
            return f"enum {_show(plain['value'])}"
        case "file":
            return f"file of {plain['size']} bytes, sha256 {plain['sha256'][:12]}"
        case "pickle":
            return f"pickle of {plain['size']} bytes, sha256 {plain['sha256'][:12]}"
        case "directory":
            return f"directory of {len(plain['files'])} files"
        case "frame":
            return f"frame of {plain['rows']} rows, columns {plain['columns']}"
        case "array":
            return f"array {plain['dtype']} {plain['shape']}"
        case "timedelta":
            return f"timedelta of {plain['value'] / 1e6:g} s"
        case other:
            return f"{other} {plain.get('value', '')}".strip()


def _difference(path: str, left: Plain, right: Plain, what: str, detail: str = "") -> Difference:
    return Difference(
        path=path,
        left="" if what == "extra" else shorten(left),
        right="" if what == "missing" else shorten(right),
        what=what,
        left_kind="" if what == "extra" else kind(left),
        right_kind="" if what == "missing" else kind(right),
        detail=detail,
    )


def _number(plain: Plain) -> float | int | None:
    if isinstance(plain, int | float) and not isinstance(plain, bool):
        return plain
    if isinstance(plain, dict) and plain["kind"] == "float":
        return float(plain["value"])
    return None


def _close(left: float | int, right: float | int, tolerance: Tolerance) -> bool:
    if left == right:
        return True
    if isinstance(left, int) and isinstance(right, int):
        return False
    try:
        if math.isnan(left) or math.isnan(right):
            return math.isnan(left) and math.isnan(right)
        return math.isclose(left, right, rel_tol=tolerance.relative, abs_tol=tolerance.absolute)
    except OverflowError:  # an int beyond what a float holds
        return False


def _walk(left: Plain, right: Plain, path: str, rule: OutputRule) -> Iterator[Difference]:
    if rule.ignores(path):
        return
    one, other = _number(left), _number(right)
    if one is not None and other is not None:
        if not _close(one, other, rule.tolerance):
            yield _difference(path, left, right, "value")
        return
    if "unreadable" in (kind(left), kind(right)) and kind(left) != kind(right):
        lost = left if kind(left) == "unreadable" else right
        yield _difference(path, left, right, "undecided", f"cannot be read: {lost['value']}")
        return
    if kind(left) != kind(right):
        yield _difference(path, left, right, "kind")
        return
    if isinstance(left, list):
        yield from _sequence(left, right, path, rule)
        return
    if not isinstance(left, dict):
        if left != right:
            yield _difference(path, left, right, "value", _diff(left, right))
        return
    compared = _BY_KIND.get(left["kind"])
    if compared is not None:
        yield from compared(left, right, path, rule)
    elif left != right:
        yield _difference(path, left, right, "value")


def _sequence(left: list[Plain], right: list[Plain], path: str, rule: OutputRule) -> Iterator[Difference]:
    if len(left) != len(right):
        yield _difference(path, left, right, "length")
    elif rule.unorders(path):
        yield from _bag(left, right, path, rule)
    else:
        for position, (one, other) in enumerate(zip(left, right, strict=True)):
            yield from _walk(one, other, f"{path}[{position}]", rule)


def _bag(left: list[Plain], right: list[Plain], path: str, rule: OutputRule) -> Iterator[Difference]:
    """Lists whose order does not matter: each element of the first side takes the first free one that is equal."""
    free = list(range(len(right)))
    alone = []
    for position, item in enumerate(left):
        where = f"{path}[{position}]"
        match = next((other for other in free if not any(_walk(item, right[other], where, rule))), None)
        if match is None:
            alone.append(position)
        else:
            free.remove(match)
    for position, other in zip(alone, free, strict=True):
        yield from _walk(left[position], right[other], f"{path}[{position}]", rule)


def _named(
    left: dict[str, Plain], right: dict[str, Plain], spell: Any, path: str, rule: OutputRule
) -> Iterator[Difference]:
    for name, item in left.items():
        if name in right:
            yield from _walk(item, right[name], path + spell(name), rule)
        elif not rule.ignores(path + spell(name)):
            yield _difference(path + spell(name), item, None, "missing")
    for name, item in right.items():
        if name not in left and not rule.ignores(path + spell(name)):
            yield _difference(path + spell(name), None, item, "extra")


def _dict(left: Plain, right: Plain, path: str, rule: OutputRule) -> Iterator[Difference]:
    def keyed(plain: Plain) -> dict[str, Plain]:
        # 1 and 1.0 are one key in Python, in protobuf's Struct and in JSON
        return {json.dumps(_whole(key), sort_keys=True): item for key, item in plain["items"]}

    yield from _named(keyed(left), keyed(right), lambda key: f"[{key}]", path, rule)


def _whole(key: Plain) -> Plain:
    return int(key) if isinstance(key, float) and key.is_integer() else key


def _record(left: Plain, right: Plain, path: str, rule: OutputRule) -> Iterator[Difference]:
    if ("fields" in left) != ("fields" in right) or left.get("how") != right.get("how"):
        yield _difference(path, left, right, "kind")
    elif "fields" in left:
        yield from _named(left["fields"], right["fields"], lambda name: f".{name}", path, rule)
    elif left != right:
        yield _difference(path, left, right, "value")


def _set(left: Plain, right: Plain, path: str, rule: OutputRule) -> Iterator[Difference]:
    if len(left["items"]) != len(right["items"]) or any(_sequence(left["items"], right["items"], path, rule)):
        yield _difference(path, left, right, "value")


def _enum(left: Plain, right: Plain, path: str, rule: OutputRule) -> Iterator[Difference]:
    if any(_walk(left["value"], right["value"], path, rule)):
        yield _difference(path, left, right, "value")


def _frame(left: Plain, right: Plain, path: str, rule: OutputRule) -> Iterator[Difference]:
    for note in frames(left, right, rule, lambda one, other, where: not any(_walk(one, other, where, rule)), path):
        yield _difference(note.path, note.left, note.right, note.what, note.detail)


def _array(left: Plain, right: Plain, path: str, rule: OutputRule) -> Iterator[Difference]:
    for part in ("dtype", "shape") if rule.dtypes else ("shape",):
        if left[part] != right[part]:
            yield _difference(f"{path}.{part}", left[part], right[part], "value")
            return
    if "values" in left:
        yield from _walk(left["values"], right["values"], path, rule)
    elif left["digest"] != right["digest"]:
        yield _difference(path, left, right, "value")


def _file(left: Plain, right: Plain, path: str, _: OutputRule) -> Iterator[Difference]:
    if left["sha256"] != right["sha256"]:
        yield _difference(path, left, right, "value", _diff(left.get("text"), right.get("text")))


def _pickle(left: Plain, right: Plain, path: str, _: OutputRule) -> Iterator[Difference]:
    if left["sha256"] != right["sha256"]:
        yield _difference(path, left, right, "undecided", "other bytes; what a pickle holds only its own code can tell")


def _unreadable(left: Plain, right: Plain, path: str, _: OutputRule) -> Iterator[Difference]:
    yield _difference(path, left, right, "undecided", f"cannot be read: {left['value']}; {right['value']}")


def _packed(left: Plain, right: Plain, path: str, rule: OutputRule) -> Iterator[Difference]:
    yield from _named(left["members"], right["members"], lambda name: f"[{name!r}]", path, rule)


def _directory(left: Plain, right: Plain, path: str, rule: OutputRule) -> Iterator[Difference]:
    yield from _named(left["files"], right["files"], lambda name: f"[{name!r}]", path, rule)


_BY_KIND = {
    "array": _array,
    "dict": _dict,
    "directory": _directory,
    "enum": _enum,
    "file": _file,
    "frame": _frame,
    "object": _record,
    "packed": _packed,
    "pickle": _pickle,
    "record": _record,
    "set": _set,
    "unreadable": _unreadable,
}


def _diff(left: Any, right: Any, limit: int = 40) -> str:
    """A unified diff of two texts of more than one line."""
    if not (isinstance(left, str) and isinstance(right, str)) or "\n" not in left + right:
        return ""
    lines = list(
        difflib.unified_diff(left.splitlines(), right.splitlines(), "Flyte 1", "Flyte 2", lineterm="", n=2),
    )
    return "\n".join(lines[:limit] + ([f"… {len(lines) - limit} more lines"] if len(lines) > limit else []))
