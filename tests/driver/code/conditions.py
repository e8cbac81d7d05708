"""Conditions that flytekit can write and flyteadmin does not compile."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from flytekit import conditional, task, workflow


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


@dataclass
class Row:
    count: int


@task
def row(count: int) -> Row:
    return Row(count)


@task
def rows(count: int) -> dict[str, list[int]]:
    return {"a": [count]}


@task
def colour() -> Colour:
    return Colour.RED


@task
def maybe(x: int) -> int | None:
    return x if x > 0 else None


@task
def plus(a: int, b: int = 1) -> int:
    return a + b


@workflow
def conditions(count: int = 5) -> tuple[int, int, int, int, int]:
    attribute, element, painted, there, gone = row(count=count), rows(count=count), colour(), maybe(x=count), maybe(x=0)
    return (
        conditional("attribute").if_(attribute.count > 4).then(plus(a=attribute.count)).else_().fail("small"),
        conditional("element").if_(element["a"][0] == 5).then(plus(a=10)).else_().then(plus(a=1)),
        conditional("enum").if_(painted == Colour.BLUE).then(plus(a=20)).else_().then(plus(a=2)),
        conditional("optional").if_(there == 5).then(plus(a=30)).else_().then(plus(a=3)),
        conditional("none").if_(gone.is_none()).then(plus(a=40)).else_().then(plus(a=4)),
    )
