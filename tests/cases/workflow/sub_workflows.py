"""Workflows as nodes of workflows, and a launch plan called as a node."""

from typing import Tuple

from flytekit import LaunchPlan, task, workflow


@task
def double(x: int) -> int:
    return 2 * x


@task
def join(x: int, y: int) -> str:
    return f"{x}/{y}"


@workflow
def twice(x: int, factor: int = 1) -> int:
    return double(x=double(x=x))


@workflow
def pair(x: int = 1) -> Tuple[int, int]:
    return double(x=x), twice(x=x)


plan = LaunchPlan.get_or_create(twice, "plan", fixed_inputs={"x": 5}, default_inputs={"factor": 2})


@workflow
def outer(x: int = 3) -> str:
    first, second = pair(x=x)
    return join(x=first, y=second)


@workflow
def with_plan() -> int:
    return plan()
