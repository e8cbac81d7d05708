"""Signals of any type through conditions that know four."""

from __future__ import annotations

import datetime

import pytest

pytest.importorskip("flytekit", reason="flytekit stops at Python 3.12")

from flyteidl.core import literals_pb2, types_pb2
from flyteidl2.core import literals_pb2 as v2_literals_pb2
from flytekit.core.context_manager import FlyteContextManager
from flytekit.core.type_engine import TypeEngine

from flyte_bridge_translators.flyte1 import read
from flyte_bridge_translators.wire import signal

_VALUES = [
    True,
    3,
    2.5,
    "text",
    datetime.timedelta(minutes=2),
    datetime.datetime(2030, 1, 2, 3, 4, 5, 678901),
    [1, 2],
    {"a": [1.5]},
]


@pytest.mark.parametrize("value", _VALUES, ids=str)
def test_what_is_sent_is_received(value: object) -> None:
    """As flytekit makes it of a Python value, through the payload, to the literal that the gate puts out."""
    kind = list[int] if isinstance(value, list) else dict[str, list[float]] if isinstance(value, dict) else type(value)
    wanted = TypeEngine.to_literal_type(kind).to_flyte_idl()
    literal = TypeEngine.to_literal(
        FlyteContextManager.current_context(), value, kind, TypeEngine.to_literal_type(kind)
    ).to_flyte_idl()
    sent = signal.payload(literal, wanted)
    which = sent.WhichOneof("value")
    assert which is not None
    # as the embedded backend, and the real one, store it
    stored = v2_literals_pb2.Literal()
    names = {"bool_value": "boolean", "int_value": "integer"}
    setattr(stored.scalar.primitive, names.get(which, which), getattr(sent, which))
    received = signal.received(stored, wanted)
    assert received.WhichOneof("value") == literal.WhichOneof("value")
    for message in (literal, received):
        message.ClearField("metadata")
        message.ClearField("hash")
    assert received == literal


def test_a_condition_is_declared_with_one_of_its_four_types() -> None:
    """Its own where it is one of them, text else."""
    assert signal.declared(read.APPROVAL).simple == types_pb2.BOOLEAN
    assert signal.declared(types_pb2.LiteralType(simple=types_pb2.DATETIME)).simple == types_pb2.STRING
    assert signal.declared(types_pb2.LiteralType(collection_type=read.APPROVAL)).simple == types_pb2.STRING


def test_an_answer_that_is_no_literal_is_refused() -> None:
    """Somebody signalled with Flyte 2's own tools, and typed something else."""
    given = v2_literals_pb2.Literal()
    given.scalar.primitive.string_value = "tomorrow"
    with pytest.raises(ValueError, match="JSON of a Literal"):
        signal.received(given, types_pb2.LiteralType(simple=types_pb2.DATETIME))


def test_a_whole_number_serves_as_a_number() -> None:
    """flytekit sends an integer literal when a float was asked for and an int given."""
    literal = literals_pb2.Literal()
    literal.scalar.primitive.integer = 3
    assert signal.payload(literal, types_pb2.LiteralType(simple=types_pb2.FLOAT)).float_value == 3.0
