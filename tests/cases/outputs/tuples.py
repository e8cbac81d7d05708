"""Lists where tuples are declared, values nobody declared."""

from statistics import quantiles
from typing import List, NamedTuple, Tuple

from flytekit import task, workflow

Halves = NamedTuple("Halves", first=int, second=int)


@task
def thirds(rows: int) -> Tuple[float, float]:
    return quantiles(range(rows), n=3)


@task
def bounds(values: List[int]) -> Tuple[int, int]:
    return [min(values), max(values)]


@task
def doubled(values: List[int]) -> Tuple[int, int]:
    both = [value * 2 for value in values]
    return both


def pair(n: int) -> Tuple[int, int]:
    return n, n


@task
def from_helper(n: int) -> Tuple[int, int]:
    return pair(n)


@task
def halves(n: int) -> Halves:
    return Halves(n // 2, n - n // 2)


@task
def undeclared(n: int):
    print("undeclared", n)
    return n


@task
def undeclared_call(n: int):
    if n > 1:
        return print("big", n)
    return print("small", n)


@workflow
def wf(rows: int = 8) -> Tuple[float, float, int, int, int]:
    third, two_thirds = thirds(rows=rows)
    low, high = bounds(values=[3, 1, 2])
    two, four = doubled(values=[1, 2])
    first, second = halves(n=5)
    from_helper(n=1)
    undeclared(n=1)
    undeclared_call(n=2)
    return third, two_thirds, low, four, second


if __name__ == "__main__":
    a, b, c, d, e = wf()
    print(a, b, c, d, e)
