"""The values of constant expressions: what a loop over constants goes over, what an f-string of its variable says."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping

import libcst as cst

from flyte_bridge_translators.source.engine.module import Module
from flyte_bridge_translators.source.engine.python_text import expression_of
from flyte_bridge_translators.source.engine.tree import code

_OPERATORS: Mapping[type[ast.operator], Callable[[object, object], object]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Mod: operator.mod,
}
_FUNCTIONS: Mapping[str, Callable[..., object]] = {
    "dict": dict, "enumerate": enumerate, "int": int, "len": len, "list": list, "range": range, "reversed": reversed,
    "sorted": sorted, "str": str, "tuple": tuple, "zip": zip,
}  # fmt: skip
_METHODS = frozenset(
    {"format", "items", "join", "keys", "lower", "replace", "split", "strip", "title", "upper", "values"}
)
MOST = 1000
"""Elements of a loop that is written out."""


class NotConstantError(Exception):
    """Raised when an expression is no constant, or fails."""


def value_of(module: Module, node: cst.BaseExpression, known: Mapping[str, object]) -> object:
    """The value of an expression of literals, constants of the file and known variables.

    Raises:
        NotConstantError: It holds anything else.
    """
    try:
        return _value(module, expression_of(code(node).strip()), known)
    except NotConstantError:
        raise
    except Exception as error:  # whatever the user's expression raises
        raise NotConstantError(str(error)) from error


def _value(module: Module, node: ast.expr, known: Mapping[str, object]) -> object:
    def value(inner: ast.expr) -> object:
        return _value(module, inner, known)

    match node:
        case ast.Constant():
            return node.value
        case ast.Name():
            if node.id in known:
                return known[node.id]
            definition = module.definition(node.id)
            if isinstance(definition, cst.BaseExpression):
                return value_of(module, definition, {})
        case ast.Tuple():
            return tuple(value(each) for each in node.elts)
        case ast.List():
            return [value(each) for each in node.elts]
        case ast.Dict():
            return {
                value(key): value(each) for key, each in zip(node.keys, node.values, strict=True) if key is not None
            }
        case ast.JoinedStr():
            return "".join(str(value(each)) for each in node.values)
        case ast.FormattedValue() if node.conversion == -1:
            return format(value(node.value), str(value(node.format_spec)) if node.format_spec is not None else "")
        case ast.BinOp() if type(node.op) in _OPERATORS:
            return _OPERATORS[type(node.op)](value(node.left), value(node.right))
        case ast.Subscript():
            return operator.getitem(value(node.value), value(node.slice))  # type: ignore[call-overload]
        case ast.Call(func=ast.Name(id=name)) if name in _FUNCTIONS and not node.keywords:
            return _FUNCTIONS[name](*(value(each) for each in node.args))
        case ast.Call(func=ast.Attribute(attr=name)) if name in _METHODS and not node.keywords:
            assert isinstance(node.func, ast.Attribute)
            return getattr(value(node.func.value), name)(*(value(each) for each in node.args))
    raise NotConstantError(ast.dump(node))
