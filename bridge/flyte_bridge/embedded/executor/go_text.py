"""Primitives as Go writes and reads them, which is how container tasks see theirs.

Sources: `strconv`, `time` and `flyteidl/clients/go/coreutils/literals.go` (`MakeLiteralForSimpleType`), v1.16.8.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

from flyteidl2.core import literals_pb2, types_pb2
from google.protobuf import json_format
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from flyte_bridge_translators.wire import go_duration

_UNITS = {"h": 3600 * 10**9, "m": 60 * 10**9, "s": 10**9, "ms": 10**6, "us": 10**3, "µs": 10**3, "μs": 10**3, "ns": 1}
"""Go's units of a duration, in nanoseconds; both micro signs."""

_PART = re.compile(r"(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)")
_INTEGER = re.compile(r"[+-]?\d+")
_RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
_TRUE, _FALSE = {"1", "t", "T", "TRUE", "true", "True"}, {"0", "f", "F", "FALSE", "false", "False"}


def primitive(value: literals_pb2.Primitive) -> tuple[str, Any]:
    """A primitive's text, and what stands for it in JSON."""
    kind = value.WhichOneof("value")
    if kind == "boolean":
        return ("true" if value.boolean else "false"), value.boolean
    if kind == "integer":
        return str(value.integer), value.integer
    if kind == "float_value":
        return number(value.float_value), value.float_value
    if kind == "datetime":
        text = moment(value.datetime)
        return text, text
    if kind == "duration":
        return duration(value.duration), None  # the sidecar loses it on its way to inputs.json
    if kind == "string_value":
        return value.string_value, value.string_value
    return "null", None


def number(value: float) -> str:
    """`strconv.FormatFloat(v, 'f', -1, 64)`: the shortest decimal, never with an exponent."""
    if value != value or value in {float("inf"), float("-inf")}:  # noqa: PLR0124 - NaN
        return "NaN" if value != value else "+Inf" if value > 0 else "-Inf"  # noqa: PLR0124
    text = format(Decimal(repr(value)), "f")
    return text.removesuffix(".0")


def moment(value: Timestamp) -> str:
    """RFC 3339 in UTC, with no more digits than needed."""
    text: str = value.ToJsonString()
    if "." not in text:
        return text
    return text.removesuffix("Z").rstrip("0").removesuffix(".") + "Z"


def duration(value: Duration) -> str:
    """`time.Duration.String`: `1h30m0.5s`, `1.5ms`, `0s`."""
    return go_duration.text(value.ToNanoseconds())


def literal(kind: int, data: bytes) -> literals_pb2.Literal:
    """A literal of a simple type from a file's content.

    Args:
        kind: A `SimpleType`.
        data: The content; white space around it does not count.

    Raises:
        ValueError: It is none of that type; the message says what would be.
    """
    made = literals_pb2.Literal()
    scalar = made.scalar
    data = data.strip(b" \n\t")
    if kind == types_pb2.BINARY:
        scalar.binary.value, scalar.binary.tag = data, "msgpack"
        return made
    if kind == types_pb2.NONE:
        scalar.none_type.SetInParent()
        return made
    text = data.decode()
    if kind == types_pb2.STRUCT:
        try:
            json_format.Parse(text, scalar.generic, ignore_unknown_fields=True)
        except json_format.ParseError as error:
            raise ValueError(f"it is no JSON object: {error}") from None
    elif kind == types_pb2.ERROR:
        scalar.error.message = text
    else:
        _fill(scalar.primitive, kind, text)
    return made


def _fill(value: literals_pb2.Primitive, kind: int, text: str) -> None:
    if kind == types_pb2.STRING:
        value.string_value = text
    elif kind == types_pb2.INTEGER:
        if not _INTEGER.fullmatch(text) or not -(2**63) <= int(text) < 2**63:
            raise ValueError(f"{text!r} is no integer")
        value.integer = int(text)
    elif kind == types_pb2.FLOAT:
        try:
            value.float_value = float(text)
        except ValueError:
            raise ValueError(f"{text!r} is no number") from None
    elif kind == types_pb2.BOOLEAN:
        if text not in _TRUE | _FALSE:
            raise ValueError(f"{text!r} is neither true nor false")
        value.boolean = text in _TRUE
    elif kind == types_pb2.DATETIME:
        if not _RFC3339.fullmatch(text):
            raise ValueError(f"{text!r} is no time as RFC 3339 writes it, such as 2026-01-02T03:04:05Z")
        value.datetime.FromJsonString(text)
    elif kind == types_pb2.DURATION:
        value.duration.FromNanoseconds(_nanoseconds(text))
    else:
        raise ValueError(f"a container task cannot give a {types_pb2.SimpleType.Name(kind)}")


def _nanoseconds(text: str) -> int:
    """`time.ParseDuration`."""
    body = text[1:] if text[:1] in {"+", "-"} else text
    if body != "0" and not re.fullmatch(rf"(?:{_PART.pattern})+", body):
        raise ValueError(f"{text!r} is no duration as Go writes it, such as 300ms, -1.5h or 2h45m")
    total = sum(int(Decimal(amount) * _UNITS[unit]) for amount, unit in _PART.findall(body))
    return -total if text.startswith("-") else total
