"""Values, times and phases as a person reads them."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from flyteidl2.core import types_pb2
from google.protobuf import json_format

from flyte_bridge.backend.moments import to_datetime

if TYPE_CHECKING:
    from flyteidl2.core import literals_pb2

    from flyte_bridge.backend.moments import Micros
    from flyte_bridge.backend.phases import Phase

MAX_TEXT = 20_000
"""Characters of one value that a page shows."""

_SIMPLE = {
    types_pb2.INTEGER: "int",
    types_pb2.FLOAT: "float",
    types_pb2.STRING: "str",
    types_pb2.BOOLEAN: "bool",
    types_pb2.DATETIME: "datetime",
    types_pb2.DURATION: "timedelta",
    types_pb2.STRUCT: "struct",
    types_pb2.NONE: "None",
}

_ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)")


def phase(value: Phase) -> str:
    """`WAITING_FOR_RESOURCES` → `waiting for resources`."""
    return value.name.lower().replace("_", " ")


def at(moment: Micros | None) -> str:
    """A time in UTC, to the second; empty for none."""
    return "" if moment is None else f"{to_datetime(moment):%Y-%m-%d %H:%M:%S}"


def duration(micros: Micros | None) -> str:
    """`950 ms`, `12.3 s`, `3 m 20 s`, `2 h 5 m`; empty for none."""
    if micros is None:
        return ""
    seconds = max(0, micros) / 1_000_000
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(int(seconds), 60)
    if minutes < 60:
        return f"{minutes} m {rest} s"
    return f"{minutes // 60} h {minutes % 60} m"


def without_colours(log: str) -> str:
    """A log without its terminal escapes."""
    return _ANSI.sub("", log)


def literal(value: literals_pb2.Literal) -> str:
    """A literal: text as it is, everything else as JSON; cut when it is long."""
    found = plain(value)
    said = found if isinstance(found, str) else json.dumps(found, indent=2, ensure_ascii=False, default=str)
    return said if len(said) <= MAX_TEXT else f"{said[:MAX_TEXT]}… ({len(said)} characters)"


def plain(value: literals_pb2.Literal) -> Any:
    """A literal as plain Python, as far as it can be told without the task's own types."""
    kind = value.WhichOneof("value")
    if kind == "scalar":
        return _scalar(value.scalar)
    if kind == "collection":
        return [plain(item) for item in value.collection.literals]
    if kind == "map":
        return {key: plain(item) for key, item in sorted(value.map.literals.items())}
    if kind == "offloaded_metadata":
        return value.offloaded_metadata.uri
    return None


def _scalar(value: literals_pb2.Scalar) -> Any:
    kind = value.WhichOneof("value")
    if kind == "primitive":
        return _primitive(value.primitive)
    if kind in {"blob", "structured_dataset"}:
        return getattr(value, kind).uri
    if kind == "binary":
        return _binary(value.binary)
    if kind == "union":
        return plain(value.union.value)
    if kind in {None, "none_type"}:
        return None
    return json_format.MessageToDict(getattr(value, kind))


def _primitive(value: literals_pb2.Primitive) -> Any:
    kind = value.WhichOneof("value")
    if kind == "datetime":
        return at(value.datetime.seconds * 1_000_000 + value.datetime.nanos // 1000) + " UTC"
    if kind == "duration":
        return str(timedelta(seconds=value.duration.seconds, microseconds=value.duration.nanos // 1000))
    return None if kind is None else getattr(value, kind)


def _binary(value: literals_pb2.Binary) -> Any:
    if value.tag == "msgpack":
        import msgpack

        try:
            return msgpack.unpackb(value.value, strict_map_key=False)
        except ValueError:
            pass  # not what its tag says: shown like any other bytes
    return f"{len(value.value)} bytes{f' of {value.tag}' if value.tag else ''}"


def type_name(kind: types_pb2.LiteralType) -> str:
    """A type as Python would say it."""
    which = kind.WhichOneof("type")
    if which == "simple":
        return _SIMPLE.get(kind.simple, str(types_pb2.SimpleType.Name(kind.simple)).lower())
    if which == "collection_type":
        return f"list[{type_name(kind.collection_type)}]"
    if which == "map_value_type":
        return f"dict[str, {type_name(kind.map_value_type)}]"
    if which == "union_type":
        return " | ".join(type_name(variant) for variant in kind.union_type.variants)
    if which == "enum_type":
        return " | ".join(json.dumps(value, ensure_ascii=False) for value in kind.enum_type.values)
    if which == "blob":
        many = kind.blob.dimensionality == types_pb2.BlobType.MULTIPART
        return f"{'directory' if many else 'file'}{f' ({kind.blob.format})' if kind.blob.format else ''}"
    return {"structured_dataset_type": "frame", "schema": "frame"}.get(which or "", which or "anything")
