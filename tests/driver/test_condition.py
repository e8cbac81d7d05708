"""A branch decides as flytepropeller decides, on conditions that flytekit has written."""

from __future__ import annotations

import datetime
import enum
from dataclasses import replace
from typing import Any

import pytest
from flyteidl.core import condition_pb2, literals_pb2
from flytekit import FlyteContextManager, conditional, task, workflow
from flytekit.configuration import Image, ImageConfig, SerializationSettings
from flytekit.core.type_engine import TypeEngine
from flytekit.tools.translator import get_serializable

from flyte_bridge.driver import condition
from flyte_bridge.errors import NodeError
from flyte_bridge_translators.flyte1 import read

WHEN = datetime.datetime(2024, 3, 1, 12, tzinfo=datetime.timezone.utc)
SECOND = datetime.timedelta(seconds=1)


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


@task
def yes() -> str:
    return "yes"


@task
def no() -> str:
    return "no"


def branch_of(function: Any) -> Any:
    """The first branch of a workflow, as flytekit serializes it and we read it."""
    image = ImageConfig(default_image=Image(name="default", fqn="none", tag="v"))
    settings = SerializationSettings(image_config=image, project="p", domain="d", version="v")
    nodes = get_serializable({}, settings, function).to_flyte_idl().template.nodes
    return read.node(next(node for node in nodes if node.HasField("branch_node")))


def place_of(branch: Any, inputs: dict[str, Any]) -> int:
    """Which arm is chosen, from 0."""
    return branch.arms.index(condition.choose(branch, inputs, "n0"))


def literal(value: Any, kind: Any) -> Any:
    context = FlyteContextManager.current_context()
    return TypeEngine.to_literal(context, value, kind, TypeEngine.to_literal_type(kind)).to_flyte_idl()


def build(kind: Any, compare: Any) -> Any:
    """A workflow that compares an input of this kind."""

    def body(x: Any) -> str:
        return conditional("c").if_(compare(x)).then(yes()).else_().then(no())

    body.__annotations__ = {"x": kind, "return": str}
    return workflow(body)


COMPARISONS = [
    *[(int, 5, other) for other in (4, 5, 6)],
    *[(float, 0.5, other) for other in (0.25, 0.5, 1e300)],
    *[(str, "b", other) for other in ("a", "b", "ba")],
    *[(datetime.datetime, WHEN, WHEN + SECOND * n) for n in (-1, 0, 1)],
    *[(datetime.timedelta, SECOND * 3600, SECOND * n) for n in (3599, 3600, 90000)],
]
OPERATORS = {
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}


@pytest.mark.parametrize("sign", OPERATORS)
@pytest.mark.parametrize(("kind", "left", "right"), COMPARISONS)
def test_orders(kind: type, left: Any, right: Any, sign: str) -> None:
    """Each comparison of numbers, strings, date-times and durations gives what Python's gives."""
    compare = OPERATORS[sign]
    block = branch_of(build(kind, lambda x: compare(x, right)))
    assert (place_of(block, {".x": literal(left, kind)}) == 0) is compare(left, right)
    assert [arm.title for arm in block.arms] == ["yes", "no"]


@pytest.mark.parametrize(
    ("kind", "value", "compare", "expected"),
    [
        (bool, True, lambda x: x.is_true(), True),
        (bool, False, lambda x: x.is_true(), False),
        (bool, False, lambda x: x.is_false(), True),
        (bool, True, lambda x: x != True, False),  # noqa: E712 - flytekit's way to write it
        (Colour, Colour.RED, lambda x: x == Colour.RED, True),
        (Colour, Colour.BLUE, lambda x: x == Colour.RED, False),
        (int | None, None, lambda x: x.is_none(), True),
        (int | None, 3, lambda x: x.is_none(), False),
        (int | None, 3, lambda x: x == 3, True),
        (int | None, None, lambda x: x == 3, False),
        (int | None, None, lambda x: x != None, False),  # noqa: E711 - the same
        (int | None, 0, lambda x: x != None, True),  # noqa: E711 - the same
    ],
)
def test_equal_or_not(kind: Any, value: Any, compare: Any, expected: bool) -> None:
    """Booleans, enums, none and optionals are equal or different, as in flytekit's local execution."""
    block = branch_of(build(kind, compare))
    assert (place_of(block, {".x": literal(value, kind)}) == 0) is expected


def test_conjunctions_nest() -> None:
    """AND and OR nest as flytekit writes them, whatever the depth."""
    block = branch_of(build(int, lambda x: ((x > 1) & (x < 5)) | ((x > 10) & ((x < 15) | (x == 20)))))
    chosen = [x for x in range(25) if place_of(block, {".x": literal(x, int)}) == 0]
    assert chosen == [2, 3, 4, 11, 12, 13, 14, 20]


def test_seconds() -> None:
    """Date-times are compared by whole seconds, as in flytepropeller: a fraction makes no difference."""
    block = branch_of(build(datetime.datetime, lambda x: x == WHEN))
    later = WHEN + datetime.timedelta(milliseconds=900)
    assert place_of(block, {".x": literal(later, datetime.datetime)}) == 0


def test_order_of_arms() -> None:
    """The first arm that holds is taken, and later conditions are not even evaluated."""

    @workflow
    def several(x: int, y: str) -> str:
        return (
            conditional("c")
            .if_(x > 10)
            .then(yes())
            .elif_(x > 5)
            .then(no())
            .elif_(y > "a")
            .then(yes())
            .else_()
            .fail("small")
        )

    block = branch_of(several)
    assert [place_of(block, {".x": literal(x, int)}) for x in (11, 6)] == [0, 1]
    with pytest.raises(NodeError, match=r"Failed to find Value for Variable \[\.y\]") as caught:
        condition.choose(block, {".x": literal(1, int)}, "n0")
    assert (caught.value.code, caught.value.node, caught.value.kind) == ("MalformedBranchUserError", "n0", "USER")
    with pytest.raises(NodeError, match=r"^\[UserProvidedError\] small$") as caught:
        condition.choose(block, {".x": literal(1, int), ".y": literal("a", str)}, "n0")
    assert (caught.value.code, caught.value.kind) == ("UserProvidedError", "USER")


def comparison(left: Any, sign: str, right: Any) -> Any:
    compared = condition_pb2.ComparisonExpression(
        operator=sign,
        left_value=condition_pb2.Operand(primitive=left.scalar.primitive),
        right_value=condition_pb2.Operand(primitive=right.scalar.primitive),
    )
    return read.condition(condition_pb2.BooleanExpression(comparison=compared))


@pytest.mark.parametrize(
    ("left", "sign", "right", "message"),
    [
        (literal(1, int), "EQ", literal(1.0, float), "different primitives types"),
        (literal("1", str), "NEQ", literal(1, int), "different primitives types"),
        (literal(True, bool), "GT", literal(False, bool), r"\[GT\] not defined for boolean"),
        (literal(True, bool), "LTE", literal(False, bool), r"\[LTE\] not defined for boolean"),
        (literals_pb2.Literal(), "EQ", literals_pb2.Literal(), "without a value"),
    ],
)
def test_what_cannot_be_compared(left: Any, sign: str, right: Any, message: str) -> None:
    """Values of two types, and an order of booleans, are the user's error, as in flytepropeller."""
    with pytest.raises(NodeError, match=message) as caught:
        condition.evaluate(comparison(left, sign, right), {}, "n0")
    assert (caught.value.code, caught.value.kind) == ("MalformedBranchUserError", "USER")


def test_no_primitive() -> None:
    """A collection, and a value inside an optional that is no primitive, cannot be compared."""
    block = branch_of(build(int, lambda x: x > 1))
    for value in (literal([1], list[int]), literal({"a": 1}, dict[str, int] | None)):
        with pytest.raises(NodeError, match="Only primitives can be compared"):
            condition.choose(block, {".x": value}, "n0")


def test_broken_closures() -> None:
    """An expression without content, and a block without an else, are errors that say so."""
    with pytest.raises(NodeError, match="No Comparison or Conjunction"):
        condition.evaluate(read.condition(condition_pb2.BooleanExpression()), {}, "n0")
    block = branch_of(build(int, lambda x: x > 1))
    block = replace(block, otherwise=None)
    with pytest.raises(NodeError, match="No branch satisfied"):
        condition.choose(block, {".x": literal(0, int)}, "n0")
