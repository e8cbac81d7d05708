from typing import List, NamedTuple, Tuple

from flytekit import task, workflow

Stats = NamedTuple("Stats", total=int, mean=float)


@task
def half(x: float) -> float:
    return x / 2


@task
def three() -> int:
    return 3


@task
def two() -> Tuple[int, float]:
    return 2, 0.5


@task
def stats() -> Stats:
    return Stats(total=7, mean=0.5)


@task
def largest(xs: List[float]) -> float:
    return max(xs)


@workflow
def of_an_input(n: int = 3) -> float:
    return half(x=n)


@workflow
def of_a_task() -> float:
    return half(x=three())


@workflow
def of_a_variable() -> Tuple[float, float]:
    number = three()
    return half(x=number), number


@workflow
def of_a_place() -> float:
    a, b = two()
    return largest(xs=[a, b, three()])


@workflow
def of_a_field() -> float:
    s = stats()
    return half(x=s.total)


@workflow
def returned() -> float:
    return three()


@workflow
def a_float_stays(x: float = 1.5) -> float:
    return half(x=x)
