"""A workflow of every kind of node that runs something, each of which leaves a mark when it does."""

import os
from pathlib import Path

from flytekit import LaunchPlan, conditional, dynamic, map_task, task, workflow


@task
def step(where: str, name: str, x: int) -> int:
    with (Path(where) / name).open("a") as file:
        file.write(f"{os.environ['ACTION_NAME']}\n")
    return x + 1


@task
def marked(at: str) -> int:
    where, name = at.rsplit("/", 1)
    with (Path(where) / name).open("a") as file:
        file.write(f"{os.environ['ACTION_NAME']}\n")
    return 1


@task
def places(where: str, x: int) -> list[str]:
    return [f"{where}/mapped-{index}" for index in range(x)]


@dynamic
def spread(where: str, x: int) -> int:
    return step(where=where, name="in-dynamic-2", x=step(where=where, name="in-dynamic-1", x=x))


@workflow
def below(where: str, x: int) -> int:
    return step(where=where, name="in-sub", x=x)


@workflow
def launched(where: str, x: int) -> int:
    return step(where=where, name="in-child", x=x)


plan = LaunchPlan.get_or_create(launched, name="cuts.plan")


@task
def total(a: int, b: int, c: int, d: int, e: list[int]) -> int:
    return a + b + c + d + sum(e)


@workflow
def cuts(where: str, x: int = 1) -> int:
    first = step(where=where, name="first", x=x)
    nested = below(where=where, x=first)
    chosen = (
        conditional("way")
        .if_(first > 0)
        .then(step(where=where, name="in-branch", x=first))
        .else_()
        .then(below(where=where, x=first))
    )
    made = spread(where=where, x=chosen)
    child = plan(where=where, x=nested)
    mapped = map_task(marked)(at=places(where=where, x=2))
    return total(a=nested, b=chosen, c=made, d=child, e=mapped)
