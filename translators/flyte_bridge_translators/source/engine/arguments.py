"""The arguments of a call, by name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import libcst as cst


@dataclass(frozen=True)
class Arguments:
    """The arguments of a call.

    Attributes:
        named: Parameter name → value; positional ones are named by the signature.
        extra: Positional arguments beyond the signature.
        stars: `*args` and `**kwargs`: what they hold is not known.
    """

    named: dict[str, cst.BaseExpression] = field(default_factory=dict)
    extra: tuple[cst.BaseExpression, ...] = ()
    stars: tuple[cst.Arg, ...] = ()


def read(node: cst.BaseExpression, signature: Sequence[str] = ()) -> Arguments:
    """The arguments of a call; of anything else, none.

    Args:
        node: The call.
        signature: The names positional arguments go by, in order.
    """
    if not isinstance(node, cst.Call):
        return Arguments()
    named: dict[str, cst.BaseExpression] = {}
    extra: list[cst.BaseExpression] = []
    stars: list[cst.Arg] = []
    position = 0
    for argument in node.args:
        if argument.star:
            stars.append(argument)
        elif argument.keyword is not None:
            named[argument.keyword.value] = argument.value
        elif position < len(signature):
            named[signature[position]] = argument.value
            position += 1
        else:
            extra.append(argument.value)
    return Arguments(named, tuple(extra), tuple(stars))


def is_none(node: cst.BaseExpression | None) -> bool:
    """Whether an argument is left out or is written `None`."""
    return node is None or (isinstance(node, cst.Name) and node.value == "None")


def constant(node: cst.BaseExpression | None) -> bool | int | float | str | None:
    """The value of a plain literal (`True`, `3`, `"x"`, `-1`), else None."""
    if isinstance(node, cst.Name) and node.value in {"True", "False"}:
        return node.value == "True"
    if isinstance(node, (cst.Integer, cst.Float)):
        value = node.evaluated_value
        return value if isinstance(value, (int, float)) else None
    if isinstance(node, (cst.SimpleString, cst.ConcatenatedString)):
        text = node.evaluated_value
        return text if isinstance(text, str) else None
    if isinstance(node, cst.UnaryOperation) and isinstance(node.operator, cst.Minus):
        inner = constant(node.expression)
        return -inner if isinstance(inner, (int, float)) else None
    return None
