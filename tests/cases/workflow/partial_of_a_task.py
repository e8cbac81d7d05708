"""Arguments bound by `functools.partial` before a task is called."""

import functools
from typing import List

from flytekit import task, workflow


@task
def scale(rows: List[int], factor: int, offset: int = 0) -> List[int]:
    return [row * factor + offset for row in rows]


@task
def total(rows: List[int]) -> int:
    return sum(rows)


@workflow
def wf(rows: List[int] = [1, 2, 3], factor: int = 2) -> int:
    double = functools.partial(scale, factor=factor, offset=1)
    first = double(rows=rows)
    second = double(rows=first, offset=5)
    return total(rows=second)


if __name__ == "__main__":
    print(wf())
