"""Literals of Flyte 1 in the plain form that `compare` takes. Pure: what lies in a store becomes a reference.

| literal | plain form |
|---|---|
| primitives, none, union | their value, whatever the type's tag says |
| binary with tag `msgpack`, Struct | the value that is in it; other binaries by their bytes |
| blob, schema, structured dataset, offloaded literal | a reference: what it is and where; `contents` reads it |
| error | a reference to nothing: its node and message |

A Struct knows no integers and no order, msgpack keeps both: 1 equals 1.0, and dictionaries have no order here.
"""

from __future__ import annotations

from datetime import timezone
from typing import TYPE_CHECKING, Any

from flyteidl.core import types_pb2

from . import canonical

if TYPE_CHECKING:
    from flyteidl.core import literals_pb2
    from google.protobuf import struct_pb2

Plain = Any

PICKLE = "PythonPickle"
"""The format of a blob that flytekit's pickle transformer wrote."""


def plain_map(literals: literals_pb2.LiteralMap) -> dict[str, Plain]:
    """Each literal's plain form by name."""
    return {name: plain(literals.literals[name]) for name in sorted(literals.literals)}


def plain(literal: literals_pb2.Literal) -> Plain:
    """A literal's plain form."""
    match literal.WhichOneof("value"):
        case "collection":
            return [plain(item) for item in literal.collection.literals]
        case "map":
            return _dict([[key, plain(item)] for key, item in literal.map.literals.items()])
        case "scalar":
            return _scalar(literal.scalar)
        case "offloaded_metadata":
            return reference("literal", literal.offloaded_metadata.uri)
    return None


def reference(form: str, uri: str, file_format: str = "") -> Plain:
    """What lies in a store: `form` is `file`, `directory`, `frame`, `pickle`, `literal`, or `uri` when nobody knows."""
    return {"kind": "reference", "form": form, "uri": uri, "format": file_format}


def _scalar(scalar: literals_pb2.Scalar) -> Plain:
    match scalar.WhichOneof("value"):
        case "primitive":
            return _primitive(scalar.primitive)
        case "union":
            return plain(scalar.union.value)
        case "binary":
            return _binary(scalar.binary)
        case "generic":
            return texts_as_references(canonical.Canonical().of(_struct(scalar.generic)))
        case "blob":
            kind = scalar.blob.metadata.type
            if kind.dimensionality == types_pb2.BlobType.MULTIPART:
                return reference("directory", scalar.blob.uri, kind.format)
            return reference("pickle" if kind.format == PICKLE else "file", scalar.blob.uri, kind.format)
        case "structured_dataset":
            dataset = scalar.structured_dataset
            return reference("frame", dataset.uri, dataset.metadata.structured_dataset_type.format)
        case "schema":
            return reference("frame", scalar.schema.uri)
        case "error":
            return {"kind": "error", "value": f"{scalar.error.failed_node_id}: {scalar.error.message}"}
    return None


def _primitive(primitive: literals_pb2.Primitive) -> Plain:
    match primitive.WhichOneof("value"):
        case "datetime":
            return canonical.Canonical().of(primitive.datetime.ToDatetime(tzinfo=timezone.utc))
        case "duration":
            return canonical.Canonical().of(primitive.duration.ToTimedelta())
        case "string_value":
            return texts_as_references(primitive.string_value)
        case None:
            return None
        case name:
            return canonical.Canonical().of(getattr(primitive, name))


def _binary(binary: literals_pb2.Binary) -> Plain:
    if binary.tag != "msgpack":
        return canonical.Canonical().of(binary.value) | {"tag": binary.tag}
    import msgpack

    try:
        value = msgpack.unpackb(binary.value, strict_map_key=False)
    except (ValueError, msgpack.UnpackException):
        return canonical.Canonical().of(binary.value) | {"tag": binary.tag}
    return texts_as_references(canonical.Canonical().of(value))


def _struct(struct: struct_pb2.Struct) -> dict[str, Any]:
    """A Struct's values; protobuf's own JSON refuses nan."""
    return {name: _of_value(value) for name, value in struct.fields.items()}


def _of_value(value: struct_pb2.Value) -> Any:
    match value.WhichOneof("kind"):
        case "struct_value":
            return _struct(value.struct_value)
        case "list_value":
            return [_of_value(item) for item in value.list_value.values]
        case "null_value" | None:
            return None
        case name:
            return getattr(value, name)


STORES = ("s3://", "s3a://", "gs://", "gcs://", "abfs://", "abfss://", "az://")
"""How URIs of objects begin: a text that begins so may be the file of a dataclass's field."""


def texts_as_references(value: Plain) -> Plain:
    """The same with texts that name objects as references."""
    if isinstance(value, str):
        return reference("uri", value) if value.startswith(STORES) else value
    if isinstance(value, list):
        return [texts_as_references(item) for item in value]
    if isinstance(value, dict) and value.get("kind") == "dict":
        return _dict([[key, texts_as_references(item)] for key, item in value["items"]])
    return value


def _dict(items: list[list[Plain]]) -> Plain:
    return {"kind": "dict", "items": sorted(items, key=lambda pair: str(pair[0]))}
