"""Launch forms: what the console draws, and what it sends back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import grpc
import msgpack
import pytest
from flyteidl2.core import interface_pb2, literals_pb2, types_pb2
from flyteidl2.task import common_pb2
from flyteidl2.workflow import translator_service_pb2 as pb
from google.protobuf.json_format import MessageToDict, ParseDict
from google.protobuf.struct_pb2 import Struct

from .client import action_id, refused, sleep_inputs, sleep_spec

if TYPE_CHECKING:
    from .client import Client

_T = types_pb2
INVALID = grpc.StatusCode.INVALID_ARGUMENT


def simple(kind: int) -> _T.LiteralType:
    """A simple type."""
    return _T.LiteralType(simple=kind)


def struct(value: dict[str, Any]) -> Struct:
    """JSON as a message."""
    return ParseDict(value, Struct())


OPTIONAL = _T.LiteralType(
    union_type=_T.UnionType(
        variants=[
            _T.LiteralType(simple=_T.INTEGER, structure=_T.TypeStructure(tag="int")),
            _T.LiteralType(simple=_T.NONE, structure=_T.TypeStructure(tag="none")),
        ]
    )
)
POINT = _T.LiteralType(
    simple=_T.STRUCT,
    metadata=struct({"type": "object", "title": "Point", "properties": {"x": {"type": "integer"}}}),
)
FILE = {"uri": "s3://b/k", "format": "csv", "dimensionality": "SINGLE"}

CASES = [
    pytest.param(simple(_T.STRING), "text", id="string"),
    pytest.param(simple(_T.INTEGER), 7, id="integer"),
    pytest.param(simple(_T.FLOAT), 2.5, id="float"),
    pytest.param(simple(_T.BOOLEAN), False, id="boolean"),
    pytest.param(simple(_T.DATETIME), "2024-05-06T07:08:09Z", id="datetime"),
    pytest.param(simple(_T.DURATION), "1h30m0.25s", id="duration"),
    pytest.param(_T.LiteralType(collection_type=simple(_T.INTEGER)), [1, 2], id="list"),
    pytest.param(_T.LiteralType(collection_type=simple(_T.INTEGER)), [], id="empty list"),
    pytest.param(_T.LiteralType(map_value_type=simple(_T.STRING)), {"a": "b"}, id="map"),
    pytest.param(_T.LiteralType(enum_type=_T.EnumType(values=["red", "blue"])), "blue", id="enum"),
    pytest.param(OPTIONAL, 3, id="optional with a value"),
    pytest.param(OPTIONAL, {"type": "null"}, id="optional without"),
    pytest.param(POINT, {"x": 1}, id="dataclass"),
    pytest.param(_T.LiteralType(blob=_T.BlobType(format="csv")), FILE, id="file"),
    pytest.param(
        _T.LiteralType(structured_dataset_type=_T.StructuredDatasetType()),
        {"uri": "s3://b/d", "format": "parquet"},
        id="frame",
    ),
]


def variables(kind: _T.LiteralType) -> interface_pb2.VariableMap:
    """One variable `v` of a type."""
    return interface_pb2.VariableMap(
        variables=[interface_pb2.VariableEntry(key="v", value=interface_pb2.Variable(type=kind, description="about v"))]
    )


@pytest.mark.parametrize(("kind", "value"), CASES)
def test_values_survive_the_way_through_a_form(client: Client, kind: _T.LiteralType, value: Any) -> None:
    """JSON value → literal → form → literal: the literal is the same, and the form shows the value."""
    request = pb.JsonValuesToLiteralsRequest(variables=variables(kind), values=struct({"v": value}))
    (literal,) = client.translator.JsonValuesToLiterals(request).literals
    filled = client.translator.LiteralsToLaunchFormJson(
        pb.LiteralsToLaunchFormJsonRequest(literals=[literal], variables=variables(kind))
    ).json
    field = MessageToDict(filled)["properties"]["v"]
    assert field["description"] == "about v"
    if field.get("format") == "blob":
        assert {name: one["default"] for name, one in field["properties"].items()} == value
    else:
        assert field["default"] == value
    (back,) = client.translator.LaunchFormJsonToLiterals(pb.LaunchFormJsonToLiteralsRequest(json=filled)).literals
    assert back.value.scalar.union.value == literal.value.scalar.union.value
    if not back.value.scalar.HasField("union"):
        assert back == literal


def test_a_task_has_a_form_with_its_defaults(client: Client) -> None:
    """Each input is a field, optional ones are not required, and defaults are there."""
    spec = sleep_spec()
    spec.task_template.interface.inputs.variables.add(key="n").value.type.CopyFrom(OPTIONAL)
    default = spec.default_inputs.add(name="duration").parameter
    default.default.CopyFrom(sleep_inputs(90).literals[0].value)
    form = MessageToDict(
        client.translator.TaskSpecToLaunchFormJson(pb.TaskSpecToLaunchFormJsonRequest(task_spec=spec)).json
    )
    assert form["required"] == ["duration"]
    assert form["properties"]["duration"] == {"type": "string", "format": "duration", "default": "1m30s"}
    assert [one["title"] for one in form["properties"]["n"]["oneOf"]] == ["integer", "none"]


def test_a_dataclass_as_the_sdk_writes_it_is_shown(client: Client) -> None:
    """A msgpack literal is shown as the JSON it is; one that is no JSON as Base64."""
    literal = literals_pb2.Literal()
    literal.scalar.binary.tag, literal.scalar.binary.value = "msgpack", msgpack.packb({"x": 1})
    request = pb.LiteralsToLaunchFormJsonRequest(
        literals=[common_pb2.NamedLiteral(name="v", value=literal)], variables=variables(POINT)
    )
    field = MessageToDict(client.translator.LiteralsToLaunchFormJson(request).json)["properties"]["v"]
    assert field["default"] == {"x": 1}
    assert field["dataclass"] == "Point"


def test_an_actions_own_inputs_are_read(client: Client) -> None:
    """The URI must be the action's: nobody reads other objects through this."""
    run = client.sleeping(0.01)
    kind = variables(simple(_T.DURATION))
    kind.variables[0].key = "duration"
    uri = f"s3://flyte/runs/flytesnacks/development/{run}/inputs/inputs.pb"
    request = pb.LiteralsToLaunchFormJsonRequest(variables=kind, literals_uri=uri, action_id=action_id(run))
    form = MessageToDict(client.translator.LiteralsToLaunchFormJson(request).json)
    assert form["properties"]["duration"]["default"] == "10ms"
    request.literals_uri = "s3://flyte/other/inputs.pb"
    with refused(INVALID, "neither the inputs nor the outputs"):
        client.translator.LiteralsToLaunchFormJson(request)


@pytest.mark.parametrize(
    ("kind", "value", "text"),
    [
        (simple(_T.INTEGER), "1", "v must be a number"),
        (simple(_T.INTEGER), 1.5, "whole number"),
        (simple(_T.BOOLEAN), 1, "true or false"),
        (simple(_T.DURATION), "soon", "duration like"),
        (simple(_T.DATETIME), "soon", "RFC 3339"),
        (simple(_T.STRING), None, "cannot be empty"),
        (_T.LiteralType(enum_type=_T.EnumType(values=["red"])), "blue", "one of red"),
        (_T.LiteralType(collection_type=simple(_T.INTEGER)), [1, "x"], "v[1]"),
        (OPTIONAL, "x", "fits no variant"),
    ],
)
def test_values_of_another_type_are_refused(client: Client, kind: _T.LiteralType, value: Any, text: str) -> None:
    """What does not fit is told by the field's name."""
    request = pb.JsonValuesToLiteralsRequest(variables=variables(kind), values=struct({"v": value}))
    with refused(INVALID, text):
        client.translator.JsonValuesToLiterals(request)


def test_missing_values_are_told(client: Client) -> None:
    """A variable without a value is told by name, unless it is optional."""
    with refused(INVALID, "no value for v"):
        client.translator.JsonValuesToLiterals(pb.JsonValuesToLiteralsRequest(variables=variables(simple(_T.STRING))))
    request = pb.JsonValuesToLiteralsRequest(variables=variables(OPTIONAL))
    (literal,) = client.translator.JsonValuesToLiterals(request).literals
    assert literal.value.scalar.union.type.structure.tag == "none"
