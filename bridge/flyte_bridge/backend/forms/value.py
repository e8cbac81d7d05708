"""Literals ↔ JSON values."""

from __future__ import annotations

import base64
import json
import re
from typing import TYPE_CHECKING, Any

import msgpack
from flyteidl2.core import literals_pb2
from flyteidl2.core import types_pb2 as pb
from google.protobuf.json_format import MessageToDict, ParseDict

from flyte_bridge.backend.forms import schema
from flyte_bridge.backend.moments import parse_time, to_timestamp
from flyte_bridge.errors import InvalidRequest, Unimplemented

if TYPE_CHECKING:
    from collections.abc import Callable

NULL = {"type": "null"}
"""How a form says nothing."""


# -- literal → value --------------------------------------------------------------------------------------------------


def of_literal(literal: literals_pb2.Literal) -> Any:
    """A literal as JSON.

    Raises:
        InvalidRequest: It is empty.
        Unimplemented: It has no JSON form: Flyte 1 schemas, errors, offloaded literals.
    """
    which = literal.WhichOneof("value")
    if which == "collection":
        return [of_literal(one) for one in literal.collection.literals]
    if which == "map":
        return {key: of_literal(one) for key, one in literal.map.literals.items()}
    if which != "scalar":
        raise _unreadable(which)
    scalar = literal.scalar
    kind = scalar.WhichOneof("value")
    if kind == "primitive":
        return _of_primitive(scalar.primitive)
    if kind == "binary":
        return _of_binary(scalar.binary.value)
    if kind == "generic":
        return MessageToDict(scalar.generic)
    if kind == "union":
        return of_literal(scalar.union.value)
    if kind == "none_type":
        return dict(NULL)
    if kind == "blob":
        of = scalar.blob.metadata.type
        return {
            "uri": scalar.blob.uri,
            "format": of.format,
            "dimensionality": schema.DIMENSIONS[of.dimensionality],
        }
    if kind == "structured_dataset":
        data = scalar.structured_dataset
        return {"uri": data.uri, "format": data.metadata.structured_dataset_type.format}
    raise _unreadable(kind)


def _unreadable(kind: str | None) -> InvalidRequest | Unimplemented:
    if kind is None:
        return InvalidRequest("a literal has no value")
    return Unimplemented(f"a literal with {kind} has no JSON form")


def _of_primitive(primitive: literals_pb2.Primitive) -> Any:
    which = primitive.WhichOneof("value")
    if which is None:
        raise InvalidRequest("a primitive has no value")
    value = getattr(primitive, which)
    if which == "datetime":
        return value.ToJsonString()
    if which == "duration":
        return duration_text(value.seconds * 1_000_000_000 + value.nanos)
    return value


def _of_binary(data: bytes) -> Any:
    try:
        value = msgpack.unpackb(data, strict_map_key=False)
        json.dumps(value)  # bytes and other keys than strings are no JSON
    except Exception:
        return base64.b64encode(data).decode()
    return value


# -- value → literal --------------------------------------------------------------------------------------------------


def to_literal(value: Any, kind: pb.LiteralType, where: str) -> literals_pb2.Literal:
    """A JSON value as a literal of a type.

    Args:
        value: As a form has it.
        kind: What it must be.
        where: The field's name, for messages.

    Raises:
        InvalidRequest: It is not of that type.
    """
    which = kind.WhichOneof("type")
    if which == "union_type":
        return _union(value, kind, where)
    if which == "simple":
        return _simple(value, kind.simple, where)
    if value is None or value == NULL:
        raise InvalidRequest(f"{where} cannot be empty")
    if which == "collection_type":
        items = _expect(value, list, "a list", where)
        literal = literals_pb2.Literal()
        literal.collection.SetInParent()
        for number, one in enumerate(items):
            literal.collection.literals.append(to_literal(one, kind.collection_type, f"{where}[{number}]"))
        return literal
    if which == "map_value_type":
        literal = literals_pb2.Literal()
        literal.map.SetInParent()
        for key, one in _expect(value, dict, "an object", where).items():
            literal.map.literals[key].CopyFrom(to_literal(one, kind.map_value_type, f"{where}.{key}"))
        return literal
    if which == "enum_type":
        if value not in kind.enum_type.values:
            raise InvalidRequest(f"{where} must be one of {', '.join(kind.enum_type.values)}, not {value!r}")
        return _primitive("string_value", value)
    if which == "blob":
        return _blob(_expect(value, dict, "an object", where), where)
    if which == "structured_dataset_type":
        return _dataset(_expect(value, dict, "an object", where), where)
    raise InvalidRequest(f"{where} is of a type that has no form ({which})")


def nothing(variant: pb.LiteralType) -> literals_pb2.Literal:
    """Nothing, as a union's value."""
    literal = literals_pb2.Literal()
    literal.scalar.union.type.CopyFrom(variant)
    literal.scalar.union.type.structure.tag = variant.structure.tag
    literal.scalar.union.value.scalar.none_type.SetInParent()
    return literal


def _union(value: Any, kind: pb.LiteralType, where: str) -> literals_pb2.Literal:
    none = schema.optional(kind)
    if value is None or value == NULL:
        if none is None:
            raise InvalidRequest(f"{where} cannot be empty")
        return nothing(none)
    refusals = []
    for variant in kind.union_type.variants:
        if schema.is_none(variant):
            continue
        try:
            inner = to_literal(value, variant, where)
        except InvalidRequest as error:
            refusals.append(str(error))
            continue
        literal = literals_pb2.Literal()
        literal.scalar.union.type.CopyFrom(variant)
        literal.scalar.union.type.structure.tag = variant.structure.tag
        literal.scalar.union.value.CopyFrom(inner)
        return literal
    raise InvalidRequest(f"{where} fits no variant: {'; '.join(refusals)}")


def _simple(value: Any, kind: int, where: str) -> literals_pb2.Literal:
    if kind == pb.NONE:
        literal = literals_pb2.Literal()
        literal.scalar.none_type.SetInParent()
        return literal
    if value is None or value == NULL:
        raise InvalidRequest(f"{where} cannot be empty")
    if kind == pb.STRUCT:
        literal = literals_pb2.Literal()
        ParseDict(_expect(value, dict, "an object", where), literal.scalar.generic)
        return literal
    reader = _READERS.get(kind)
    if reader is None:
        raise InvalidRequest(f"{where} is of a type that cannot be typed into a form")
    return reader(value, where)


def _string(value: Any, where: str) -> literals_pb2.Literal:
    return _primitive("string_value", _expect(value, str, "a string", where))


def _integer(value: Any, where: str) -> literals_pb2.Literal:
    number = _number(value, where)
    if number != int(number):
        raise InvalidRequest(f"{where} must be a whole number, not {value!r}")
    return _primitive("integer", int(number))


def _float(value: Any, where: str) -> literals_pb2.Literal:
    return _primitive("float_value", float(_number(value, where)))


def _boolean(value: Any, where: str) -> literals_pb2.Literal:
    return _primitive("boolean", _expect(value, bool, "true or false", where))


def _datetime(value: Any, where: str) -> literals_pb2.Literal:
    literal = literals_pb2.Literal()
    literal.scalar.primitive.datetime.CopyFrom(
        to_timestamp(parse_time(where, _expect(value, str, "an RFC 3339 time", where)))
    )
    return literal


def _duration(value: Any, where: str) -> literals_pb2.Literal:
    nanos = round(value * 1e9) if _is_number(value) else parse_duration(_expect(value, str, "a duration", where), where)
    literal = literals_pb2.Literal()
    literal.scalar.primitive.duration.FromNanoseconds(nanos)
    return literal


_READERS: dict[int, Callable[[Any, str], literals_pb2.Literal]] = {
    pb.STRING: _string,
    pb.INTEGER: _integer,
    pb.FLOAT: _float,
    pb.BOOLEAN: _boolean,
    pb.DATETIME: _datetime,
    pb.DURATION: _duration,
}


def _blob(value: dict[str, Any], where: str) -> literals_pb2.Literal:
    missing = {"uri", "format", "dimensionality"} - set(value)
    if missing:
        raise InvalidRequest(f"{where} lacks {', '.join(sorted(missing))}")
    literal = literals_pb2.Literal()
    blob = literal.scalar.blob
    blob.uri, blob.metadata.type.format = str(value["uri"]), str(value["format"])
    blob.metadata.type.dimensionality = schema.dimension(value["dimensionality"])
    return literal


def _dataset(value: dict[str, Any], where: str) -> literals_pb2.Literal:
    missing = {"uri", "format"} - set(value)
    if missing:
        raise InvalidRequest(f"{where} lacks {', '.join(sorted(missing))}")
    literal = literals_pb2.Literal()
    data = literal.scalar.structured_dataset
    data.uri, data.metadata.structured_dataset_type.format = str(value["uri"]), str(value["format"])
    return literal


def _primitive(field: str, value: Any) -> literals_pb2.Literal:
    literal = literals_pb2.Literal()
    setattr(literal.scalar.primitive, field, value)
    return literal


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _number(value: Any, where: str) -> Any:
    if not _is_number(value):
        raise InvalidRequest(f"{where} must be a number, not {value!r}")
    return value


def _expect(value: Any, kind: type, text: str, where: str) -> Any:
    if not isinstance(value, kind):
        raise InvalidRequest(f"{where} must be {text}, not {value!r}")
    return value


# -- durations, as Go writes them -------------------------------------------------------------------------------------

_UNITS = {"ns": 1, "us": 10**3, "µs": 10**3, "ms": 10**6, "s": 10**9, "m": 60 * 10**9, "h": 3600 * 10**9}
_PART = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h)")


def duration_text(nanos: int) -> str:
    """A duration as Go writes it: `1h30m0s`, `1.5s`, `250ms`."""
    sign, nanos = ("-" if nanos < 0 else ""), abs(nanos)
    if nanos < 10**9:
        for unit, size in (("ms", 10**6), ("µs", 10**3), ("ns", 1)):
            if nanos >= size:
                return f"{sign}{_decimal(nanos, size)}{unit}"
        return "0s"
    minutes, rest = divmod(nanos, 60 * 10**9)
    hours, minutes = divmod(minutes, 60)
    text = f"{_decimal(rest, 10**9)}s"
    if hours:
        return f"{sign}{hours}h{minutes}m{text}"
    return f"{sign}{minutes}m{text}" if minutes else sign + text


def _decimal(value: int, unit: int) -> str:
    whole, rest = divmod(value, unit)
    digits = str(rest).rjust(len(str(unit)) - 1, "0").rstrip("0")
    return f"{whole}.{digits}" if digits else str(whole)


def parse_duration(text: str, where: str) -> int:
    """A duration, in nanoseconds: as Go writes it, or digits alone for seconds.

    Raises:
        InvalidRequest: It is neither.
    """
    if text.isascii() and text.isdigit():
        return int(text) * 10**9
    sign, body = (-1, text[1:]) if text.startswith("-") else (1, text.removeprefix("+"))
    parts = _PART.findall(body)
    if not parts or "".join(number + unit for number, unit in parts) != body:
        raise InvalidRequest(f"{where} must be a duration like 1h30m or 90s, not {text!r}")
    return sign * sum(round(float(number) * _UNITS[unit]) for number, unit in parts)
