"""The conditions of a branch: their operands, and whether these can be compared.

After `flytepropeller/pkg/compiler/validators/condition.go` (v1.16.8); the package's docstring says where we differ.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flyteidl.core import types_pb2

from flyte_bridge_translators.wire import castable
from flyte_bridge_translators.wire.compiler.bindings import type_text
from flyte_bridge_translators.wire.compiler.problems import CompileErrorCode, Problems

if TYPE_CHECKING:
    from flyteidl.core import condition_pb2

    from flyte_bridge_translators.wire.compiler.model import NodeState


def check(node: NodeState, expression: condition_pb2.BooleanExpression, problems: Problems) -> None:
    """Check a condition, with everything it is made of."""
    kind = expression.WhichOneof("expr")
    if kind == "conjunction":
        for side in ("left_expression", "right_expression"):
            if expression.conjunction.HasField(side):
                check(node, getattr(expression.conjunction, side), problems)
            else:
                no_condition(node, problems)
    elif kind == "comparison":
        comparison = expression.comparison
        right = _operand(node, "RightValue", comparison, problems.scope())
        left = _operand(node, "LeftValue", comparison, problems.scope())
        if right is not None and left is not None and not _comparable(left, right):
            problems.collect(
                CompileErrorCode.MISMATCHING_TYPES,
                node.id,
                f"Variable [RightValue] (type [{type_text(right)}]) doesn't match expected type [{type_text(left)}].",
            )
    else:
        problems.collect(CompileErrorCode.VALUE_REQUIRED, node.id, "Value required [Expr].")


def no_condition(node: NodeState, problems: Problems) -> None:
    """Say that a condition is missing."""
    missing = "One of the branches on the node doesn't have a condition."
    problems.collect(CompileErrorCode.BRANCH_NODE_HAS_NO_CONDITION, node.id, missing)


def _comparable(left: types_pb2.LiteralType, right: types_pb2.LiteralType) -> bool:
    return left == right or castable.castable(left, right) or castable.castable(right, left)


def _operand(
    node: NodeState, side: str, comparison: condition_pb2.ComparisonExpression, problems: Problems
) -> types_pb2.LiteralType | None:
    """The type of an operand; None when it is not known, or wrong."""
    name = "right_value" if side == "RightValue" else "left_value"
    operand = getattr(comparison, name)
    if not comparison.HasField(name):
        problems.collect(CompileErrorCode.VALUE_REQUIRED, node.id, f"Value required [{side}].")
        return None
    kind = operand.WhichOneof("val")
    if kind == "primitive":
        return castable.type_of_primitive(operand.primitive)
    if kind == "scalar":
        return None  # None and what is compared with it need no common type
    if kind != "var" or not operand.var:
        problems.collect(CompileErrorCode.VALUE_REQUIRED, node.id, f"Value required [{side}.Val].")
        return None
    if node.interface is None:
        problems.collect(CompileErrorCode.VALUE_REQUIRED, node.id, f"Value required [{operand.var}].")
        return None
    variable = node.interface.inputs.get(operand.var)
    if variable is not None:
        return None if _within_a_struct(node, operand.var, variable.type) else variable.type
    if not any(binding.var == operand.var for binding in node.core.inputs):
        unknown = f"Variable [{operand.var}] not found on node [{node.id}]."
        problems.collect(CompileErrorCode.VARIABLE_NAME_NOT_FOUND, node.id, unknown)
    return None


def _within_a_struct(node: NodeState, variable: str, type_: types_pb2.LiteralType) -> bool:
    """Whether this is a part of a value whose parts have no declared types."""
    return type_.simple == types_pb2.STRUCT and any(
        binding.var == variable and binding.binding.promise.attr_path for binding in node.core.inputs
    )
