"""`Echo`, Flyte 1's task that gives its inputs back (for the arms of a conditional): in Flyte 2 it is its input."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import libcst as cst

from flyte_bridge_translators.source.engine.arguments import read
from flyte_bridge_translators.source.engine.module import Module
from flyte_bridge_translators.source.engine.tree import rebuilt, string_value, walk

ECHO = "flytekit.core.task.Echo"


def unfold(module: Module) -> Mapping[cst.CSTNode, Sequence[cst.BaseStatement]]:
    """The file without its echoes: each call is its argument, or the tuple of them."""
    if "Echo" not in module.text:
        return {}
    written: dict[cst.CSTNode, Sequence[cst.BaseStatement]] = {}
    values: dict[cst.CSTNode, cst.CSTNode] = {}
    for name, value, statement in module.assignments:
        if len(statement.body) != 1 or module.names.qualified(getattr(value, "func", None)) != ECHO:
            continue
        inputs = read(value, ("name", "inputs")).named.get("inputs")
        keys = (
            [string_value(each.key) for each in inputs.elements if isinstance(each, cst.DictElement)]
            if isinstance(inputs, cst.Dict)
            else []
        )
        uses = [each for each, found in module.name_references if found == f"{module.name}.{name}"]
        calls = [module.parents.get(use) for use in uses if not _is_target(module, use)]
        given = [_value(call, use, keys) for call, use in zip(calls, uses[len(uses) - len(calls) :], strict=True)]
        if not keys or any(each is None for each in given):
            continue
        values |= {call: made for call, made in zip(calls, given, strict=True) if call is not None and made is not None}
        written[statement] = []
    for user in module.tree.body if values else ():
        if any(node in values for node in walk(user)):
            written[user] = [rebuilt(user, values.get)]  # type: ignore[list-item]
    return written


def _is_target(module: Module, use: cst.CSTNode) -> bool:
    return isinstance(module.parents.get(use), (cst.AssignTarget, cst.AnnAssign))


def _value(call: cst.CSTNode | None, use: cst.CSTNode, keys: Sequence[str | None]) -> cst.CSTNode | None:
    """What a call of an echo gives; None when it is no plain call."""
    if not isinstance(call, cst.Call) or call.func is not use:
        return None
    given = read(call)
    if given.extra or given.stars or set(given.named) != set(keys):
        return None
    values = [given.named[key] for key in keys if key is not None]
    return values[0] if len(values) == 1 else cst.Tuple([cst.Element(value) for value in values])
