from typing import Dict, List, NamedTuple, Tuple

from flytekit import map_task, task, workflow

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


@task
def ints() -> List[int]:
    return [1, 2]


@task
def table() -> Dict[str, int]:
    return {"a": 1}


@task
def total(xs: Dict[str, float]) -> float:
    return sum(xs.values()) / 2


@workflow
def of_a_list() -> float:
    return largest(xs=ints())


@workflow
def of_a_dictionary() -> float:
    return total(xs=table())


@workflow
def of_a_dictionary_written_here(n: int = 2) -> float:
    return total(xs={"a": three(), "b": n})


@workflow
def mapped() -> List[float]:
    return map_task(half)(x=ints())


@workflow
def a_list_of_an_input(numbers: List[int] = [1, 2]) -> List[float]:
    return map_task(half)(x=numbers)
