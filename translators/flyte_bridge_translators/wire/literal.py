"""Literals: what type they show, and how Flyte 2 carries them.

A literal has the same bytes on both sides; what differs is the collection of named ones: a map in Flyte 1, a list in
Flyte 2 (with a map's bytes). What is inside a literal is the business of `attribute_path`.
After `flytepropeller/pkg/compiler/validators/utils.go` (v1.16.8).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flyteidl.core import literals_pb2, types_pb2
from flyteidl.core.types_pb2 import LiteralType
from flyteidl2.task import common_pb2

from flyte_bridge_translators.wire.castable import castable, type_of_scalar
from flyte_bridge_translators.wire.compiler.problems import text

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from flyteidl.core.literals_pb2 import Literal


def type_of(literal: Literal) -> LiteralType | None:
    """The type of a literal, as far as it shows; None when it has no value, here or inside.

    An empty list or map has elements of type NONE; elements of several types have a union of them.
    """
    kind = literal.WhichOneof("value")
    if kind == "scalar":
        return type_of_scalar(literal.scalar)
    if kind == "offloaded_metadata":
        return literal.offloaded_metadata.inferred_type
    if kind == "collection":
        element = _common_type(literal.collection.literals)
        return None if element is None else LiteralType(collection_type=element)
    if kind == "map":
        value = _common_type(literal.map.literals.values())
        return None if value is None else LiteralType(map_value_type=value)
    return None


def fits(literal: Literal, expected: LiteralType) -> bool:
    """Whether a literal can be given where `expected` is, as flyteadmin decides it."""
    type_ = type_of(literal)
    return type_ is not None and castable(type_, expected)


def to_inputs(literals: literals_pb2.LiteralMap) -> common_pb2.Inputs:
    """The inputs of a Flyte 2 run or action, sorted by name."""
    inputs = common_pb2.Inputs()
    for name in sorted(literals.literals):
        inputs.literals.add(name=name).value.MergeFromString(literals.literals[name].SerializeToString())
    return inputs


def to_outputs(literals: literals_pb2.LiteralMap) -> common_pb2.Outputs:
    """The outputs of a Flyte 2 action, sorted by name."""
    return common_pb2.Outputs(literals=to_inputs(literals).literals)


def from_named(named: common_pb2.Inputs | common_pb2.Outputs) -> literals_pb2.LiteralMap:
    """What Flyte 1 calls the inputs or outputs of Flyte 2.

    What only Flyte 2 has beside the values has no place there: the `context` of inputs, the artifacts that were produced.
    """
    literals = literals_pb2.LiteralMap()
    for item in named.literals:
        literals.literals[item.name].MergeFromString(item.value.SerializeToString())
    return literals


def _common_type(literals: Iterable[Literal]) -> LiteralType | None:
    """The type of the elements. An empty list among full ones does not count."""
    types: dict[str, LiteralType] = {}
    empty: LiteralType | None = None
    for literal in literals:
        type_ = type_of(literal)
        if type_ is None:
            return None
        if literal.WhichOneof("value") == "collection" and not literal.collection.literals:
            empty = type_
        else:
            types.setdefault(text(type_), type_)
    if not types:
        return empty or LiteralType(simple=types_pb2.NONE)
    if len(types) == 1:
        return next(iter(types.values()))
    return _union([types[at] for at in sorted(types)])


def _union(types: Sequence[LiteralType]) -> LiteralType:
    """A union of types. Lists of unions are merged to one list of a union, as flyteadmin does."""
    variants: list[LiteralType] = []
    nested = False
    for type_ in types:
        if type_.collection_type.WhichOneof("type") == "union_type":
            nested = True
            variants += type_.collection_type.union_type.variants
        else:
            variants.append(type_)
    union = LiteralType(union_type=types_pb2.UnionType(variants=variants))
    return LiteralType(collection_type=union) if nested else union
