"""A node gets the literals its bindings promise, as flytepropeller resolves them."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgpack
import pytest
from flyteidl.core import interface_pb2, literals_pb2, types_pb2
from flytekit import FlyteContextManager, task, workflow
from flytekit.configuration import Image, ImageConfig, SerializationSettings
from flytekit.core.type_engine import TypeEngine
from flytekit.tools.translator import get_serializable
from google.protobuf import json_format

from flyte_bridge.driver import binding
from flyte_bridge.errors import NodeError, NoSuchObject
from flyte_bridge_translators.flyte1 import read as flyte1_read

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass
class Inner:
    count: int
    names: list[str]


@dataclass
class Outer:
    inner: Inner
    table: dict[str, float]
    ready: bool = True
    note: str | None = None


@task
def make() -> Outer:
    return Outer(Inner(3, ["a", "b"]), {"x": 0.5})


@task
def many() -> list[dict[str, int]]:
    return [{"a": 1}, {"a": 2}]


@task
def take(
    count: int,
    name: str,
    half: float,
    ready: bool,
    whole: Inner,
    names: list[str],
    second: int,
    mixed: list[int],
    keyed: dict[str, int],
) -> None: ...


@workflow
def paths(n: int) -> None:
    outer = make()
    listed = many()
    take(
        count=outer.inner.count,
        name=outer.inner.names[1],
        half=outer.table["x"],
        ready=outer.ready,
        whole=outer.inner,
        names=outer.inner.names,
        second=listed[1]["a"],
        mixed=[1, n, listed[0]["a"]],
        keyed={"n": n, "two": 2},
    )


def literal(value: Any, kind: Any) -> Any:
    context = FlyteContextManager.current_context()
    return TypeEngine.to_literal(context, value, kind, TypeEngine.to_literal_type(kind)).to_flyte_idl()


def python(value: Any, kind: Any) -> Any:
    from flytekit.models.literals import Literal

    return TypeEngine.to_python_value(FlyteContextManager.current_context(), Literal.from_flyte_idl(value), kind)


def bindings_of(function: Any, place: int) -> Any:
    image = ImageConfig(default_image=Image(name="default", fqn="none", tag="v"))
    settings = SerializationSettings(image_config=image, project="p", domain="d", version="v")
    return get_serializable({}, settings, function).to_flyte_idl().template.nodes[place].inputs


def resolve(
    bindings: Any,
    outputs: Mapping[str, Mapping[str, Any]],
    stored: Mapping[str, bytes] | None = None,
    types: Mapping[str, Any] | None = None,
) -> Any:
    async def read(uri: str) -> bytes:
        if uri not in (stored or {}):
            raise NoSuchObject(uri)
        return (stored or {})[uri]

    return asyncio.run(
        binding.resolve(flyte1_read.bindings(bindings), outputs.__getitem__, node="n9", read=read, types=types)
    ).literals


def promise(node: str, name: str, *path: str | int) -> Any:
    attributes = [literals_pb2_attribute(step) for step in path]
    reference = types_pb2.OutputReference(node_id=node, var=name, attr_path=attributes)
    return [literals_pb2.Binding(var="x", binding=literals_pb2.BindingData(promise=reference))]


def literals_pb2_attribute(step: str | int) -> Any:
    if isinstance(step, str):
        return types_pb2.PromiseAttribute(string_value=step)
    return types_pb2.PromiseAttribute(int_value=step)


OUTER = Outer(Inner(3, ["a", "b"]), {"x": 0.5})


def test_paths_as_flytekit_writes_them() -> None:
    """Attribute and index paths into dataclasses, lists and maps give the parts, ready for flytekit to read."""
    inputs = resolve(
        bindings_of(paths, 2),
        {
            "start-node": {"n": literal(7, int)},
            "n0": {"o0": literal(OUTER, Outer)},
            "n1": {"o0": literal([{"a": 1}, {"a": 2}], list[dict[str, int]])},
        },
    )
    kinds = take.python_interface.inputs
    assert {name: python(value, kinds[name]) for name, value in inputs.items()} == {
        "count": 3,
        "name": "b",
        "half": 0.5,
        "ready": True,
        "whole": Inner(3, ["a", "b"]),
        "names": ["a", "b"],
        "second": 2,
        "mixed": [1, 7, 1],
        "keyed": {"n": 7, "two": 2},
    }


def test_whole_values_stay_as_they_are() -> None:
    """A promise without a path is the other node's literal, hash, metadata and offloading included."""
    given = literals_pb2.Literal(
        offloaded_metadata=literals_pb2.LiteralOffloadedMetadata(uri="s3://b/k", size_bytes=9),
        hash="h",
        metadata={"a": "b"},
    )
    assert resolve(promise("n0", "o0"), {"n0": {"o0": given}})["x"] == given


@pytest.mark.parametrize(
    ("packed", "path", "expected"),
    [
        ({"a": None}, ["a"], msgpack.packb(None)),
        ({"a": {"b": b"\x00"}}, ["a"], msgpack.packb({"b": b"\x00"})),
        ({"a": [1, {"b": 2}]}, ["a"], [msgpack.packb(1), msgpack.packb({"b": 2})]),
        ({1: "x", "a": 2**62}, ["a"], 2**62),
    ],
)
def test_parts_of_msgpack(packed: Any, path: list[str | int], expected: Any) -> None:
    """Out of msgpack come primitives, a collection of msgpack for a list, and msgpack for all else."""
    value = literals_pb2.Literal()
    value.scalar.binary.tag, value.scalar.binary.value = "msgpack", msgpack.packb(packed)
    result = resolve(promise("n0", "o0", *path), {"n0": {"o0": value}})["x"]
    match expected:
        case bytes():
            assert (result.scalar.binary.tag, result.scalar.binary.value) == ("msgpack", expected)
        case list():
            assert [one.scalar.binary.value for one in result.collection.literals] == expected
        case _:
            assert result.scalar.primitive.integer == expected


def struct(value: Any) -> Any:
    result = literals_pb2.Literal()
    json_format.ParseDict(value, result.scalar.generic)
    return result


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (["n"], {"scalar": {"primitive": {"floatValue": 3.0}}}),
        (["s"], {"scalar": {"primitive": {"stringValue": "t"}}}),
        (["b"], {"scalar": {"primitive": {"boolean": True}}}),
        (["none"], {"scalar": {"noneType": {}}}),
        (["o"], {"scalar": {"generic": {"k": [1.0, "2"]}}}),
        (["o", "k", 1], {"scalar": {"primitive": {"stringValue": "2"}}}),
        (
            ["o", "k"],
            {
                "collection": {
                    "literals": [
                        {"scalar": {"primitive": {"floatValue": 1.0}}},
                        {"scalar": {"primitive": {"stringValue": "2"}}},
                    ]
                }
            },
        ),
    ],
)
def test_parts_of_json(path: list[str | int], expected: Any) -> None:
    """Out of a JSON struct come floats, strings, booleans, none, structs and collections."""
    value = struct({"n": 3, "s": "t", "b": True, "none": None, "o": {"k": [1, "2"]}})
    result = resolve(promise("n0", "o0", *path), {"n0": {"o0": value}})["x"]
    assert json_format.MessageToDict(result) == expected


@pytest.mark.parametrize(("number", "kept"), [(3.0, "integer"), (3.5, "float_value"), (1e300, "integer")])
def test_integers_out_of_json(number: float, kept: str) -> None:
    """A whole number out of JSON becomes an integer where one is wanted, as far as 64 bits hold it."""
    wanted = {"x": types_pb2.LiteralType(simple=types_pb2.INTEGER)}
    outputs = {"n0": {"o0": struct({"n": number})}}
    if number > 1e18:
        kept = "float_value"
    assert resolve(promise("n0", "o0", "n"), outputs, types=wanted)["x"].scalar.primitive.WhichOneof("value") == kept
    assert resolve(promise("n0", "o0", "n"), outputs)["x"].scalar.primitive.WhichOneof("value") == "float_value"


def test_paths_lead_through_unions_and_offloaded_literals() -> None:
    """A path enters an optional's value, and reads an offloaded literal, once for all the bindings into it."""
    offloaded = literals_pb2.Literal()
    offloaded.offloaded_metadata.uri = "s3://b/k"
    stored = {"s3://b/k": literal([OUTER, OUTER], list[Outer]).SerializeToString()}
    optional = literal(OUTER, Outer | None)
    bindings = [
        *promise("n0", "o0", 1, "inner", "count"),
        literals_pb2.Binding(var="y", binding=promise("n1", "o0", "inner", "count")[0].binding),
    ]
    inputs = resolve(bindings, {"n0": {"o0": offloaded}, "n1": {"o0": optional}}, stored)
    assert [inputs[name].scalar.primitive.integer for name in ("x", "y")] == [3, 3]


def test_elements_of_old_map_tasks() -> None:
    """`[1].o0` is the second element of output `o0`."""
    assert resolve(promise("n0", "[1].o0"), {"n0": {"o0": literal([4, 5], list[int])}})["x"] == literal(5, int)


@pytest.mark.parametrize(
    ("data", "outputs", "message"),
    [
        (promise("n0", "o0"), {}, r"Error binding Var \[wf\]\.\[x\] of node \[n9\]: Outputs not found of node \[n0\]"),
        (promise("n0", "o1"), {"n0": {"o0": literal(1, int)}}, r"Failed to find \[n0\]\.\[o1\]; its outputs are: o0"),
        (promise("n0", "o0", 2), {"n0": {"o0": literal([1], list[int])}}, r"index \[2\] is out of range of 1 items"),
        (promise("n0", "o0", -1), {"n0": {"o0": literal([1], list[int])}}, r"index \[-1\] is out of range"),
        (promise("n0", "o0", "b"), {"n0": {"o0": literal({"a": 1}, dict[str, int])}}, r"key \[b\] does not exist"),
        (promise("n0", "o0", "lost"), {"n0": {"o0": literal(OUTER, Outer)}}, r"key \[lost\] does not exist"),
        (promise("n0", "o0", "inner", 0), {"n0": {"o0": literal(OUTER, Outer)}}, r"key \[0\] does not exist"),
        (promise("n0", "o0", "a"), {"n0": {"o0": literal(1, int)}}, r"kind primitive has no part \[a\]"),
        (promise("n0", "o0", "a"), {"n0": {"o0": struct({})}}, r"key \[a\] does not"),
        ([literals_pb2.Binding(var="x")], {}, "the binding has no value"),
    ],
)
def test_promises_that_cannot_be_kept(data: Any, outputs: Any, message: str) -> None:
    """What is not there is a BindingResolutionFailure that names the node and what is there instead."""
    with pytest.raises(NodeError, match=message) as caught:
        resolve(data, outputs)
    assert (caught.value.code, caught.value.kind, caught.value.node) == ("BindingResolutionFailure", "SYSTEM", "n9")


def test_offloaded_literals_that_are_gone() -> None:
    """An offloaded literal that cannot be read is named with its URI."""
    offloaded = literals_pb2.Literal()
    offloaded.offloaded_metadata.uri = "s3://b/k"
    with pytest.raises(NodeError, match="failed to read the offloaded literal s3://b/k"):
        resolve(promise("n0", "o0", 1), {"n0": {"o0": offloaded}})
    with pytest.raises(NodeError, match="failed to read the offloaded literal s3://b/k"):
        resolve(promise("n0", "o0", 1), {"n0": {"o0": offloaded}}, {"s3://b/k": b"\xff"})


def test_other_formats() -> None:
    """Binary that is not msgpack passes whole, and a path into it is refused by the format's name."""
    pickled = literals_pb2.Literal(scalar=literals_pb2.Scalar(binary=literals_pb2.Binary(value=b"x", tag="cbor")))
    assert resolve(promise("n0", "o0"), {"n0": {"o0": pickled}})["x"] == pickled
    with pytest.raises(NodeError, match="Unsupported format 'cbor'"):
        resolve(promise("n0", "o0", "a"), {"n0": {"o0": pickled}})


def test_missing_optional_inputs() -> None:
    """Optional inputs without a value can be filled with none, typed as flytekit types it; others are left out."""
    kinds = {"a": int | None, "b": int, "c": str | None}
    variables = {
        name: interface_pb2.Variable(type=TypeEngine.to_literal_type(kind).to_flyte_idl())
        for name, kind in kinds.items()
    }
    inputs = literals_pb2.LiteralMap(literals={"c": literal("s", str | None)})
    binding.fill_optional(inputs, variables)
    assert inputs.literals["a"] == literal(None, int | None)
    assert inputs.literals["c"] == literal("s", str | None)
    assert "b" not in inputs.literals
