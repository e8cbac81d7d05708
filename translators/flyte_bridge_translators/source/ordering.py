"""`a >> b >> c` and `a.runs_before(b)`: an order between nodes."""

from __future__ import annotations

import libcst as cst


def operands(value: cst.BaseExpression) -> list[cst.BaseExpression] | None:
    """What an ordering statement puts in order, first to last; None when it is something else."""
    if isinstance(value, cst.BinaryOperation) and isinstance(value.operator, cst.RightShift):
        left = operands(value.left) or [value.left]
        right = operands(value.right) or [value.right]
        return [*left, *right]
    if (
        isinstance(value, cst.Call)
        and isinstance(value.func, cst.Attribute)
        and value.func.attr.value == "runs_before"
        and len(value.args) == 1
    ):
        return [value.func.value, value.args[0].value]
    return None
