"""A `map_task(...)` or a partial held by a variable, used otherwise than called."""

from functools import partial
from typing import List

from flytekit import dynamic, map_task, task


@task
def scale(x: int, factor: int = 2) -> int:
    return x * factor


@task
def shift(x: int) -> int:
    return x + 1


@dynamic
def called(xs: List[int]) -> List[int]:
    tripled = partial(scale, factor=3)
    mapped = map_task(tripled)
    return mapped(x=xs)


@dynamic
def kept(xs: List[int]) -> List[int]:
    tripled = partial(scale, factor=3)
    print(tripled)
    return map_task(tripled)(x=xs)


@dynamic
def chosen(xs: List[int], up: bool = True) -> List[int]:
    if up:
        mapped = map_task(shift)
    else:
        mapped = map_task(scale)
    return mapped(x=xs)


@dynamic
def listed(xs: List[int]) -> List[int]:
    mapped = map_task(shift)
    every = [mapped]
    return every[0](x=xs)


if __name__ == "__main__":
    print(called(xs=[1, 2]), kept(xs=[1, 2]), chosen(xs=[1, 2]), listed(xs=[1, 2]))
