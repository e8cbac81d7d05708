"""A workflow of as many tasks as its caller wants."""

from flytekit import map_task, task, workflow


@task
def numbers(n: int) -> list[int]:
    return list(range(n))


@task
def double(x: int) -> int:
    return 2 * x


@task
def total(xs: list[int]) -> int:
    return sum(xs)


@workflow
def doubled(n: int) -> int:
    return total(xs=map_task(double)(x=numbers(n=n)))
