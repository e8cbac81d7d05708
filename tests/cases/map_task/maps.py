"""Maps: partials with any bound argument, the mapped argument in any position, several mapped inputs."""

from functools import partial
from typing import List, Optional

from flytekit import map_task, task, workflow


@task
def scale(x: float, factor: float, offset: float = 0.0) -> float:
    return x * factor + offset


@task
def square(x: int) -> int:
    return x * x


@task
def numbers(n: int) -> List[int]:
    return list(range(n))


@task
def total(values: List[int]) -> int:
    return sum(values)


@workflow
def simple(n: int = 4) -> int:
    return total(values=map_task(square)(x=numbers(n=n)))


@workflow
def first_bound(xs: List[float] = [1.0, 2.0]) -> List[float]:
    return map_task(partial(scale, x=3.0, offset=1.0))(factor=xs)


@workflow
def last_bound(xs: List[float] = [1.0, 2.0], factor: float = 2.0) -> List[float]:
    bound = partial(scale, factor=factor, offset=0.5)
    return map_task(bound)(x=xs)


@workflow
def two_mapped(xs: List[float] = [1.0, 2.0], factors: List[float] = [3.0, 4.0]) -> List[float]:
    return map_task(scale)(x=xs, factor=factors, offset=factors)


mapped_square = map_task(square, concurrency=2)


@workflow
def bounded(xs: List[int] = [1, 2, 3]) -> List[int]:
    return mapped_square(x=xs)


@workflow
def bounded_beside(xs: List[int] = [1, 2, 3]) -> int:
    squares = map_task(square, concurrency=2)(x=xs)
    other = numbers(n=3)
    return total(values=squares)


@task
def picky(x: int) -> int:
    if x == 2:
        raise ValueError("not two")
    return x


@workflow
def tolerant(xs: List[int] = [1, 2, 3, 4]) -> List[Optional[int]]:
    return map_task(picky, min_success_ratio=0.5)(x=xs)


@workflow
def overridden(xs: List[int] = [1, 2, 3]) -> List[int]:
    return map_task(square)(x=xs).with_overrides(retries=2)
