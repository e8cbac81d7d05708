"""Which arm of a branch runs: comparisons on literals, nested in AND and OR.

The rules are flytepropeller's (`nodes/branch/comparator.go` and `evaluator.go`, 1.16): two primitives of one kind compare,
date-times and durations by whole seconds, and both sides of an AND or OR are evaluated. Beyond it, what flytekit's local
execution accepts and flytepropeller fails on is evaluated as flytekit does it: none, and values inside an optional.
"""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

from flyteidl.core import condition_pb2

from flyte_bridge.errors import NodeError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

MALFORMED = "MalformedBranchUserError"
"""Code of a comparison that cannot be made, and of a branch without an arm for the values it got."""

USER_PROVIDED = "UserProvidedError"
"""Code of the arm that is `fail("…")`."""

NONE = "none_type"

OPERATORS: dict[int, tuple[str, Callable[[Any, Any], bool]]] = {
    condition_pb2.ComparisonExpression.EQ: ("EQ", operator.eq),
    condition_pb2.ComparisonExpression.NEQ: ("NEQ", operator.ne),
    condition_pb2.ComparisonExpression.GT: ("GT", operator.gt),
    condition_pb2.ComparisonExpression.GTE: ("GTE", operator.ge),
    condition_pb2.ComparisonExpression.LT: ("LT", operator.lt),
    condition_pb2.ComparisonExpression.LTE: ("LTE", operator.le),
}

READERS: dict[str, Callable[[Any], Any]] = {
    "integer": lambda primitive: primitive.integer,
    "float_value": lambda primitive: primitive.float_value,
    "string_value": lambda primitive: primitive.string_value,
    "boolean": lambda primitive: primitive.boolean,
    "datetime": lambda primitive: primitive.datetime.seconds,
    "duration": lambda primitive: primitive.duration.seconds,
    NONE: lambda _: None,
}
"""The comparable value of each kind of primitive; flytepropeller ignores fractions of a second."""

UNORDERED = frozenset({"boolean", NONE})
"""Kinds that are only equal or different."""


def choose(block: Any, inputs: Mapping[str, Any], node: str) -> tuple[int, Any]:
    """The arm that runs: the first whose condition holds, else the `else`.

    Conditions after the one that holds are not evaluated, so that what cannot be compared there does no harm.

    Args:
        block: The branch node's `IfElseBlock`.
        inputs: The branch node's inputs by name (`Literal`s).
        node: Id of the branch node, for errors.

    Returns:
        The arm's place (`case` is 0, then `other`, then `else_node`) and its `Node`.

    Raises:
        NodeError: The arm is a `fail` (`UserProvidedError`); no arm is left or a comparison cannot be made
            (`MalformedBranchUserError`).
    """
    arms = [block.case, *block.other]
    for place, arm in enumerate(arms):
        if evaluate(arm.condition, inputs, node):
            return place, arm.then_node
    if block.HasField("else_node"):
        return len(arms), block.else_node
    if block.HasField("error"):
        raise NodeError(block.error.message, code=USER_PROVIDED, node=node)
    raise _malformed("No branch satisfied: give the conditional an `else_` for these inputs", node)


def evaluate(expression: Any, inputs: Mapping[str, Any], node: str) -> bool:
    """The value of a `BooleanExpression`.

    Args:
        expression: A comparison, or a conjunction of expressions.
        inputs: The branch node's inputs by name (`Literal`s).
        node: Id of the branch node, for errors.

    Raises:
        NodeError: A comparison cannot be made (`MalformedBranchUserError`).
    """
    match expression.WhichOneof("expr"):
        case "comparison":
            return _compare(expression.comparison, inputs, node)
        case "conjunction":
            conjunction = expression.conjunction
            left = evaluate(conjunction.left_expression, inputs, node)
            right = evaluate(conjunction.right_expression, inputs, node)
            return left or right if conjunction.operator == condition_pb2.ConjunctionExpression.OR else left and right
    raise _malformed("No Comparison or Conjunction found in Branch node expression.", node)


def _compare(comparison: Any, inputs: Mapping[str, Any], node: str) -> bool:
    known = OPERATORS.get(comparison.operator)
    if known is None:
        raise _malformed(f"Unsupported operator [{comparison.operator}] in a comparison", node)
    name, compare = known
    left_kind, left = _operand(comparison.left_value, "LHS", inputs, node)
    right_kind, right = _operand(comparison.right_value, "RHS", inputs, node)
    if left_kind != right_kind and NONE not in {left_kind, right_kind}:
        raise _malformed(
            f"Comparison between different primitives types. lVal[{left_kind}]:rVal[{right_kind}]; "
            "compare values of one type",
            node,
        )
    unordered = UNORDERED & {left_kind, right_kind}
    if unordered and name not in {"EQ", "NEQ"}:
        raise _malformed(f"[{name}] not defined for {min(unordered)} operands.", node)
    return compare(left, right)


def _operand(operand: Any, side: str, inputs: Mapping[str, Any], node: str) -> tuple[str, Any]:
    """The kind and the comparable value of an operand: a constant, or one of the node's inputs."""
    match operand.WhichOneof("val"):
        case "primitive":
            return _read(operand.primitive, node)
        case "scalar":
            scalar = operand.scalar
        case _:
            literal = inputs.get(operand.var)
            if literal is None:
                raise _malformed(f"Failed to find Value for Variable [{operand.var}]", node)
            scalar = literal.scalar if literal.HasField("scalar") else None
    while scalar is not None and scalar.HasField("union"):
        scalar = scalar.union.value.scalar if scalar.union.value.HasField("scalar") else None
    if scalar is not None and scalar.HasField("none_type"):
        return NONE, None
    if scalar is None or not scalar.HasField("primitive"):
        raise _malformed(f"Only primitives can be compared. {side} Variable [{operand.var}] is non primitive.", node)
    return _read(scalar.primitive, node)


def _read(primitive: Any, node: str) -> tuple[str, Any]:
    kind = primitive.WhichOneof("value")
    if kind is None:
        raise _malformed("comparator not defined for a primitive without a value", node)
    return kind, READERS[kind](primitive)


def _malformed(message: str, node: str) -> NodeError:
    return NodeError(message, code=MALFORMED, node=node)
