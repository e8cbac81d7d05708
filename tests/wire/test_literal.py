"""What type a literal shows: flyteadmin's rules, on literals as flytekit makes them."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import Any

import pytest
from flyteidl.core import literals_pb2, types_pb2
from flyteidl2.core import literals_pb2 as v2_literals_pb2
from flyteidl2.task import common_pb2

from flyte_bridge_translators.wire import literal
from flyte_bridge_translators.wire.compiler.problems import text

pytest.importorskip("flytekit", reason="flytekit stops at Python 3.12")

from flytekit import FlyteContextManager
from flytekit.core.type_engine import TypeEngine


@dataclass
class Row:
    a: int


def _literal(value: Any, hint: Any) -> literals_pb2.Literal:
    context = FlyteContextManager.current_context()
    return TypeEngine.to_literal(context, value, hint, TypeEngine.to_literal_type(hint)).to_flyte_idl()


def _list(*literals: literals_pb2.Literal) -> literals_pb2.Literal:
    return literals_pb2.Literal(collection=literals_pb2.LiteralCollection(literals=literals))


def _map(**literals: literals_pb2.Literal) -> literals_pb2.Literal:
    return literals_pb2.Literal(map=literals_pb2.LiteralMap(literals=literals))


ONE, WORD = _literal(1, int), _literal("x", str)


@pytest.mark.parametrize(
    ("value", "shows"),
    [
        (ONE, "simple:INTEGER"),
        (_literal(Row(1), Row), "simple:STRUCT"),
        (_literal([1, 2], list[int]), "collection_type:{simple:INTEGER}"),
        (_literal({"a": 1.5}, dict[str, float]), "map_value_type:{simple:FLOAT}"),
        (_list(), "collection_type:{simple:NONE}"),
        (_map(), "map_value_type:{simple:NONE}"),
        (_list(_list(), _list()), "collection_type:{collection_type:{simple:NONE}}"),
        (_list(_list(), _list(ONE)), "collection_type:{collection_type:{simple:INTEGER}}"),
        (_list(WORD, ONE), "collection_type:{union_type:{variants:{simple:INTEGER} variants:{simple:STRING}}}"),
        (
            _list(_list(ONE, WORD), _list(ONE)),
            "collection_type:{collection_type:{union_type:{variants:{collection_type:{simple:INTEGER}} "
            "variants:{simple:INTEGER} variants:{simple:STRING}}}}",
        ),
    ],
)
def test_types(value: literals_pb2.Literal, shows: str) -> None:
    """Elements of several types have a union of them, sorted; an empty list among full ones does not count."""
    type_ = literal.type_of(value)
    assert type_ is not None
    assert text(type_) == shows


@pytest.mark.parametrize(
    "value", [literals_pb2.Literal(), _list(literals_pb2.Literal()), _map(a=literals_pb2.Literal())]
)
def test_what_has_no_value_has_no_type(value: literals_pb2.Literal) -> None:
    """Nor has what holds it."""
    assert literal.type_of(value) is None
    assert not literal.fits(value, types_pb2.LiteralType(simple=types_pb2.NONE))


def test_an_offloaded_literal_says_its_type() -> None:
    """It is not read for that."""
    value = literals_pb2.Literal()
    value.offloaded_metadata.uri = "s3://bucket/value"
    value.offloaded_metadata.inferred_type.collection_type.simple = types_pb2.INTEGER
    assert literal.fits(value, TypeEngine.to_literal_type(list[int]).to_flyte_idl())
    assert not literal.fits(value, TypeEngine.to_literal_type(int).to_flyte_idl())


@pytest.mark.parametrize(
    ("value", "hint", "expected", "yes"),
    [
        (1, int, int, True),
        (1, int, float, False),
        (1, int, int | None, True),
        (None, int | None, int | None, True),
        ([], list[int], list[str], True),
        ([1], list[int], list[str], False),
        ([1, None], list[int | None], list[int | None], True),
        (Row(1), Row, Row, True),
        (Row(1), Row, dict, True),
        (datetime.timedelta(1), datetime.timedelta, datetime.datetime, False),
    ],
)
def test_what_fits(value: Any, hint: Any, expected: Any, yes: bool) -> None:
    """A value given where a type is expected."""
    assert literal.fits(_literal(value, hint), TypeEngine.to_literal_type(expected).to_flyte_idl()) is yes


def test_named_literals_are_sorted_and_keep_only_values() -> None:
    """Flyte 1 has no place for the context of inputs."""
    inputs = literal.to_inputs(literals_pb2.LiteralMap(literals={"b": WORD, "a": ONE}))
    assert [one.name for one in inputs.literals] == ["a", "b"]
    assert isinstance(inputs, common_pb2.Inputs)
    inputs.context.append(v2_literals_pb2.KeyValuePair(key="k", value="v"))
    assert literal.from_named(inputs) == literals_pb2.LiteralMap(literals={"a": ONE, "b": WORD})
