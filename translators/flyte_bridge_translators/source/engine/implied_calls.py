"""Which methods Python calls by itself for which expression: `a + b` calls `__add__`, `with a` calls `__enter__`."""

from __future__ import annotations

from collections.abc import Iterator

import libcst as cst

Implied = tuple[cst.BaseExpression, str, tuple[cst.BaseExpression, ...]]
"""The object, the method, and what it is given."""

_BINARY: dict[type[cst.BaseBinaryOp], str] = {
    cst.Add: "add", cst.BitAnd: "and", cst.BitOr: "or", cst.BitXor: "xor", cst.Divide: "truediv", cst.FloorDivide: "floordiv",
    cst.LeftShift: "lshift", cst.MatrixMultiply: "matmul", cst.Modulo: "mod", cst.Multiply: "mul", cst.Power: "pow",
    cst.RightShift: "rshift", cst.Subtract: "sub",
}  # fmt: skip

_AUGMENTED: dict[type[cst.BaseAugOp], str] = {
    cst.AddAssign: "add", cst.BitAndAssign: "and", cst.BitOrAssign: "or", cst.BitXorAssign: "xor",
    cst.DivideAssign: "truediv", cst.FloorDivideAssign: "floordiv", cst.LeftShiftAssign: "lshift",
    cst.MatrixMultiplyAssign: "matmul", cst.ModuloAssign: "mod", cst.MultiplyAssign: "mul", cst.PowerAssign: "pow",
    cst.RightShiftAssign: "rshift", cst.SubtractAssign: "sub",
}  # fmt: skip

_UNARY: dict[type[cst.BaseUnaryOp], str] = {
    cst.BitInvert: "__invert__", cst.Minus: "__neg__", cst.Not: "__bool__", cst.Plus: "__pos__",
}  # fmt: skip

_COMPARED: dict[type[cst.BaseCompOp], str] = {
    cst.Equal: "__eq__", cst.GreaterThan: "__gt__", cst.GreaterThanEqual: "__ge__", cst.LessThan: "__lt__",
    cst.LessThanEqual: "__le__", cst.NotEqual: "__ne__",
}  # fmt: skip

_FUNCTIONS = {
    "abs": "__abs__", "bool": "__bool__", "bytes": "__bytes__", "float": "__float__", "format": "__format__",
    "hash": "__hash__", "int": "__int__", "iter": "__iter__", "len": "__len__", "next": "__next__", "print": "__str__",
    "repr": "__repr__", "reversed": "__reversed__", "str": "__str__",
}  # fmt: skip
"""Builtins and the method of their argument that they call."""

_ITERATING = frozenset(
    {"all", "any", "dict", "enumerate", "filter", "frozenset", "list", "map", "max", "min", "set", "sorted", "sum", "tuple", "zip"}
)  # fmt: skip


def implied(node: cst.CSTNode) -> Iterator[Implied]:
    """The methods that Python may call for a node, reading an attribute left out."""
    match node:
        case cst.BinaryOperation():
            name = _BINARY[type(node.operator)]
            yield node.left, f"__{name}__", (node.right,)
            yield node.right, f"__r{name}__", (node.left,)
        case cst.AugAssign():
            name = _AUGMENTED[type(node.operator)]
            yield node.target, f"__i{name}__", (node.value,)
            yield node.target, f"__{name}__", (node.value,)
        case cst.UnaryOperation():
            yield node.expression, _UNARY[type(node.operator)], ()
        case cst.Comparison():
            for target in node.comparisons:
                if isinstance(target.operator, (cst.In, cst.NotIn)):
                    yield target.comparator, "__contains__", (node.left,)
                elif type(target.operator) in _COMPARED:
                    yield node.left, _COMPARED[type(target.operator)], (target.comparator,)
        case cst.Subscript():
            given = tuple(one.slice.value for one in node.slice if isinstance(one.slice, cst.Index))
            for name in ("__getitem__", "__setitem__", "__delitem__"):
                yield node.value, name, given
        case cst.WithItem():
            for name in ("__enter__", "__exit__"):
                yield node.item, name, ()
        case cst.For() | cst.CompFor():
            yield from _iterated(node.iter)
        case cst.StarredElement():
            yield from _iterated(node.value)
        case cst.FormattedStringExpression():
            for name in ("__format__", "__str__", "__repr__"):
                yield node.expression, name, ()
        case cst.If() | cst.While() | cst.IfExp():
            yield node.test, "__bool__", ()
        case cst.Call(func=cst.Name(value=name)) if node.args:
            if name in _FUNCTIONS:
                yield node.args[0].value, _FUNCTIONS[name], ()
            if name in _ITERATING or name == "next":
                for argument in node.args:
                    yield from _iterated(argument.value)


def _iterated(node: cst.BaseExpression) -> Iterator[Implied]:
    for name in ("__iter__", "__next__", "__getitem__"):
        yield node, name, ()
