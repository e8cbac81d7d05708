"""A workflow of every static kind, whose tasks leave a mark each time they run."""

import os
from datetime import timedelta
from pathlib import Path

from flytekit import LaunchPlan, approve, conditional, task, workflow


def _mark(where: str, name: str) -> None:
    with (Path(where) / name).open("a") as file:
        file.write(f"{os.environ['FLYTE_INTERNAL_EXECUTION_ID']} {os.environ['ACTION_NAME']}\n")


@task
def add(where: str, a: int, b: int) -> int:
    _mark(where, f"add-{a}-{b}")
    return a + b


@task
def big(where: str, x: int) -> bool:
    _mark(where, f"big-{x}")
    return x > 10


@task
def fail(where: str, x: int) -> int:
    _mark(where, "fail")
    if x is not None:
        raise ValueError("on purpose")
    return x


@task
def tidy(where: str, x: int) -> None:
    _mark(where, "tidy")


@workflow
def inner(where: str, x: int) -> int:
    return add(where=where, a=add(where=where, a=x, b=1), b=2)


plan = LaunchPlan.get_or_create(inner, name="marks.plan")


@workflow
def representative(where: str, x: int = 1) -> tuple[int, int]:
    one = inner(where=where, x=x)
    two = plan(where=where, x=one)
    is_big = big(where=where, x=two)
    chosen = (
        conditional("size")
        .if_(is_big.is_true())
        .then(add(where=where, a=two, b=100))
        .else_()
        .then(plan(where=where, x=two))
    )
    approved = approve(add(where=where, a=chosen, b=200), "fine", timeout=timedelta(hours=1))
    return add(where=where, a=approved, b=1000), two


@workflow(on_failure=tidy)
def failing(where: str, x: int = 1) -> int:
    one = add(where=where, a=x, b=1)
    return add(where=where, a=fail(where=where, x=one), b=add(where=where, a=one, b=5))
