"""What a node's inputs are: its bindings, with each promise replaced by the literal it stands for.

The rules are flytepropeller's (`nodes/resolve.go`, `output_resolver.go`, `attr_path_resolver.go`, 1.16). Values stay literals:
nothing is decoded but what an attribute path must enter, and an offloaded literal is read only on such a path.

Beyond them, what a path leads to is given as the variant that it is where a union is wanted: flytekit calls a bare 2 for
`int | float` ambiguous, and its local execution passes it.
"""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING

from flyteidl.core import literals_pb2, types_pb2
from google.protobuf.message import DecodeError

from flyte_bridge.errors import BridgeError, NodeError
from flyte_bridge_translators.flyte1.bindings import Constant, Entries, Members, Promise
from flyte_bridge_translators.wire import attribute_path

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping

    from flyteidl.core import interface_pb2

    from flyte_bridge_translators.flyte1.bindings import Binding, Source

FAILURE = "BindingResolutionFailure"
"""Flyte 1's code of a node whose inputs cannot be made; its kind is SYSTEM (`executor.go`, `preExecute`)."""

_ELEMENT = re.compile(r"\[(\d+)\]\.(\w+)")
"""`[3].o0` is the fourth element of output `o0` (`nodes/subworkflow … ParseVarName`)."""


async def resolve(
    bindings: Iterable[Binding],
    outputs: Callable[[str], Mapping[str, literals_pb2.Literal]],
    *,
    node: str,
    read: Callable[[str], Awaitable[bytes]],
    types: Mapping[str, types_pb2.LiteralType] | None = None,
) -> literals_pb2.LiteralMap:
    """The inputs of a node, or the outputs of a workflow.

    What is bound nowhere is left out: the compiler allows that for optional inputs, and flytekit then takes the
    function's default. `fill_optional` is for what has no function, such as a sub-workflow.

    Args:
        bindings: The node's.
        outputs: The outputs by name of a node that has ended, by its id; `start-node` has the workflow's inputs. Raises
            `KeyError` for a node that has none, because it is unknown, was skipped or has not ended. Where the node has
            `output_aliases`, the names are the aliases.
        node: Id of the node, for errors.
        read: Reads an object by its URI; used only when a path leads into an offloaded literal.
        types: The `LiteralType`s of the node's inputs, where known: a whole number out of a JSON struct is an integer
            where one is wanted (JSON has floats only).

    Raises:
        NodeError: A promise cannot be kept (`BindingResolutionFailure`).
    """
    result = literals_pb2.LiteralMap()
    resolver = _Resolver(outputs, read)
    for binding in bindings:
        wanted = types.get(binding.parameter) if types is not None else None
        try:
            literal = await resolver.literal(binding.source, wanted)
        except (_Unkept, attribute_path.PathError) as error:
            message = f"Error binding Var [wf].[{binding.parameter}] of node [{node}]: {error}"
            raise NodeError(message, code=FAILURE, node=node, kind="SYSTEM") from error
        result.literals[binding.parameter].CopyFrom(literal)
    return result


def fill_optional(inputs: literals_pb2.LiteralMap, variables: Mapping[str, interface_pb2.Variable]) -> None:
    """Add none for each optional variable that has no value.

    Args:
        inputs: Changed in place.
        variables: The interface's input `Variable`s by name.
    """
    for name, variable in variables.items():
        if name in inputs.literals:
            continue
        for variant in variable.type.union_type.variants:
            if variant.simple == types_pb2.NONE and variant.WhichOneof("type") == "simple":
                union = inputs.literals[name].scalar.union
                union.type.CopyFrom(variant)
                union.value.scalar.none_type.SetInParent()


class _Unkept(Exception):
    """A promise that cannot be kept."""


class _Resolver:
    def __init__(
        self, outputs: Callable[[str], Mapping[str, literals_pb2.Literal]], read: Callable[[str], Awaitable[bytes]]
    ) -> None:
        self._outputs = outputs
        self._read = read
        # Several bindings often lead into one offloaded literal: a map task's output, element by element.
        self._loaded: dict[str, literals_pb2.Literal] = {}

    async def literal(self, source: Source, wanted: types_pb2.LiteralType | None) -> literals_pb2.Literal:
        match source:
            case Promise():
                return await self._promise(source, wanted)
            case Constant(value=literals_pb2.Scalar() as scalar):
                return literals_pb2.Literal(scalar=scalar)
            case Constant(value=literals_pb2.LiteralOffloadedMetadata() as offloaded):
                return literals_pb2.Literal(offloaded_metadata=offloaded)
            case Members():
                item = wanted.collection_type if wanted is not None and wanted.HasField("collection_type") else None
                members = [await self.literal(member, item) for member in source.sources]
                return literals_pb2.Literal(collection=literals_pb2.LiteralCollection(literals=members))
            case Entries():
                item = wanted.map_value_type if wanted is not None and wanted.HasField("map_value_type") else None
                values = {key: await self.literal(value, item) for key, value in source.sources}
                return literals_pb2.Literal(map=literals_pb2.LiteralMap(literals=values))
        raise _Unkept("the binding has no value; register the workflow again")

    async def _promise(self, promise: Promise, wanted: types_pb2.LiteralType | None) -> literals_pb2.Literal:
        source, name, path = promise.node, promise.output, promise.path
        try:
            outputs = self._outputs(source)
        except KeyError:
            raise _Unkept(
                f"Outputs not found of node [{source}]: it is unknown, was skipped, or has not ended"
            ) from None
        if name not in outputs:
            element = _ELEMENT.fullmatch(name)
            if element is None or element[2] not in outputs:
                there = ", ".join(sorted(outputs)) or "none"
                raise _Unkept(f"Failed to find [{source}].[{name}]; its outputs are: {there}")
            path, name = (int(element[1]), *path), element[2]
        literal = outputs[name]
        if not path:
            return literal
        literal, rest = attribute_path.descend(literal, path)
        while rest and literal.HasField("offloaded_metadata"):
            literal = await self._load(literal.offloaded_metadata.uri)
            literal, rest = attribute_path.descend(literal, rest)
        picked = attribute_path.pick(literal, rest)
        inside_json = literal.HasField("scalar") and literal.scalar.HasField("generic")
        if inside_json and _wants_integer(wanted) and attribute_path.is_whole_number(picked):
            number = int(picked.scalar.primitive.float_value)
            picked = literals_pb2.Literal(scalar=literals_pb2.Scalar(primitive=literals_pb2.Primitive(integer=number)))
        return _united(picked, wanted)

    async def _load(self, uri: str) -> literals_pb2.Literal:
        if uri not in self._loaded:
            try:
                self._loaded[uri] = literals_pb2.Literal.FromString(await self._read(uri))
            except (BridgeError, OSError, DecodeError, asyncio.TimeoutError) as error:
                raise _Unkept(f"failed to read the offloaded literal {uri}: {error}") from error
        return self._loaded[uri]


_SIMPLE = {
    "integer": types_pb2.INTEGER,
    "float_value": types_pb2.FLOAT,
    "string_value": types_pb2.STRING,
    "boolean": types_pb2.BOOLEAN,
    "none_type": types_pb2.NONE,
    "binary": types_pb2.STRUCT,
    "generic": types_pb2.STRUCT,
}
"""The type of what a path can lead to, by its kind of scalar or primitive."""


def _wants_integer(wanted: types_pb2.LiteralType | None) -> bool:
    """Whether a whole number is to be an integer: where one is wanted, or a variant is one and none is a float."""
    if wanted is None:
        return False
    simple = {one.simple for one in wanted.union_type.variants or (wanted,) if one.WhichOneof("type") == "simple"}
    return types_pb2.INTEGER in simple and types_pb2.FLOAT not in simple


def _united(literal: literals_pb2.Literal, wanted: types_pb2.LiteralType | None) -> literals_pb2.Literal:
    """A literal as the variant it is, where a union is wanted; left as it is where none fits, or more than one."""
    if wanted is None or wanted.WhichOneof("type") != "union_type" or literal.scalar.HasField("union"):
        return literal
    kind = literal.scalar.WhichOneof("value") or ""
    simple = _SIMPLE.get(literal.scalar.primitive.WhichOneof("value") or "" if kind == "primitive" else kind)
    fits = [one for one in wanted.union_type.variants if one.WhichOneof("type") == "simple" and one.simple == simple]
    if len(fits) != 1:
        return literal
    return literals_pb2.Literal(
        scalar=literals_pb2.Scalar(union=literals_pb2.Union(value=literal, type=fits[0])),
    )
