"""Small pieces of syntax, built as a formatter would write them."""

from __future__ import annotations

import ast
from dataclasses import dataclass

import libcst as cst

from flyte_bridge_translators.source.engine.python_text import expression_of


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


def parsed(text: str) -> cst.BaseExpression:
    """An expression from text, which may go over several lines as it may inside brackets (`"a"` and `"b"` below each other)."""
    try:
        return cst.parse_expression(text)
    except cst.ParserSyntaxError:
        return cst.parse_expression(f"({text})")


@dataclass(frozen=True)
class Verbatim(cst.Name):
    """An expression whose text is made already: it is emitted as it stands.

    To parse such a text, only for it to be emitted again, costs more than all the rest of writing it.
    """

    def _validate(self) -> None:
        """Any text will do, not identifiers only."""

    @property
    def names(self) -> set[str]:
        """The names it uses."""
        return {node.id for node in ast.walk(expression_of(self.value)) if isinstance(node, ast.Name)}


def chain(name: str) -> cst.Name | cst.Attribute:
    """`a.b.c` as an expression."""
    first, *rest = name.split(".")
    made: cst.Name | cst.Attribute = cst.Name(first)
    for part in rest:
        made = cst.Attribute(made, cst.Name(part))
    return made
