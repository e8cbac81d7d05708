"""What decides which arm of a branch runs: comparisons, nested in AND and OR."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from flyteidl.core import literals_pb2


@dataclass(frozen=True, slots=True)
class Variable:
    """An input of the branch node."""

    name: str


Operand: TypeAlias = "Variable | literals_pb2.Scalar"


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two values and how they compare.

    Attributes:
        sign: `==`, `!=`, `>`, `>=`, `<` or `<=`; a number in brackets for an operator that nobody knows.
        left, right: The values.
    """

    sign: str
    left: Operand
    right: Operand


@dataclass(frozen=True, slots=True)
class Conjunction:
    """Two conditions that both have to hold, or one of them (`either`)."""

    either: bool
    left: Condition
    right: Condition


Condition: TypeAlias = "Comparison | Conjunction | None"
"""None for an expression that says nothing: it cannot be evaluated."""

SIGNS = ("==", "!=", ">", ">=", "<", "<=")
"""By the numbers of `ComparisonExpression.Operator`."""
