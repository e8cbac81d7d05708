"""Which types can be given where which are expected: flyteadmin's rules, on types as flytekit makes them."""

from __future__ import annotations

import datetime
import enum
import typing
from dataclasses import dataclass

import pytest
from flyteidl.core import literals_pb2, types_pb2
from google.protobuf.struct_pb2 import Struct

from flyte_bridge_translators.wire import castable, json_schema

pytest.importorskip("flytekit", reason="flytekit stops at Python 3.12")

import pandas as pd
from flytekit import kwtypes
from flytekit.core.type_engine import TypeEngine
from flytekit.types.directory import FlyteDirectory
from flytekit.types.file import FlyteFile
from flytekit.types.schema import FlyteSchema
from flytekit.types.structured import StructuredDataset
from pydantic import BaseModel


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Size(enum.Enum):
    SMALL = "small"


@dataclass
class Parent:
    a: int


@dataclass
class Child(Parent):
    b: str | None = None


@dataclass
class Other:
    a: str


@dataclass
class Holder:
    inner: Parent
    many: list[Parent]


@dataclass
class ChildHolder:
    inner: Child
    many: list[Child]


@dataclass
class OtherHolder:
    inner: Parent
    many: list[Other]


class Model(BaseModel):
    a: int
    inner: Model | None = None


class BigModel(Model):
    b: str = ""


def _type(hint: object) -> types_pb2.LiteralType:
    return TypeEngine.to_literal_type(hint).to_flyte_idl()  # type: ignore[arg-type]


Frame = typing.Annotated[StructuredDataset, kwtypes(a=int, b=str)]
Narrow = typing.Annotated[StructuredDataset, kwtypes(a=int)]
Wrong = typing.Annotated[StructuredDataset, kwtypes(a=str)]


@pytest.mark.parametrize(
    ("upstream", "downstream", "yes"),
    [
        (int, int, True),
        (int, float, False),
        (float, int, False),
        (datetime.datetime, datetime.timedelta, False),
        (Colour, str, True),
        (str, Colour, True),
        (Colour, Colour, True),
        (Colour, Size, False),
        (list[int], list[int], True),
        (list[int], list[str], False),
        (list[int], int, False),
        (list[list[int]], list[int], False),
        (dict[str, int], dict[str, int], True),
        (dict[str, int], dict[str, str], False),
        (dict[str, int], list[int], False),
        (list[int], dict[str, int], False),
        (int, int | None, True),
        (type(None), int | None, True),
        (int | None, int, False),
        (int | None, int | None, True),
        (int | None, int | str | None, True),
        (int | str | None, int | None, False),
        (bool, int | str, False),
        (list[int], int | list[int], True),
        (FlyteFile, FlyteFile, True),
        (FlyteFile["csv"], FlyteFile, True),
        (FlyteFile, FlyteFile["csv"], True),
        (FlyteFile["csv"], FlyteFile["txt"], False),
        (FlyteFile, str, False),
        (FlyteFile, FlyteDirectory, True),
        (pd.DataFrame, StructuredDataset, True),
        (Frame, Narrow, True),
        (Narrow, Frame, False),
        (Frame, Wrong, False),
        (Frame, StructuredDataset, True),
        (type(None), StructuredDataset, True),
        (int, StructuredDataset, False),
        (FlyteSchema, StructuredDataset, True),
        (StructuredDataset, FlyteSchema, True),
        (FlyteSchema[kwtypes(a=int)], Narrow, True),
        (FlyteSchema[kwtypes(a=int)], Wrong, False),
        (FlyteSchema[kwtypes(a=int)], Frame, False),
        (Narrow, FlyteSchema[kwtypes(a=int)], True),
        (Narrow, FlyteSchema[kwtypes(a=str)], False),
        (Narrow, FlyteSchema[kwtypes(a=int, b=int)], False),
        (FlyteSchema[kwtypes(a=int, b=str)], FlyteSchema[kwtypes(a=int)], True),
        (FlyteSchema[kwtypes(a=int)], FlyteSchema[kwtypes(a=int, b=str)], False),
        (FlyteSchema[kwtypes(a=int)], FlyteSchema[kwtypes(a=float)], False),
        (int, FlyteSchema, False),
        (dict, dict, True),
        (dict, Parent, True),
        (Parent, Parent, True),
        (Child, Parent, True),
        (Parent, Child, False),
        (Parent, Other, False),
        (Holder, Holder, True),
        (ChildHolder, Holder, True),
        (OtherHolder, Holder, False),
        (Model, Model, True),
        (BigModel, Model, True),
        (Model, Parent, True),
        (Parent, Model, False),
    ],
)
def test_castable(upstream: object, downstream: object, yes: bool) -> None:
    """One pair of types."""
    assert castable.castable(_type(upstream), _type(downstream)) is yes


def test_an_empty_list_or_map_can_be_given_for_any() -> None:
    """Its elements are of type NONE."""
    none = types_pb2.LiteralType(simple=types_pb2.NONE)
    assert castable.castable(types_pb2.LiteralType(collection_type=none), _type(list[str]))
    assert castable.castable(types_pb2.LiteralType(map_value_type=none), _type(dict[str, str]))


def test_an_ambiguous_union_takes_nothing() -> None:
    """A value that two variants accept is nobody's, unless it says itself which one it is."""
    union = types_pb2.LiteralType()
    for tag in ("one", "two"):
        union.union_type.variants.add(simple=types_pb2.INTEGER).structure.tag = tag
    assert not castable.castable(types_pb2.LiteralType(simple=types_pb2.INTEGER), union)
    tagged = types_pb2.LiteralType(simple=types_pb2.INTEGER)
    tagged.structure.tag = "two"
    assert castable.castable(tagged, union)


def test_a_union_of_one_is_that_one() -> None:
    """As the scalar of a union shows itself."""
    one = types_pb2.LiteralType()
    one.union_type.variants.add(simple=types_pb2.INTEGER)
    assert castable.castable(one, _type(int))
    assert castable.castable(one, _type(int | None))


def test_what_may_stay_unbound() -> None:
    """Unions with None; and with anything whose `simple` is unset, since Flyte 1 reads that as NONE."""
    assert castable.is_optional(_type(int | None))
    assert not castable.is_optional(_type(int | str))
    assert castable.is_optional(_type(int | list[int]))
    assert not castable.is_optional(_type(int))


@pytest.mark.parametrize(
    ("value", "hint"),
    [
        (3, int),
        (0.5, float),
        ("x", str),
        (True, bool),
        (datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc), datetime.datetime),
        (datetime.timedelta(1), datetime.timedelta),
        (None, type(None)),
        (Parent(1), Parent),
        ({"a": 1}, dict),
        (3, int | None),
    ],
)
def test_scalars_show_their_type(value: object, hint: type) -> None:
    """Castable to the type they were made for."""
    from flytekit import FlyteContextManager

    context = FlyteContextManager.current_context()
    literal = TypeEngine.to_literal(context, value, hint, TypeEngine.to_literal_type(hint)).to_flyte_idl()
    type_ = castable.type_of_scalar(literal.scalar)
    assert type_ is not None
    assert castable.castable(type_, _type(hint))


def test_scalars_that_show_none() -> None:
    """One without a value and a blob without a type have none; a frame without one is castable to nothing."""
    assert castable.type_of_scalar(literals_pb2.Scalar()) is None
    assert castable.type_of_scalar(literals_pb2.Scalar(blob=literals_pb2.Blob(uri="s3://x"))) is None
    frame = literals_pb2.Scalar(structured_dataset=literals_pb2.StructuredDataset(uri="s3://x"))
    type_ = castable.type_of_scalar(frame)
    assert type_ is not None
    assert not castable.castable(type_, _type(StructuredDataset))
    schema = literals_pb2.Scalar(schema=literals_pb2.Schema(uri="s3://x"))
    assert castable.type_of_scalar(schema) == types_pb2.LiteralType(schema=types_pb2.SchemaType())


@pytest.mark.parametrize(
    ("source", "target", "yes"),
    [
        ({"enum": ["a"]}, {"enum": ["a", "b"]}, True),
        ({"enum": ["a", "c"]}, {"enum": ["a", "b"]}, False),
        ({"type": "string"}, {"enum": ["a"]}, False),
        ({"const": 1}, {"const": 1}, True),
        ({"const": 2}, {"const": 1}, False),
        ({"type": "string"}, {"anyOf": [{"type": "string"}, {"type": "null"}]}, True),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, {"type": "string"}, False),
        ({"type": "array"}, {"type": "array", "items": {"type": "string"}}, False),
        ({"$ref": "#/$defs/A", "$defs": {"A": {"type": "string"}}}, {"type": "string"}, True),
        ({"$ref": "#/$defs/A", "$defs": {"A": {"type": "integer"}}}, {"type": "string"}, False),
        ({"type": "string"}, {"$ref": "#/$defs/gone"}, True),
        ({"properties": {"a": True}}, {"properties": {"a": {"type": "string"}}}, False),
        ({"properties": {"a": {"type": "string"}}}, {"properties": {"a": True}}, True),
        ({"title": "A", "additionalProperties": True}, {"title": "B", "additionalProperties": False}, True),
    ],
)
def test_schemas(source: dict[str, object], target: dict[str, object], yes: bool) -> None:
    """What one schema describes, the other accepts or not."""
    ours, theirs = Struct(), Struct()
    ours.update(source)
    theirs.update(target)
    assert json_schema.extends(ours, theirs) is yes
