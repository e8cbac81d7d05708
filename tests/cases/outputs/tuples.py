"""Lists where tuples are declared, values nobody declared."""

from typing import List, NamedTuple, Tuple

import pandas as pd
from flytekit import task, workflow
from sklearn.model_selection import train_test_split

Halves = NamedTuple("Halves", first=int, second=int)


@task
def frame(rows: int) -> pd.DataFrame:
    return pd.DataFrame({"row": range(rows)})


@task
def split(data: pd.DataFrame) -> Tuple[pd.DataFrame, pd.DataFrame]:
    return train_test_split(data, test_size=0.25, random_state=0)


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


@task
def size(data: pd.DataFrame) -> int:
    return len(data)


@workflow
def wf(rows: int = 8) -> Tuple[int, int, int, int, int]:
    train, test = split(data=frame(rows=rows))
    low, high = bounds(values=[3, 1, 2])
    two, four = doubled(values=[1, 2])
    first, second = halves(n=5)
    from_helper(n=1)
    undeclared(n=1)
    undeclared_call(n=2)
    return size(data=train), size(data=test), low, four, second


if __name__ == "__main__":
    a, b, c, d, e = wf()
    print(a, b, c, d, e)
