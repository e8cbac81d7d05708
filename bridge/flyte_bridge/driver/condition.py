"""Which arm of a branch runs: comparisons on literals, nested in AND and OR.

The rules are flytepropeller's (`nodes/branch/comparator.go` and `evaluator.go`, 1.16): two primitives of one kind compare,
date-times and durations by whole seconds, and both sides of an AND or OR are evaluated. Beyond it, what flytekit's local
execution accepts and flytepropeller fails on is evaluated as flytekit does it: none, and values inside an optional.
"""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any, TypeAlias

from flyte_bridge.errors import NodeError
from flyte_bridge_translators.flyte1.conditions import Comparison, Conjunction, Variable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from flyteidl.core import literals_pb2

    from flyte_bridge_translators.flyte1.conditions import Condition, Operand
    from flyte_bridge_translators.flyte1.nodes import BranchNode, Node

MALFORMED = "MalformedBranchUserError"
"""Code of a comparison that cannot be made, and of a branch without an arm for the values it got."""

USER_PROVIDED = "UserProvidedError"
"""Code of the arm that is `fail("…")`."""

NONE = "none_type"

OPERATORS: dict[str, tuple[str, Callable[[Any, Any], bool]]] = {
    "==": ("EQ", operator.eq),
    "!=": ("NEQ", operator.ne),
    ">": ("GT", operator.gt),
    ">=": ("GTE", operator.ge),
    "<": ("LT", operator.lt),
    "<=": ("LTE", operator.le),
}
"""What a sign is called in Flyte 1, and does to comparable values."""

READERS: dict[str, Callable[[literals_pb2.Primitive], Any]] = {
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


Inputs: TypeAlias = "Mapping[str, literals_pb2.Literal]"


def choose(branch: BranchNode, inputs: Inputs, node: str) -> Node:
    """The node of the arm that runs: the first whose condition holds, else the `else`.

    Conditions after the one that holds are not evaluated, so that what cannot be compared there does no harm.

    Args:
        branch: The branch.
        inputs: Its inputs by name.
        node: Its unique id, for errors.

    Raises:
        NodeError: The arm is a `fail` (`UserProvidedError`); no arm is left or a comparison cannot be made
            (`MalformedBranchUserError`).
    """
    for case in branch.cases:
        if evaluate(case.condition, inputs, node):
            if case.node is None:
                raise _malformed("the arm that was chosen has no node; register the workflow again", node)
            return case.node
    if isinstance(branch.otherwise, str):
        raise _failed(USER_PROVIDED, branch.otherwise, node)
    if branch.otherwise is None:
        raise _malformed("No branch satisfied: give the conditional an `else_` for these inputs", node)
    return branch.otherwise


def evaluate(condition: Condition, inputs: Inputs, node: str) -> bool:
    """Whether a condition holds.

    Args:
        condition: A comparison, or a conjunction of conditions.
        inputs: The branch node's inputs by name.
        node: Unique id of the branch node, for errors.

    Raises:
        NodeError: A comparison cannot be made (`MalformedBranchUserError`).
    """
    match condition:
        case Comparison():
            return _compare(condition, inputs, node)
        case Conjunction():
            left = evaluate(condition.left, inputs, node)
            right = evaluate(condition.right, inputs, node)
            return left or right if condition.either else left and right
    raise _malformed("No Comparison or Conjunction found in Branch node expression.", node)


def _compare(comparison: Comparison, inputs: Inputs, node: str) -> bool:
    known = OPERATORS.get(comparison.sign)
    if known is None:
        raise _malformed(f"Unsupported operator {comparison.sign} in a comparison", node)
    name, compare = known
    left_kind, left = _operand(comparison.left, "LHS", inputs, node)
    right_kind, right = _operand(comparison.right, "RHS", inputs, node)
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


def _operand(operand: Operand, side: str, inputs: Inputs, node: str) -> tuple[str, Any]:
    """The kind and the comparable value of an operand: a constant, or one of the node's inputs."""
    name = ""
    scalar: literals_pb2.Scalar | None
    if isinstance(operand, Variable):
        name = operand.name
        literal = inputs.get(name)
        if literal is None:
            raise _malformed(f"Failed to find Value for Variable [{name}]", node)
        scalar = literal.scalar if literal.HasField("scalar") else None
    else:
        scalar = operand
    while scalar is not None and scalar.HasField("union"):
        scalar = scalar.union.value.scalar if scalar.union.value.HasField("scalar") else None
    if scalar is not None and scalar.HasField("none_type"):
        return NONE, None
    if scalar is None or not scalar.HasField("primitive"):
        raise _malformed(f"Only primitives can be compared. {side} Variable [{name}] is non primitive.", node)
    return _read(scalar.primitive, node)


def _read(primitive: literals_pb2.Primitive, node: str) -> tuple[str, Any]:
    kind = primitive.WhichOneof("value")
    if kind is None:
        raise _malformed("comparator not defined for a primitive without a value", node)
    return kind, READERS[kind](primitive)


def _malformed(message: str, node: str) -> NodeError:
    return _failed(MALFORMED, message, node)


def _failed(code: str, message: str, node: str) -> NodeError:
    """With the code in front, as flytepropeller tells of a branch (`flytestdlib/errors`)."""
    return NodeError(f"[{code}] {message}", code=code, node=node)
