"""Signals: what a gate of Flyte 1 waits for, as a condition of Flyte 2, and what it is answered.

A condition takes booleans, whole numbers, numbers and text. A signal may be any literal: one of another type is declared
as text, and travels as its JSON (`protobuf`'s own form), from which the literal is restored exactly.

Source: `actions/k8s/client.go` of Flyte 2 (which types), `flyteadmin/pkg/manager/impl/signal_manager.go`.
"""

from __future__ import annotations

from typing import Any

from flyteidl.core import literals_pb2, types_pb2
from flyteidl2.core import types_pb2 as v2_types_pb2
from flyteidl2.workflow import run_service_pb2
from google.protobuf import json_format

_FIELDS = {
    types_pb2.BOOLEAN: ("boolean", "bool_value"),
    types_pb2.INTEGER: ("integer", "int_value"),
    types_pb2.FLOAT: ("float_value", "float_value"),
    types_pb2.STRING: ("string_value", "string_value"),
}
"""Simple types that a condition takes: the field of a v1 `Primitive`, and of an `EventPayload`."""


def declared(wanted: types_pb2.LiteralType) -> v2_types_pb2.LiteralType:
    """The type of the condition that stands for a gate.

    Args:
        wanted: The signal's type.
    """
    simple = types_pb2.SimpleType.Name(wanted.simple) if _natural(wanted) else "STRING"
    return v2_types_pb2.LiteralType(simple=simple)


def payload(value: literals_pb2.Literal, wanted: types_pb2.LiteralType) -> run_service_pb2.EventPayload:
    """A signal's value as a condition is told it.

    Args:
        value: Whatever the caller of `SetSignal` gave; it fits the type.
        wanted: The signal's type.
    """
    if not _natural(wanted):
        return run_service_pb2.EventPayload(string_value=json_format.MessageToJson(value, indent=None))
    field, target = _FIELDS[wanted.simple]
    given = getattr(value.scalar.primitive, value.scalar.primitive.WhichOneof("value") or field)
    if target == "float_value":  # an integer may be given where a number is wanted
        given = float(given)
    return run_service_pb2.EventPayload(**{target: given})


def received(given: Any, wanted: types_pb2.LiteralType) -> literals_pb2.Literal:
    """What a condition was answered, as the literal that the gate puts out.

    Args:
        given: The literal of Flyte 2.
        wanted: The signal's type.

    Raises:
        ValueError: It is no text of a literal though it should be (somebody answered with Flyte 2's own tools).
    """
    if _natural(wanted):
        return literals_pb2.Literal.FromString(given.SerializeToString())
    text = given.scalar.primitive.string_value
    try:
        return json_format.Parse(text, literals_pb2.Literal())
    except json_format.ParseError as error:
        kind = wanted.WhichOneof("type") or "unknown"
        raise ValueError(
            f"its type is {kind!r}, which Flyte 2 asks for as the JSON of a Literal, and {text[:80]!r} is none: {error}"
        ) from error


def _natural(wanted: types_pb2.LiteralType) -> bool:
    """Whether a condition can be declared with the type itself."""
    return wanted.WhichOneof("type") == "simple" and wanted.simple in _FIELDS
