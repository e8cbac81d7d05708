"""A generator of calls is taken step by step, and out of another."""

from typing import List

from flytekit import task, workflow


@task
def inc(x: int) -> int:
    return x + 1


@task
def total(xs: List[int]) -> int:
    return sum(xs)


def few(n):
    for each in range(n):
        yield inc(x=each)


def more(n):
    yield from few(n)
    yield from [n, n]
    yield inc(x=n)


@workflow
def wf(x: int = 1) -> int:
    steps = few(3)
    first = next(steps)
    return total(xs=[first, next(steps), *more(2)])
