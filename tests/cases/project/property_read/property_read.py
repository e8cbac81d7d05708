"""A property that calls a task runs as it is read."""

from typing import List

from flytekit import task, workflow


@task
def inc(x: int) -> int:
    return x + 1


@task
def total(xs: List[int]) -> int:
    return sum(xs)


class Pipe:
    def __init__(self, x):
        self.x = x

    @property
    def first(self):
        return inc(x=self.x)

    @property
    def second(self):
        return inc(x=self.first)

    @property
    def step(self):
        return inc


@workflow
def wf(x: int = 1) -> int:
    pipe = Pipe(x)
    third = pipe.step(x=pipe.second)
    return total(xs=[third, *[each.first for each in (pipe, Pipe(7))]])
