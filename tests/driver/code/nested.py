"""Sub-workflows, launch plans and conditionals."""

from __future__ import annotations

import datetime
import enum
import typing
from dataclasses import dataclass

from flytekit import Labels, LaunchPlan, conditional, task, workflow


@dataclass
class Point:
    x: int
    tags: list[str]
    weights: dict[str, float]


class Pair(typing.NamedTuple):
    low: int
    high: int


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


@task
def square(x: int) -> int:
    return x * x


@task
def both(x: int) -> Pair:
    return Pair(low=x - 1, high=x + 1)


@task
def point(x: int) -> Point:
    return Point(x=x, tags=[f"t{x}", "u"], weights={"a": 0.5 * x})


@task
def words(x: int) -> list[dict[str, int]]:
    return [{"a": x}, {"a": x + 1}]


@task
def tell(text: str, number: int, weight: float) -> str:
    return f"{text} {number} {weight}"


@task
def maybe(x: int) -> int | None:
    return x if x > 0 else None


@task
def colour(x: int) -> Colour:
    return Colour.RED if x > 0 else Colour.BLUE


@task
def shown(c: Colour, m: int | None = None, at: datetime.timedelta = datetime.timedelta(seconds=1)) -> str:
    return f"{c.value} {m} {at}"


@task
def odd(x: int) -> bool:
    return x % 2 == 1


@workflow
def inner(x: int) -> Pair:
    return both(x=square(x=x))


@workflow
def middle(x: int, y: int = 2) -> tuple[int, int]:
    pair = inner(x=x)
    more = inner(x=y)
    return pair.low, more.high


@workflow
def nested(x: int = 3) -> tuple[int, int, int]:
    low, high = middle(x=x)
    return low, high, square(x=low)


@workflow
def paths(x: int = 2) -> tuple[str, str]:
    p = point(x=x)
    w = words(x=x)
    return (
        tell(text=p.tags[0], number=w[1]["a"], weight=p.weights["a"]),
        shown(c=colour(x=x), m=maybe(x=x)),
    )


plan = LaunchPlan.get_or_create(inner, name="nested.plan", default_inputs={"x": 7})
fixed = LaunchPlan.get_or_create(
    middle,
    name="nested.fixed",
    fixed_inputs={"y": 5},
    labels=Labels({"team": "launched"}),
    max_parallelism=3,
    overwrite_cache=True,
)


@workflow
def launches(x: int = 4) -> tuple[int, int, int]:
    one = plan(x=x)
    low, high = fixed(x=one.low)
    return one.high, low, high


@task
def expensive(x: int) -> int:
    return x + 100


@workflow
def inner_only(x: int) -> int:
    return inner(x=x).high


@workflow
def decides(x: int = 1, limit: float = 2.5) -> int:
    other = expensive(x=x)
    is_odd = odd(x=x)
    return (
        conditional("outer")
        .if_((limit > 3.0) & (limit <= 9.0))
        .then(inner_only(x=other))
        .elif_((limit < 0.0) | (limit == 2.5))
        .then(conditional("inner").if_(is_odd.is_true()).then(square(x=other)).else_().then(expensive(x=x)))
        .else_()
        .fail("no such limit")
    )
