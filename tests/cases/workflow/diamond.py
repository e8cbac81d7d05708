"""Two branches of one table, joined again."""

from typing import List

from flytekit import task, workflow


@task
def load(n: int) -> List[int]:
    return list(range(n))


@task
def low(rows: List[int]) -> int:
    return min(rows)


@task
def high(rows: List[int]) -> int:
    return max(rows)


@task
def span(low: int, high: int) -> int:
    return high - low


@workflow
def diamond(n: int = 5) -> int:
    rows = load(n=n)
    smallest = low(rows=rows)  # both only need the rows
    largest = high(rows=rows)
    return span(low=smallest, high=largest)
