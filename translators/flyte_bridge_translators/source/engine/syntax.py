"""Small pieces of syntax, built as a formatter would write them."""

from __future__ import annotations

import libcst as cst


def keyword(name: str, value: cst.BaseExpression) -> cst.Arg:
    """`name=value`, spaced as in a call."""
    return cst.Arg(
        value,
        keyword=cst.Name(name),
        equal=cst.AssignEqual(cst.SimpleWhitespace(""), cst.SimpleWhitespace("")),
    )


def assign(target: cst.BaseExpression, value: cst.BaseExpression) -> cst.SimpleStatementLine:
    """`target = value` as a line."""
    return cst.SimpleStatementLine([cst.Assign([cst.AssignTarget(bare_tuple(target))], value)])


def bare_tuple(target: cst.BaseExpression) -> cst.BaseAssignTargetExpression:
    """A target; a tuple without parentheses."""
    if isinstance(target, cst.Tuple):
        target = target.with_changes(lpar=[], rpar=[])
    assert isinstance(target, cst.BaseAssignTargetExpression)
    return target
