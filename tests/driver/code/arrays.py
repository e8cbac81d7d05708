"""Map tasks and array nodes."""

from __future__ import annotations

import functools
import os
import typing
from pathlib import Path

from flytekit import LaunchPlan, Resources, map_task, task, workflow
from flytekit.types.file import FlyteFile


class Pair(typing.NamedTuple):
    text: str
    index: int


@task
def add(x: int, y: int, factor: int = 1) -> str:
    # flytekit's own entry point, and users, find the element's place in the environment
    return f"{(x + y) * factor} at {os.environ.get('FLYTE_K8S_ARRAY_INDEX', '?')}"


@task
def length(x: int, big: str, table: dict[str, int]) -> int:
    return len(big) + x + table["a"]


@task
def store(x: int) -> FlyteFile:
    path = Path("out.txt")
    path.write_text(str(x))
    return FlyteFile(str(path))


@task
def load(files: list[FlyteFile]) -> str:
    return " ".join(Path(one).read_text() for one in files)


@task
def numbers(n: int) -> list[int]:
    return list(range(n))


@task
def large(n: int) -> str:
    return "x" * n


@task
def odd(x: int) -> int:
    if x % 2 == 0:
        raise ValueError(f"{x % 4} is even")
    return x


@task
def count(found: list[int | None]) -> int:
    return sum(one is None for one in found)


@task(cache=True, cache_version="1.0")
def counted(x: int, place: str) -> int:
    with Path(place, str(x)).open("a") as marks:
        marks.write("x")
    return x * 10


@task
def nothing(x: int) -> None: ...


@workflow
def several(xs: list[int], ys: list[int]) -> tuple[list[str], list[str]]:
    """Two mapped inputs, an input that all share, and a bound of two at once."""
    first = map_task(functools.partial(add, factor=10), concurrency=2)(x=xs, y=ys)
    second = map_task(functools.partial(add, y=1, factor=2))(x=xs).with_overrides(requests=Resources(cpu="100m"))
    return first, second


@workflow
def shared(n: int, size: int) -> list[int]:
    big = large(n=size)
    return map_task(functools.partial(length, big=big, table={"a": 1}))(x=numbers(n=n))


@workflow
def files(n: int) -> str:
    mapped = map_task(store)(x=numbers(n=n))
    done = map_task(nothing)(x=numbers(n=n))
    loaded = load(files=mapped)
    done >> loaded
    return loaded


@workflow
def half(n: int) -> tuple[list[int | None], int]:
    found = map_task(odd, min_success_ratio=0.5)(x=numbers(n=n))
    return found, count(found=found)


@workflow
def all_odd(n: int) -> list[int]:
    return map_task(odd, concurrency=1)(x=numbers(n=n))


@workflow
def cached(xs: list[int], place: str) -> list[int]:
    return map_task(functools.partial(counted, place=place))(x=xs)


@workflow
def child(x: int, y: int = 5) -> str:
    return add(x=x, y=y)


fixed = LaunchPlan.get_or_create(child, "arrays_fixed", fixed_inputs={"y": 7})


@workflow
def plans(xs: list[int]) -> list[str]:
    return map_task(fixed, concurrency=2)(x=xs)


@workflow
def uneven(xs: list[int], ys: list[int]) -> list[str]:
    return map_task(add)(x=xs, y=ys, factor=[1, 1])
