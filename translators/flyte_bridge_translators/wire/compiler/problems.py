"""What is wrong with a workflow: every problem with Flyte 1's code, collected before anything is raised.

After `flytepropeller/pkg/compiler/errors` (v1.16.8); clients and their tests match on the codes and on the layout of the text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from google.protobuf import text_format

if TYPE_CHECKING:
    from collections.abc import Iterable

    from google.protobuf.message import Message


class CompileErrorCode(str, Enum):
    """Flyte 1's names for what can be wrong."""

    CYCLE_DETECTED = "CycleDetected"
    BRANCH_NODE_ID_NOT_FOUND = "BranchNodeIdNotFound"
    BRANCH_NODE_HAS_NO_CONDITION = "BranchNodeHasNoCondition"
    BRANCH_NODE_HAS_NO_DEFAULT = "BranchNodeHasNoDefault"
    VALUE_REQUIRED = "ValueRequired"
    INVALID_VALUE = "InvalidValue"
    NODE_REFERENCE_NOT_FOUND = "NodeReferenceNotFound"
    TASK_REFERENCE_NOT_FOUND = "TaskReferenceNotFound"
    WORKFLOW_REFERENCE_NOT_FOUND = "WorkflowReferenceNotFound"
    VARIABLE_NAME_NOT_FOUND = "VariableNameNotFound"
    DUPLICATE_ALIAS = "DuplicateAlias"
    DUPLICATE_ID = "DuplicateId"
    MISMATCHING_TYPES = "MismatchingTypes"
    MISMATCHING_BINDINGS = "MismatchingBindings"
    PARAMETER_BOUND_MORE_THAN_ONCE = "ParameterBoundMoreThanOnce"
    PARAMETER_NOT_BOUND = "ParameterNotBound"
    UNREACHABLE_NODES = "UnreachableNodes"
    UNRECOGNIZED_VALUE = "UnrecognizedValue"
    SYNTAX_ERROR = "SyntaxError"
    NO_NODES_FOUND = "NoNodesFound"
    ILLEGAL_ENUM_VALUE = "IllegalEnumValue"
    AMBIGUOUS_BINDING_UNION_VALUE = "AmbiguousBindingUnionValue"
    INCOMPATIBLE_BINDING_UNION_VALUE = "IncompatibleBindingUnionValue"
    NO_CONDITION_FOUND = "NoConditionFound"
    FIELD_NOT_FOUND = "FieldNotFound"


@dataclass(frozen=True, order=True)
class Problem:
    """One thing that is wrong.

    Attributes:
        code: Flyte 1's code.
        node: The node it is at; for a workflow without nodes the workflow's id, for a container `container`.
        description: What is wrong there.
    """

    code: str
    node: str
    description: str

    def __str__(self) -> str:
        return f"Code: {self.code}, Node Id: {self.node}, Description: {self.description}"


class CompileError(ValueError):
    """Raised when a task or a workflow does not compile.

    Attributes:
        problems: Everything that is wrong with it, each once, sorted by code.
    """

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(set(problems), key=lambda problem: (problem.code, str(problem))))
        listed = "".join(f"\tError {n}: {problem}\n" for n, problem in enumerate(self.problems))
        super().__init__(f"Collected Errors: {len(self.problems)}\n{listed}")

    @property
    def codes(self) -> frozenset[str]:
        """The codes of all problems."""
        return frozenset(problem.code for problem in self.problems)


class Problems:
    """Collects problems. A scope knows how many were met within it, and everything ends up in the root."""

    __slots__ = ("_collected", "_count", "_parent")

    def __init__(self, parent: Problems | None = None) -> None:
        self._parent = parent
        self._collected: dict[Problem, None] = parent._collected if parent is not None else {}
        self._count = 0

    def scope(self) -> Problems:
        """A part whose problems are counted on their own, and are this one's as well."""
        return Problems(self)

    def collect(self, code: CompileErrorCode, node: str, description: str) -> None:
        """Note a problem; an equal one is noted once."""
        self._collected[Problem(code.value, node, description)] = None
        scope: Problems | None = self
        while scope is not None:
            scope._count += 1
            scope = scope._parent

    def __len__(self) -> int:
        return self._count

    @property
    def ok(self) -> bool:
        """Whether nothing was met in this scope."""
        return self._count == 0

    def error(self) -> CompileError:
        """Everything that was met."""
        return CompileError(self._collected)


_LAYOUT = re.compile(r' \{ ?|: | (?=\})|"(?:[^"\\]|\\.)*"')


def text(message: Message | None) -> str:
    """A message on one line, as Go writes it: `simple:INTEGER`, `collection_type:{simple:STRING}`."""
    if message is None:
        return "<nil>"
    line = text_format.MessageToString(message, as_one_line=True, use_short_repeated_primitives=False)
    return _LAYOUT.sub(_go, line)


def _go(found: re.Match[str]) -> str:
    piece = found[0]
    if piece.startswith('"'):
        return piece
    return ":{" if "{" in piece else ":" if ":" in piece else ""
