"""What `promise.a["b"][0]` means on a literal.

flytepropeller's `attr_path_resolver.go` (1.16) has the rules. A path walks literal maps and collections first; the rest
of it indexes the decoded value of a msgpack `binary` or of a JSON `generic` struct. Values along the path stay encoded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from flyteidl.core import literals_pb2
from google.protobuf import struct_pb2

if TYPE_CHECKING:
    from collections.abc import Sequence

V = TypeVar("V")

MSGPACK = "msgpack"
"""The one serialization of binary literals that a path can enter; flytekit 1.14 and later write it."""


class PathError(LookupError):
    """Raised when a literal has nothing at a path.

    Attributes:
        code: Flyte 1's error code.
    """

    def __init__(self, message: str, code: str = "PromiseAttributeResolveError") -> None:
        super().__init__(message)
        self.code = code


def descend(
    literal: literals_pb2.Literal, path: Sequence[str | int]
) -> tuple[literals_pb2.Literal, Sequence[str | int]]:
    """Walks maps and collections, and through unions, as far as the path leads.

    Args:
        literal: The `Literal` to begin at.
        path: Keys and indices.

    Returns:
        The literal that was reached, and what is left of the path there. When that literal is offloaded and something is
        left, read it and call again; otherwise `pick` takes what is left.

    Raises:
        PathError: A key or an index is not there.
    """
    for used, step in enumerate(path):
        # An optional or united value keeps its container inside; flytekit's local execution looks through it as well.
        while literal.HasField("scalar") and literal.scalar.HasField("union"):
            literal = literal.scalar.union.value
        if literal.HasField("map"):
            values = literal.map.literals
            if not isinstance(step, str) or step not in values:
                raise PathError(f"key [{step}] does not exist in a map with the keys {sorted(values)}")
            literal = values[step]
        elif literal.HasField("collection"):
            literal = _item(literal.collection.literals, step)
        else:
            return literal, path[used:]
    return literal, ()


def pick(literal: literals_pb2.Literal, path: Sequence[str | int]) -> literals_pb2.Literal:
    """Indexes the value inside a scalar: the end of a path that `descend` began.

    Also with nothing left, a msgpack list becomes a collection and a msgpack scalar a primitive, as in flytepropeller.

    Raises:
        PathError: A key or an index is not there, the value is not of a serialization that can be entered, or an integer
            does not fit in 64 bits.
    """
    if literal.HasField("scalar"):
        kind = literal.scalar.WhichOneof("value")
        if kind == "binary":
            return _pick_msgpack(literal.scalar.binary, path)
        if kind == "generic":
            return _from_json(_walk_json(struct_pb2.Value(struct_value=literal.scalar.generic), path))
    if path:
        held = literal.scalar.WhichOneof("value") if literal.HasField("scalar") else literal.WhichOneof("value")
        raise PathError(f"a value of the kind {held} has no part [{path[0]}]")
    return literal


def is_whole_number(literal: literals_pb2.Literal) -> bool:
    """Whether it is a float without a fraction, within 64 bits: what an integer becomes in a JSON struct."""
    primitive = literal.scalar.primitive
    value = primitive.float_value
    return bool(primitive.WhichOneof("value") == "float_value" and value.is_integer() and abs(value) < 1 << 63)


def _item(items: Sequence[V], step: str | int) -> V:
    """A negative index is out of range: Flyte 1 counts from the front only."""
    if not isinstance(step, int) or not 0 <= step < len(items):
        raise PathError(f"index [{step}] is out of range of {len(items)} items")
    return items[step]


def _walk(value: Any, path: Sequence[str | int]) -> Any:
    for step in path:
        if isinstance(value, dict):
            if not isinstance(step, str) or step not in value:
                raise PathError(f"key [{step}] does not exist in an object with the keys {sorted(map(str, value))}")
            value = value[step]
        elif isinstance(value, list):
            value = _item(value, step)
        else:
            raise PathError(f"a value of the kind {type(value).__name__} has no part [{step}]")
    return value


def _pick_msgpack(binary: literals_pb2.Binary, path: Sequence[str | int]) -> literals_pb2.Literal:
    if binary.tag != MSGPACK:
        raise PathError(
            f"Unsupported format '{binary.tag}' found for literal value; only '{MSGPACK}' can be indexed, "
            "so let the task return the part itself"
        )
    import msgpack  # the driver starts without it

    try:
        whole = msgpack.unpackb(binary.value, strict_map_key=False)
    except ValueError as error:
        raise PathError(f"the value is not {MSGPACK}: {error}") from error
    value = _walk(whole, path)
    if isinstance(value, list):
        return literals_pb2.Literal(
            collection=literals_pb2.LiteralCollection(literals=[_msgpack(item) for item in value]),
        )
    return _primitive(value) or _msgpack(value)


def _msgpack(value: Any) -> literals_pb2.Literal:
    import msgpack

    packed = msgpack.packb(value)
    return literals_pb2.Literal(scalar=literals_pb2.Scalar(binary=literals_pb2.Binary(value=packed, tag=MSGPACK)))


def _primitive(value: Any) -> literals_pb2.Literal | None:
    """A literal of what is exactly a bool, int, float or string; bool comes first because it is an int in Python."""
    match value:
        case bool():
            primitive = literals_pb2.Primitive(boolean=value)
        case int():
            if not -(1 << 63) <= value < 1 << 63:
                raise PathError(f"{value} is too large to be converted to int64", code="InvalidPrimitiveType")
            primitive = literals_pb2.Primitive(integer=value)
        case float():
            primitive = literals_pb2.Primitive(float_value=value)
        case str():
            primitive = literals_pb2.Primitive(string_value=value)
        case _:
            return None
    return literals_pb2.Literal(scalar=literals_pb2.Scalar(primitive=primitive))


def _walk_json(value: struct_pb2.Value, path: Sequence[str | int]) -> struct_pb2.Value:
    """`json_format` would turn whole numbers into integers and refuse infinity, so the messages are walked themselves."""
    for step in path:
        kind = value.WhichOneof("kind")
        if kind == "struct_value":
            fields = value.struct_value.fields
            if not isinstance(step, str) or step not in fields:
                raise PathError(f"key [{step}] does not exist in an object with the keys {sorted(fields)}")
            value = fields[step]
        elif kind == "list_value":
            value = _item(value.list_value.values, step)
        else:
            raise PathError(f"a value of the kind {kind} has no part [{step}]")
    return value


def _from_json(value: struct_pb2.Value) -> literals_pb2.Literal:
    kind = value.WhichOneof("kind")
    if kind == "list_value":
        return literals_pb2.Literal(
            collection=literals_pb2.LiteralCollection(literals=[_from_json(one) for one in value.list_value.values]),
        )
    if kind == "struct_value":
        return literals_pb2.Literal(scalar=literals_pb2.Scalar(generic=value.struct_value))
    found = _primitive(getattr(value, kind)) if kind not in {"null_value", None} else None
    return found or literals_pb2.Literal(scalar=literals_pb2.Scalar(none_type=literals_pb2.Void()))
