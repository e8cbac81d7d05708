"""Where a node's inputs come from: bindings against the types that are expected, and the edges they make.

After `flytepropeller/pkg/compiler/validators/bindings.go` and `vars.go` (v1.16.8).
"""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING, TypeAlias

from flyteidl.core import interface_pb2, literals_pb2, types_pb2
from flyteidl.core.types_pb2 import LiteralType

from flyte_bridge_translators.flyte1.names import START
from flyte_bridge_translators.wire import castable
from flyte_bridge_translators.wire.compiler.model import Direction, NodeState, Variables, WorkflowDraft
from flyte_bridge_translators.wire.compiler.problems import CompileErrorCode, Problems, text

if TYPE_CHECKING:
    from collections.abc import Iterable

_ANY = LiteralType(simple=types_pb2.NONE)
_VARIABLE = re.compile(r"(?:\[(\d+)\]\.)?(\w+)", re.ASCII)

Resolved: TypeAlias = "tuple[LiteralType | None, list[str]] | None"
"""The type of a bound value, and the nodes it comes from; None when it cannot be bound."""


def bind(
    workflow: WorkflowDraft,
    node: NodeState,
    bindings: Iterable[literals_pb2.Binding],
    parameters: Variables,
    problems: Problems,
    *,
    direction: Direction,
    typed: bool = True,
) -> Variables:
    """Check bindings against the parameters they are for, and note the edges they make.

    Args:
        workflow: Where the node is.
        node: Whose inputs these are.
        bindings: The node's own, or the workflow's outputs; promises of workflow inputs get `start-node` for their node.
        parameters: What is expected.
        problems: What is wrong goes there.
        direction: Whether the nodes bound to are told.
        typed: False to take whatever is bound, of any type.

    Returns:
        The bound variables with their types.
    """
    bound: Variables = {}
    provided: set[str] = set()
    for binding in bindings:
        name = binding.var
        expected = parameters.get(name)
        if expected is None and typed:
            _unknown_variable(problems, node.id, name)
        elif not binding.HasField("binding"):
            problems.collect(CompileErrorCode.VALUE_REQUIRED, node.id, "Value required [Binding].")
        elif name in provided:
            problems.collect(
                CompileErrorCode.PARAMETER_BOUND_MORE_THAN_ONCE, node.id, f"Input [{name}] is bound more than once."
            )
        else:
            provided.add(name)
            type_ = _ANY if expected is None else expected.type
            resolved = _resolve(workflow, node, name, binding.binding, type_, problems.scope(), typed=typed)
            if resolved is not None:
                for upstream in resolved[1]:
                    workflow.edge(upstream, node.id, direction)
                bound[name] = interface_pb2.Variable(type=resolved[0])
    for name, variable in parameters.items():
        if name not in provided and not castable.is_optional(variable.type):
            _not_bound(problems, node.id, name)
    return bound


def effective_outputs(node: NodeState, problems: Problems) -> Variables | None:
    """A node's outputs under their aliases; None when its interface is not known or an alias is wrong."""
    if node.effective is None:
        node.effective = _aliased(node)
    variables, wrong = node.effective
    for code, description in wrong:
        problems.collect(CompileErrorCode(code), node.id, description)
    return None if wrong else variables


def _aliased(node: NodeState) -> tuple[Variables | None, tuple[tuple[str, str], ...]]:
    if not node.core.output_aliases:
        return (None if node.interface is None else node.interface.outputs), ()
    wrong: list[tuple[str, str]] = []
    aliases: dict[str, str] = {}
    for alias in node.core.output_aliases:
        if alias.var in aliases:
            once = "An output alias can only be used once in the Workflow."
            wrong.append((CompileErrorCode.DUPLICATE_ALIAS.value, f"Duplicate alias [{alias.alias}] found. {once}"))
        else:
            aliases[alias.var] = alias.alias
    if node.interface is None:
        return None, tuple(wrong)
    variables = {aliases.pop(name, name): variable for name, variable in node.interface.outputs.items()}
    wrong += [
        (CompileErrorCode.PARAMETER_NOT_BOUND.value, f"Parameter not bound [{alias}].") for alias in aliases.values()
    ]
    return variables, tuple(wrong)


def _resolve(
    workflow: WorkflowDraft,
    node: NodeState,
    name: str,
    binding: literals_pb2.BindingData,
    expected: LiteralType,
    problems: Problems,
    *,
    typed: bool,
) -> Resolved:
    kind = binding.WhichOneof("value")
    if kind == "promise":
        return _promise(workflow, node, name, binding.promise, expected, problems, typed=typed)
    if kind == "scalar":
        return _scalar(node, name, binding.scalar, expected, problems, typed=typed)
    if expected.WhichOneof("type") == "union_type":
        return _variant(workflow, node, name, binding, expected, problems, typed=typed)
    if kind == "collection" and expected.WhichOneof("type") == "collection_type":
        items, inner = list(binding.collection.bindings), expected.collection_type
    elif kind == "map" and expected.WhichOneof("type") == "map_value_type":
        items, inner = list(binding.map.bindings.values()), expected.map_value_type
    else:
        received = text(getattr(binding, kind)) if kind in {"collection", "map"} else kind or ""
        problems.collect(
            CompileErrorCode.MISMATCHING_BINDINGS,
            node.id,
            f"Input [{name}] on node [{node.id}] expects bindings of type [{text(expected)}].  Received [{received}]",
        )
        return None
    last: LiteralType | None = None
    upstream: list[str] = []
    for item in items:
        resolved = _resolve(workflow, node, name, item, inner, problems.scope(), typed=typed)
        if resolved is not None:
            last = resolved[0]
            upstream += resolved[1]
    type_ = LiteralType(collection_type=last) if kind == "collection" else LiteralType(map_value_type=last)
    return (type_, upstream) if problems.ok else None


def _variant(
    workflow: WorkflowDraft,
    node: NodeState,
    name: str,
    binding: literals_pb2.BindingData,
    expected: LiteralType,
    problems: Problems,
    *,
    typed: bool,
) -> Resolved:
    """Lists and maps have no type of their own: exactly one variant of a union must take them."""
    chosen: tuple[LiteralType, Resolved] | None = None
    expects = f"Input [{name}] on node [{node.id}] expects bindings of union type [{text(expected)}].  Received [{text(binding)}]"
    for variant in expected.union_type.variants:
        attempt = Problems()
        resolved = _resolve(workflow, node, name, binding, variant, attempt, typed=typed)
        if resolved is None or not attempt.ok:
            continue
        if chosen is not None:
            problems.collect(
                CompileErrorCode.AMBIGUOUS_BINDING_UNION_VALUE,
                node.id,
                f"{expects} which is ambiguous as both variants [{text(chosen[0])}] and [{text(variant)}] match.",
            )
            return None
        chosen = variant, resolved
    if chosen is None:
        problems.collect(
            CompileErrorCode.INCOMPATIBLE_BINDING_UNION_VALUE,
            node.id,
            f"{expects} which does not match any of the variants.",
        )
        return None
    return chosen[1]


def _promise(
    workflow: WorkflowDraft,
    node: NodeState,
    name: str,
    promise: types_pb2.OutputReference,
    expected: LiteralType,
    problems: Problems,
    *,
    typed: bool,
) -> Resolved:
    upstream = workflow.nodes.get(promise.node_id or START)
    if upstream is None:
        problems.collect(
            CompileErrorCode.NODE_REFERENCE_NOT_FOUND,
            promise.node_id,
            f"Referenced node [{promise.node_id}] not found.",
        )
        _not_bound(problems, node.id, name)
        return None
    parsed = _parse(promise.var)
    if parsed is None:
        problems.collect(CompileErrorCode.SYNTAX_ERROR, node.id, f"Failed to parse element [{promise.var}].")
        return None
    variables = effective_outputs(upstream, problems)
    variable = None if variables is None else variables.get(parsed[1])
    if variable is None:
        if problems.ok:
            _unknown_variable(problems, upstream.id, parsed[1])
        _not_bound(problems, node.id, name)
        return None
    source = variable.type
    if parsed[0]:
        if source.WhichOneof("type") != "collection_type":
            _mismatch(problems, node, upstream, promise.var, source, name, expected)
        else:
            source = source.collection_type
    for attribute in promise.attr_path:
        kind = source.WhichOneof("type")
        if kind in {"collection_type", "map_value_type"}:
            source = getattr(source, kind)
        elif source.structure.dataclass_type:
            field = attribute.string_value
            if field not in source.structure.dataclass_type:
                has_not = f"Variable [{promise.var}] (type [{text(source)}]) doesn't have field [{field}]."
                problems.collect(CompileErrorCode.FIELD_NOT_FOUND, node.id, has_not)
                return None
            source = source.structure.dataclass_type[field]
    if typed and not castable.castable(source, expected):
        _mismatch(problems, node, upstream, promise.var, source, name, expected)
        return None
    if promise.node_id != upstream.id:
        promise.node_id = upstream.id
    return source, [upstream.id]


def _scalar(
    node: NodeState,
    name: str,
    scalar: literals_pb2.Scalar,
    expected: LiteralType,
    problems: Problems,
    *,
    typed: bool,
) -> Resolved:
    type_ = castable.type_of_scalar(scalar)
    if type_ is None:
        kind = scalar.WhichOneof("value") or "nothing"
        problems.collect(CompileErrorCode.UNRECOGNIZED_VALUE, node.id, f"Unrecognized value [{kind}].")
    elif typed and not castable.castable(type_, expected):
        problems.collect(
            CompileErrorCode.MISMATCHING_TYPES,
            node.id,
            f"Variable [{name}] (type [{type_text(type_)}]) doesn't match expected type [{type_text(expected)}].",
        )
    if expected.WhichOneof("type") == "enum_type":
        value, legal = scalar.primitive.string_value, expected.enum_type.values
        if value not in legal:
            problems.collect(
                CompileErrorCode.ILLEGAL_ENUM_VALUE,
                node.id,
                f"Input [{name}] on node [{node.id}] is an Enum and expects value to be one of "
                f"[[{' '.join(legal)}]].  Received [{value}]",
            )
    return (type_, []) if problems.ok else None


@functools.lru_cache(maxsize=4096)
def _parse(variable: str) -> tuple[str, str] | None:
    found = _VARIABLE.findall(variable)
    return found[0] if len(found) == 1 else None


def type_text(type_: LiteralType) -> str:
    """A type in a message: the schema of a structured value is too long for one."""
    if type_.simple != types_pb2.STRUCT:
        return text(type_)
    fields = sorted(type_.structure.dataclass_type.items())
    inner = ", ".join(f"dataclass_type:{{key:{name} value:{{{type_text(value)}}}" for name, value in fields)
    return f"simple: STRUCT structure{{{inner}}}"


def _mismatch(
    problems: Problems,
    node: NodeState,
    upstream: NodeState,
    variable: str,
    source: LiteralType,
    name: str,
    expected: LiteralType,
) -> None:
    given = variable if upstream.name is None else f"{upstream.name}.{variable}"
    taken = name if node.name is None else f"{node.name}.{name}"
    problems.collect(
        CompileErrorCode.MISMATCHING_TYPES,
        node.id,
        f"The output variable '{given}' has type [{type_text(source)}], but it's assigned to the input variable "
        f"'{taken}' which has type type [{type_text(expected)}].",
    )


def _not_bound(problems: Problems, node: str, name: str) -> None:
    problems.collect(CompileErrorCode.PARAMETER_NOT_BOUND, node, f"Parameter not bound [{name}].")


def _unknown_variable(problems: Problems, node: str, name: str) -> None:
    problems.collect(CompileErrorCode.VARIABLE_NAME_NOT_FOUND, node, f"Variable [{name}] not found on node [{node}].")
