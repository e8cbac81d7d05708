"""Types ↔ JSON schemas."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flyteidl2.core import types_pb2 as pb
from google.protobuf.json_format import MessageToDict, ParseDict

from flyte_bridge.errors import InvalidRequest

if TYPE_CHECKING:
    from collections.abc import Mapping

Schema = dict[str, Any]


_SIMPLE: dict[int, tuple[Schema, str]] = {
    pb.NONE: ({"type": "null"}, "none"),
    pb.STRING: ({"type": "string"}, "string"),
    pb.INTEGER: ({"type": "integer"}, "integer"),
    pb.FLOAT: ({"type": "number", "format": "float"}, "number"),
    pb.BOOLEAN: ({"type": "boolean"}, "boolean"),
    pb.DATETIME: ({"type": "string", "format": "datetime"}, "datetime"),
    pb.DURATION: ({"type": "string", "format": "duration"}, "duration"),
    pb.BINARY: ({"type": "string", "format": "binary"}, "binary"),
    pb.ERROR: ({"type": "string", "format": "error"}, "unknown"),
}
"""Simple types: their schema, and their title as a variant of a union."""

_BY_SCHEMA = {
    ("string", "datetime"): pb.DATETIME,
    ("string", "duration"): pb.DURATION,
    ("integer", "datetime"): pb.DATETIME,  # forms of before
    ("integer", "duration"): pb.DURATION,
    ("string", ""): pb.STRING,
    ("integer", ""): pb.INTEGER,
    ("number", ""): pb.FLOAT,
    ("boolean", ""): pb.BOOLEAN,
    ("null", ""): pb.NONE,
}
"""The way back; an unknown format counts as none."""

_TITLES = {
    "collection_type": "array",
    "map_value_type": "object",
    "blob": "blob",
    "enum_type": "enum",
    "structured_dataset_type": "structured_dataset",
    "union_type": "union",
}
DIMENSIONS = ("SINGLE", "MULTIPART")
_DIMENSION = (pb.BlobType.SINGLE, pb.BlobType.MULTIPART)


def of_type(kind: pb.LiteralType) -> Schema:
    """A type's schema.

    Raises:
        InvalidRequest: The type has no form: Flyte 1's schemas, or a struct that does not say what is in it.
    """
    which = kind.WhichOneof("type")
    if which is None:
        return {"type": "null"}
    if which == "simple":
        return _of_struct(kind) if kind.simple == pb.STRUCT else dict(_SIMPLE[kind.simple][0])
    if which == "collection_type":
        return {"type": "array", "items": of_type(kind.collection_type)}
    if which == "map_value_type":
        return {"type": "object", "additionalProperties": of_type(kind.map_value_type)}
    if which == "enum_type":
        return {"type": "string", "enum": list(kind.enum_type.values)}
    if which == "blob":
        dimension = {"type": "string", "enum": list(DIMENSIONS), "default": DIMENSIONS[kind.blob.dimensionality]}
        properties = {
            "uri": {"type": "string", "default": ""},
            "format": {"type": "string", "default": kind.blob.format},
            "dimensionality": dimension,
        }
        return {"type": "object", "format": "blob", "properties": properties}
    if which == "structured_dataset_type":
        properties = {"uri": {"type": "string"}, "format": {"type": "string"}}
        return {"type": "object", "format": "structured-dataset", "properties": properties}
    if which == "union_type":
        return {"oneOf": [_of_variant(one) for one in kind.union_type.variants], "format": "union"}
    raise InvalidRequest(f"a {which} has no form; use a DataFrame, a file or a dataclass")


def _of_struct(kind: pb.LiteralType) -> Schema:
    if not kind.HasField("metadata"):
        raise InvalidRequest("a struct whose type does not say what is in it (no metadata) has no form")
    schema: Schema = MessageToDict(kind.metadata)
    schema.pop("additionalProperties", None)  # with it, the way back would read a map
    title = schema.pop("title", None)
    return schema if title is None else {**schema, "dataclass": title}


def _of_variant(kind: pb.LiteralType) -> Schema:
    return {**of_type(kind), "title": _title(kind), "structure": kind.structure.tag}


def _title(kind: pb.LiteralType) -> str:
    which = kind.WhichOneof("type")
    if which != "simple":
        return _TITLES.get(which or "", "unknown")
    if kind.simple == pb.STRUCT:
        return str(MessageToDict(kind.metadata).get("title", "object"))
    return _SIMPLE[kind.simple][1]


def to_type(schema: Mapping[str, Any]) -> pb.LiteralType:
    """The type behind a schema.

    Raises:
        InvalidRequest: The schema is none of ours.
    """
    if "oneOf" in schema:
        variants = schema["oneOf"]
        if not isinstance(variants, list) or not all(isinstance(one, dict) for one in variants):
            raise InvalidRequest("oneOf must be a list of schemas")
        union = pb.UnionType(variants=[to_type(one) for one in variants])
        return pb.LiteralType(union_type=union)
    kind = pb.LiteralType()
    if isinstance(schema.get("structure"), str):
        kind.structure.tag = schema["structure"]
    name, form = schema.get("type"), schema.get("format", "")
    if not isinstance(name, str):
        raise InvalidRequest(f"a field's schema has no type: {dict(schema)}")
    if name == "array":
        items = schema.get("items")
        kind.collection_type.CopyFrom(to_type(items) if isinstance(items, dict) else pb.LiteralType(simple=pb.STRING))
    elif name == "object":
        _object(kind, schema, form)
    elif name == "string" and isinstance(schema.get("enum"), list):
        kind.enum_type.values.extend(str(value) for value in schema["enum"])
    else:
        kind.simple = _BY_SCHEMA.get((name, form), _BY_SCHEMA.get((name, ""), pb.NONE))
    return kind


def _object(kind: pb.LiteralType, schema: Mapping[str, Any], form: str) -> None:
    inner = schema.get("additionalProperties")
    if form == "blob":
        properties = schema.get("properties", {})
        kind.blob.format = str(properties.get("format", {}).get("default", ""))
        kind.blob.dimensionality = dimension(properties.get("dimensionality", {}).get("default", 0))
    elif form == "structured-dataset":
        kind.structured_dataset_type.SetInParent()
    elif isinstance(inner, dict):
        kind.map_value_type.CopyFrom(to_type(inner))
    else:
        kind.simple = pb.STRUCT
    ParseDict(dict(schema), kind.metadata)


def dimension(value: Any) -> pb.BlobType.BlobDimensionality:
    """A blob's dimensionality, by its name or (forms of before) its number.

    Raises:
        InvalidRequest: It is neither.
    """
    if isinstance(value, str) and value in DIMENSIONS:
        return _DIMENSION[DIMENSIONS.index(value)]
    if str(value).removesuffix(".0") in {"0", "1"}:
        return _DIMENSION[int(float(value))]
    raise InvalidRequest(f"dimensionality is SINGLE or MULTIPART, not {value!r}")


def optional(kind: pb.LiteralType) -> pb.LiteralType | None:
    """The variant of a union that stands for nothing; None if there is none."""
    return next((one for one in kind.union_type.variants if is_none(one)), None)


def is_none(kind: pb.LiteralType) -> bool:
    """Whether a type is the type of nothing."""
    return bool(kind.WhichOneof("type") == "simple" and kind.simple == pb.NONE)
