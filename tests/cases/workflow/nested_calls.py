"""Calls as arguments of calls, in lists, dictionaries and in the return."""

from typing import Dict, List, Tuple

from flytekit import task, workflow


@task
def square(x: int) -> int:
    return x * x


@task
def add(x: int, y: int) -> int:
    return x + y


@task
def total(values: List[int]) -> int:
    return sum(values)


@task
def keys(values: Dict[str, int]) -> str:
    return ",".join(sorted(values))


@workflow
def one_line(x: int = 2) -> int:
    return square(x=square(x=square(x=x)))


@workflow
def two_arguments(x: int = 2, y: int = 3) -> int:
    return add(x=square(x=x), y=square(x=y))


@workflow
def in_a_list(x: int = 2) -> int:
    return total(values=[square(x=x), x, add(x=x, y=1)])


@workflow
def in_a_dict(x: int = 2) -> str:
    return keys(values={"a": square(x=x), "b": x})


@workflow
def in_a_tuple(x: int = 2) -> Tuple[int, int, int]:
    base = square(x=x)
    return base, add(x=base, y=1), square(x=base)
