"""Which types can be given where which are expected.

After `flytepropeller/pkg/compiler/validators/typing.go` and `utils.go` (v1.16.8).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flyteidl.core import types_pb2
from flyteidl.core.types_pb2 import LiteralType

from flyte_bridge_translators.wire import json_schema

if TYPE_CHECKING:
    from flyteidl.core import literals_pb2

_Column = types_pb2.SchemaType.SchemaColumn
_COLUMN_TYPES = {
    _Column.INTEGER: types_pb2.INTEGER,
    _Column.FLOAT: types_pb2.FLOAT,
    _Column.STRING: types_pb2.STRING,
    _Column.BOOLEAN: types_pb2.BOOLEAN,
    _Column.DATETIME: types_pb2.DATETIME,
    _Column.DURATION: types_pb2.DURATION,
}
_PRIMITIVES = {
    "integer": types_pb2.INTEGER,
    "float_value": types_pb2.FLOAT,
    "string_value": types_pb2.STRING,
    "boolean": types_pb2.BOOLEAN,
    "datetime": types_pb2.DATETIME,
    "duration": types_pb2.DURATION,
}
MSGPACK = "msgpack"
"""Tag of a binary that is a structured value, not bytes."""


def castable(upstream: LiteralType, downstream: LiteralType) -> bool:
    """Whether a value of type `upstream` can be given where `downstream` is expected."""
    if upstream == downstream and upstream.WhichOneof("type") != "union_type":
        return True
    variants = upstream.union_type.variants
    if len(variants) == 1 and _casts(downstream, variants[0]):
        return True
    return _casts(downstream, upstream)


def is_none(type_: LiteralType) -> bool:
    """Whether this is the type of None."""
    return bool(type_.WhichOneof("type") == "simple" and type_.simple == types_pb2.NONE)


def is_optional(type_: LiteralType) -> bool:
    """Whether a parameter of this type may stay unbound.

    As in Flyte 1 that is a union with a variant whose `simple` is NONE *or unset*: also `Union[int, list[int]]`.
    """
    return any(variant.simple == types_pb2.NONE for variant in type_.union_type.variants)


def type_of_primitive(primitive: literals_pb2.Primitive) -> LiteralType:
    """The type of a primitive; NONE when it has no value."""
    return LiteralType(simple=_PRIMITIVES.get(primitive.WhichOneof("value"), types_pb2.NONE))


def type_of_scalar(scalar: literals_pb2.Scalar) -> LiteralType | None:
    """The type of a scalar, as far as it says so itself; None when it has no value, or a blob without a type."""
    kind = scalar.WhichOneof("value")
    if kind == "primitive":
        return type_of_primitive(scalar.primitive)
    if kind == "blob":
        return LiteralType(blob=scalar.blob.metadata.type) if scalar.blob.HasField("metadata") else None
    if kind == "binary":
        return LiteralType(simple=types_pb2.STRUCT if scalar.binary.tag == MSGPACK else types_pb2.BINARY)
    if kind == "schema":
        return LiteralType(schema=scalar.schema.type)
    if kind == "structured_dataset":
        frame = scalar.structured_dataset
        if not frame.metadata.HasField("structured_dataset_type"):
            return LiteralType()  # castable to nothing, as in Flyte 1
        return LiteralType(structured_dataset_type=frame.metadata.structured_dataset_type)
    if kind == "union":
        return LiteralType(union_type=types_pb2.UnionType(variants=[scalar.union.type]))
    simple = {"none_type": types_pb2.NONE, "error": types_pb2.ERROR, "generic": types_pb2.STRUCT}.get(kind)
    return None if simple is None else LiteralType(simple=simple)


def _casts(downstream: LiteralType, upstream: LiteralType) -> bool:
    kind = downstream.WhichOneof("type")
    check = _CHECKS.get(kind)
    if check is not None:
        return check(downstream, upstream)
    if is_none(downstream):
        return is_none(upstream)
    return _same(downstream, upstream)


def _same(downstream: LiteralType, upstream: LiteralType) -> bool:
    kinds = (upstream.WhichOneof("type"), downstream.WhichOneof("type"))
    if kinds[0] == "enum_type" and downstream.simple == types_pb2.STRING:
        return True
    if kinds[1] == "enum_type" and upstream.simple == types_pb2.STRING:
        return True
    if upstream.structure.tag and downstream.structure.tag != upstream.structure.tag:
        return False
    if upstream.simple == types_pb2.STRUCT and downstream.simple == types_pb2.STRUCT:
        if not upstream.HasField("metadata") or not downstream.HasField("metadata"):
            return True  # flytekit did not always write a schema
        return upstream.metadata == downstream.metadata or json_schema.extends(upstream.metadata, downstream.metadata)
    return kinds[0] == kinds[1] and (kinds[0] is None or getattr(upstream, kinds[0]) == getattr(downstream, kinds[0]))


def _collection(downstream: LiteralType, upstream: LiteralType) -> bool:
    if upstream.WhichOneof("type") != "collection_type":
        return False
    element = upstream.collection_type
    return is_none(element) or _casts(downstream.collection_type, element)


def _map(downstream: LiteralType, upstream: LiteralType) -> bool:
    if upstream.WhichOneof("type") != "map_value_type":
        return False
    value = upstream.map_value_type
    return is_none(value) or _casts(downstream.map_value_type, value)


def _blob(downstream: LiteralType, upstream: LiteralType) -> bool:
    if upstream.WhichOneof("type") != "blob":
        return False
    given, expected = upstream.blob.format, downstream.blob.format
    return not given or not expected or given == expected


def _union(downstream: LiteralType, upstream: LiteralType) -> bool:
    variants = downstream.union_type.variants
    if upstream.WhichOneof("type") == "union_type":
        return all(any(castable(given, variant) for variant in variants) for given in upstream.union_type.variants)
    return sum(castable(upstream, variant) for variant in variants) == 1


def _schema(downstream: LiteralType, upstream: LiteralType) -> bool:
    kind = upstream.WhichOneof("type")
    expected = {column.name: column.type for column in downstream.schema.columns}
    if kind == "schema":
        given = {column.name: column.type for column in upstream.schema.columns}
        return not given or not expected or all(given.get(name, -1) == type_ for name, type_ in expected.items())
    if kind != "structured_dataset_type" or not _parquet(upstream.structured_dataset_type.format):
        return False
    found = {column.name: column.literal_type.simple for column in upstream.structured_dataset_type.columns}
    return (
        not found
        or not expected
        or all(name in found and _COLUMN_TYPES.get(type_) == found[name] for name, type_ in expected.items())
    )


def _structured_dataset(downstream: LiteralType, upstream: LiteralType) -> bool:
    if is_none(upstream):
        return True
    kind = upstream.WhichOneof("type")
    wanted = downstream.structured_dataset_type
    if kind == "schema":
        columns = {column.name: column.type for column in upstream.schema.columns}
        return _parquet(wanted.format) and (
            not columns
            or not wanted.columns
            or all(
                column.name in columns and _COLUMN_TYPES.get(columns[column.name]) == column.literal_type.simple
                for column in wanted.columns
            )
        )
    if kind != "structured_dataset_type":
        return False
    given = upstream.structured_dataset_type
    if given.format and wanted.format and given.format.lower() != wanted.format.lower():
        return False
    types = {column.name: column.literal_type for column in given.columns}
    return (
        not types
        or not wanted.columns
        or all(column.name in types and _casts(column.literal_type, types[column.name]) for column in wanted.columns)
    )


def _parquet(format_: str) -> bool:
    return not format_ or format_.lower() == "parquet"


_CHECKS = {
    "collection_type": _collection,
    "map_value_type": _map,
    "blob": _blob,
    "schema": _schema,
    "union_type": _union,
    "structured_dataset_type": _structured_dataset,
}
