"""`conditional("n").if_(...).then(...).elif_(...).then(...).else_().then(...)` becomes `if/elif/else`."""

from __future__ import annotations

from dataclasses import dataclass

import libcst as cst

from flyte_bridge_translators.source.driver.scene import Scene
from flyte_bridge_translators.source.engine.edits import Rewrite
from flyte_bridge_translators.source.engine.tree import string_value

CONDITIONAL = "flytekit.conditional"


@dataclass(frozen=True)
class Case:
    """One arm: its condition (None for else), and what it gives or the message it fails with."""

    condition: cst.BaseExpression | None
    then: cst.BaseExpression | None = None
    message: cst.BaseExpression | None = None


@dataclass(frozen=True)
class Conditional:
    """A whole conditional.

    Attributes:
        wrong: What of it is not understood; it has no cases then, and is told by who writes it.
    """

    name: str
    cases: tuple[Case, ...]
    wrong: str = ""


def parse(scene: Scene, expression: cst.BaseExpression) -> Conditional | None:
    """The conditional an expression is, or None. Asked as often as its parts are, it is read once, and nothing is reported."""
    if not isinstance(expression, cst.Call):
        return None
    if expression not in scene.conditionals:
        scene.conditionals[expression] = _read(scene, expression)
    return scene.conditionals[expression]


def _read(scene: Scene, expression: cst.Call) -> Conditional | None:
    links: list[tuple[str, cst.BaseExpression | None]] = []
    node: cst.BaseExpression = expression
    while isinstance(node, cst.Call) and isinstance(node.func, cst.Attribute):
        if scene.qualified(node.func) == CONDITIONAL:  # `flytekit.conditional(…)`, reached as an attribute
            break
        links.append((node.func.attr.value, node.args[0].value if node.args else None))
        node = node.func.value
    if not (isinstance(node, cst.Call) and scene.qualified(node.func) == CONDITIONAL and links):
        return None
    name = string_value(node.args[0].value) if node.args else None
    cases: list[Case] = []
    waiting: list[cst.BaseExpression | None] = []
    for link, value in reversed(links):
        if link in {"if_", "elif_", "else_"}:
            waiting.append(value if link != "else_" else None)
        elif link in {"then", "fail"} and waiting:
            condition = waiting.pop()
            cases.append(Case(condition, value, None) if link == "then" else Case(condition, None, value))
        else:
            return Conditional("", (), f"`.{link}` is not a part of a conditional that is understood")
    if not cases or cases[-1].condition is not None or waiting:  # the rest of it stands elsewhere
        return None
    return Conditional(_identifier(name or "branch"), tuple(cases))


def is_unread(scene: Scene, expression: cst.BaseExpression) -> bool:
    """Whether an expression is a part of a conditional that `parse` cannot read: kept in a variable, built piece by piece. Its
    branches must not run on their own."""
    if not (isinstance(expression, cst.Call) and isinstance(expression.func, cst.Attribute)):
        return False
    return expression.func.attr.value == "then" and scene.qualified(expression.func) is None


def _identifier(name: str) -> str:
    cleaned = "".join(character if character.isalnum() else "_" for character in name).strip("_").lower()
    return cleaned if cleaned.isidentifier() else "branch"


def rewrite_condition(scene: Scene, condition: cst.BaseExpression) -> None:
    """`&`, `|`, `.is_true()`, `.is_false()`, `.is_none()` in Python's own words."""
    if isinstance(condition, cst.BinaryOperation) and isinstance(condition.operator, (cst.BitAnd, cst.BitOr)):
        operator = cst.And if isinstance(condition.operator, cst.BitAnd) else cst.Or
        rewrite_condition(scene, condition.left)
        rewrite_condition(scene, condition.right)

        def joined(rewrite: Rewrite) -> cst.BaseExpression:
            left, right = (_side(rewrite(side), operator) for side in (condition.left, condition.right))
            return cst.BooleanOperation(left, operator(), right, lpar=condition.lpar, rpar=condition.rpar)

        scene.plan.replace(condition, joined)
        return
    if (
        isinstance(condition, cst.Call)
        and isinstance(condition.func, cst.Attribute)
        and condition.func.attr.value in {"is_true", "is_false", "is_none"}
    ):
        which, value = condition.func.attr.value, condition.func.value

        def plain(rewrite: Rewrite) -> cst.BaseExpression:
            new = rewrite(value)
            if which == "is_true":
                return new
            if which == "is_false":
                return cst.UnaryOperation(cst.Not(), new)
            return cst.Comparison(new, [cst.ComparisonTarget(cst.Is(), cst.Name("None"))])

        scene.plan.replace(condition, plain)


def _side(side: cst.BaseExpression, operator: type[cst.BaseBooleanOp]) -> cst.BaseExpression:
    """An operand without the parentheses that `&` needed and `and` does not."""
    if not side.lpar:
        return side
    if isinstance(side, cst.BooleanOperation) and not isinstance(side.operator, operator):
        return side
    return side.with_changes(lpar=side.lpar[1:], rpar=side.rpar[:-1])
