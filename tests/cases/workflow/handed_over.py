"""A task handed to code that calls it and awaits nothing: said, since no such code can be rewritten."""

from typing import List

from flytekit import dynamic, task, workflow


@task
def double(x: int) -> int:
    return 2 * x


@dynamic
def mapped(xs: List[int]) -> List[int]:
    kept = [double]
    print(len(kept), double)
    return list(map(double, xs))


@workflow
def wf(xs: List[int] = [1, 2]) -> List[int]:
    return mapped(xs=xs)
