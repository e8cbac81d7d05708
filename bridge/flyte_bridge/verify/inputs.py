"""Which inputs a workflow is verified with.

Per argument, the first that knows it: the user's `--inputs` file; the workflow's call in a module's
`if __name__ == "__main__"` block, read from the source and not executed; the workflow's default (then nothing is
passed, so that the conversion's default is verified too); a value generated from the type.
"""

from __future__ import annotations

import ast
import datetime as dt
import json
import operator
from typing import TYPE_CHECKING, Any

import yaml

from flyte_bridge.errors import UsageError

if TYPE_CHECKING:
    import pathlib
    from collections.abc import Callable, Iterator, Mapping, Sequence

Plain = Any

GIVEN, CALLED, DEFAULT, PLANNED, GENERATED = "given", "__main__", "default", "launch plan", "generated"
"""Where an argument's value comes from."""

LONG = 100_000
"""Longer sequences than this are not built while reading a source."""


Rows = dict[str, list[dict[str, Plain]]]
"""What the user gives: per workflow one or more rows of arguments."""


def read_file(path: pathlib.Path) -> Rows:
    """Read an `--inputs` file: `{workflow: {argument: value}}`, or a list of such mappings, YAML or JSON.

    Raises:
        UsageError: When it cannot be read, does not parse or has another shape.
    """
    try:
        text = path.read_text(encoding="utf-8")
        loaded = json.loads(text) if path.suffix == ".json" else yaml.safe_load(text)
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: the inputs cannot be read: {error}") from error
    except (json.JSONDecodeError, yaml.YAMLError) as error:
        raise UsageError(f"{path}: the inputs do not parse: {error}") from error
    rows = (
        {name: item if isinstance(item, list) else [item] for name, item in loaded.items()}
        if isinstance(loaded, dict)
        else None
    )
    if rows is None or not all(item and all(isinstance(row, dict) for row in item) for item in rows.values()):
        raise UsageError(
            f"{path}: inputs are a mapping of workflow names to mappings of arguments, such as wf: {{n: 3}}, "
            "or to lists of them"
        )
    return {
        str(name): [{str(key): _jsonable(value) for key, value in row.items()} for row in item]
        for name, item in rows.items()
    }


def _jsonable(value: Any) -> Plain:
    """YAML reads times where JSON has texts."""
    if isinstance(value, dt.datetime | dt.date):
        return value.isoformat()
    if isinstance(value, dict):
        return {key if isinstance(key, str) else str(_jsonable(key)): _jsonable(item) for key, item in value.items()}
    return [_jsonable(item) for item in value] if isinstance(value, list) else value


def for_target(given: Mapping[str, Sequence[Mapping[str, Plain]]], module: str, name: str) -> list[dict[str, Plain]]:
    """What an inputs mapping says about one workflow, under any of its spellings: its rows, at least one.

    Single rows of two spellings add up; of several rows the most precise spelling counts.
    """
    rows: list[dict[str, Plain]] = [{}]
    for key in spellings(module, name):
        more = given.get(key, ())
        if len(more) == len(rows) == 1:
            rows = [rows[0] | dict(more[0])]
        elif more:
            rows = [dict(row) for row in more]
    return rows


ROW = "#"
"""Between an entity's id and the number of a row of its inputs; the first row has none."""


def row_id(target: str, number: int) -> str:
    """What a run of an entity on one of its rows is called."""
    return f"{target}{ROW}{number}" if number else target


def entity_id(row: str) -> str:
    """The entity, `module:name`, that a run is of."""
    return row.partition(ROW)[0]


def spellings(module: str, name: str) -> tuple[str, ...]:
    """How an inputs file may call a workflow, least precise first."""
    return (name, f"{module}.{name}", f"{module}:{name}")


class _Unreadable(Exception):
    """An expression whose value is not in the source."""


def read_calls(source: str) -> dict[str, dict[str, Plain]]:
    """The keyword arguments of the calls in a module's `__main__` block, by the name that is called.

    Literals, names of module-level literals, arithmetic, `datetime`, `timedelta` and `date`, enum members, and records
    and files built from those are read. Other arguments are left out, other calls are harmless. Of several calls to one
    name the first one counts.
    """
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return {}
    constants = dict(_constants(tree.body, {}))
    calls: dict[str, dict[str, Plain]] = {}
    for block in tree.body:
        if not _is_main(block):
            continue
        assert isinstance(block, ast.If)
        known = constants | dict(_constants(block.body, constants))
        found = [node for node in ast.walk(block) if isinstance(node, ast.Call)]
        for call in sorted(found, key=lambda node: (node.lineno, node.col_offset)):
            name = _called(call)
            if name is not None and name not in calls:
                calls[name] = dict(_arguments(call, known))
    return calls


def _is_main(node: ast.stmt) -> bool:
    if not isinstance(node, ast.If) or not isinstance(node.test, ast.Compare):
        return False
    sides = [node.test.left, *node.test.comparators]
    names = {side.id for side in sides if isinstance(side, ast.Name)}
    texts = {side.value for side in sides if isinstance(side, ast.Constant)}
    return names == {"__name__"} and texts == {"__main__"}


def _called(call: ast.Call) -> str | None:
    if isinstance(call.func, ast.Name):
        return call.func.id
    return call.func.attr if isinstance(call.func, ast.Attribute) else None


def _arguments(call: ast.Call, known: Mapping[str, Plain]) -> Iterator[tuple[str, Plain]]:
    for keyword in call.keywords:
        if keyword.arg is not None:
            try:
                yield keyword.arg, _value(keyword.value, known)
            except _Unreadable:
                continue


def _constants(body: list[ast.stmt], known: Mapping[str, Plain]) -> Iterator[tuple[str, Plain]]:
    seen = dict(known)
    for statement in body:
        if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
            target, value = statement.targets[0], statement.value
        elif isinstance(statement, ast.AnnAssign) and statement.value is not None:
            target, value = statement.target, statement.value
        else:
            continue
        if isinstance(target, ast.Name):
            try:
                seen[target.id] = _value(value, seen)
            except _Unreadable:
                continue
            yield target.id, seen[target.id]


_OPERATORS: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
}

_CLOCKS: dict[str, Callable[..., Any]] = {"datetime": dt.datetime, "date": dt.date, "timedelta": dt.timedelta}


def _value(node: ast.expr, known: Mapping[str, Plain]) -> Plain:
    match node:
        case ast.Constant(value=bool() | int() | float() | str() | None as value):
            return value
        case ast.Name(id=name) if name in known:
            return known[name]
        case ast.List(elts=items) | ast.Tuple(elts=items) | ast.Set(elts=items):
            return [_value(item, known) for item in items]
        case ast.Dict(keys=keys, values=values) if None not in keys:
            return {_value(k, known): _value(v, known) for k, v in zip(keys, values, strict=True) if k is not None}
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return _calculated(operator.neg, _value(operand, known))
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            return not _value(operand, known)
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATORS:
            return _calculated(_OPERATORS[type(op)], _value(left, known), _value(right, known))
        case ast.Attribute(value=ast.Name(id=owner), attr=member) if owner[:1].isupper():
            return member  # an enum's member, by name
        case ast.Call():
            return _built(node, known)
    raise _Unreadable


def _calculated(operation: Callable[..., Any], *operands: Plain) -> Plain:
    if (
        operation is operator.mul
        and any(isinstance(one, str | list) for one in operands)
        and max((one for one in operands if isinstance(one, int)), default=0) > LONG
    ):
        raise _Unreadable
    try:
        return operation(*operands)
    except (TypeError, ValueError, ArithmeticError):
        raise _Unreadable from None


def _keyword(keyword: ast.keyword, known: Mapping[str, Plain]) -> Any:
    match keyword:
        case ast.keyword(arg="tzinfo", value=ast.Attribute(attr="utc" | "UTC") | ast.Name(id="UTC")):
            return dt.timezone.utc
    return _value(keyword.value, known)


def _counted(*bounds: Plain) -> Plain:
    counted: range = _calculated(range, *bounds)
    if len(counted) > LONG:
        raise _Unreadable
    return list(counted)


def _built(call: ast.Call, known: Mapping[str, Plain]) -> Plain:
    name = _called(call)
    if name is None or any(keyword.arg is None for keyword in call.keywords):
        raise _Unreadable
    positional = [_value(item, known) for item in call.args]
    named = {keyword.arg: _keyword(keyword, known) for keyword in call.keywords if keyword.arg}
    if name in _CLOCKS:
        try:
            made = _CLOCKS[name](*positional, **named)
        except (TypeError, ValueError):
            raise _Unreadable from None
        return made.total_seconds() if isinstance(made, dt.timedelta) else made.isoformat()
    if name in ("list", "range") and positional and not named:
        return _counted(*positional) if name == "range" else positional[0]
    if name[:1].isupper() and len(positional) == 1 and not named:
        return positional[0]  # Path("x"), FlyteFile("x"), pd.DataFrame({...}), Color("red")
    if name in ("FlyteFile", "FlyteDirectory") and "path" in named:
        return named["path"]
    if name[:1].isupper() and not positional:
        return named  # a record, by its fields
    raise _Unreadable
