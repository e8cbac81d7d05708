"""Dynamic tasks."""

from __future__ import annotations

import functools
import os
from pathlib import Path

from flytekit import LaunchPlan, conditional, dynamic, map_task, reference_launch_plan, task, workflow
from flytekit.core import legacy_map_task


@task
def square(x: int) -> int:
    return x * x


@task
def total(xs: list[int]) -> int:
    return sum(xs)


@task
def add(x: int, y: int) -> int:
    return x + y


@workflow
def twice(x: int) -> int:
    return square(x=square(x=x))


plan = LaunchPlan.get_or_create(twice, "dynamics_twice")


@dynamic
def fan_out(n: int) -> int:
    return total(xs=[square(x=one) for one in range(n)])


@dynamic
def mapped(n: int, y: int) -> list[int]:
    return map_task(functools.partial(add, y=y))(x=list(range(n)))


@dynamic
def deeper(n: int) -> int:
    if n == 0:
        return square(x=7)
    return add(x=deeper(n=n - 1), y=n)


@dynamic
def everything(n: int) -> tuple[int, list[int], int]:
    nested = fan_out(n=n)
    below = twice(x=n)
    launched = plan(x=n)
    chosen = conditional("size").if_(nested > 10).then(add(x=nested, y=below)).else_().then(square(x=n))
    return chosen, mapped(n=n, y=1), launched


@dynamic
def plain(n: int) -> int:
    return n + 1


@dynamic
def nothing(n: int) -> None:
    for one in range(n):
        square(x=one)


@workflow
def outer(n: int) -> tuple[int, list[int], int, int, int]:
    a, b, c = everything(n=n)
    nothing(n=2)
    return a, b, c, plain(n=n), deeper(n=2)


@reference_launch_plan(project="flytesnacks", domain="development", name="nowhere", version="v1")
def nowhere(x: int) -> int: ...


@dynamic
def unregistered(n: int) -> int:
    return nowhere(x=n)


@workflow
def lost(n: int) -> int:
    return unregistered(n=n)


@dynamic
def old(n: int) -> list[int]:
    return legacy_map_task.map_task(square)(x=list(range(n)))


@workflow
def old_map(n: int) -> list[int]:
    return old(n=n)


@task
def breaks(x: int) -> int:
    if x:
        raise ValueError(f"no {x}")
    return x


@dynamic
def breaking(n: int) -> int:
    return add(x=square(x=n), y=breaks(x=n))


@workflow
def fails(n: int) -> int:
    return breaking(n=n)


@dynamic(retries=2)
def flaky(place: str, n: int) -> int:
    marks = Path(place)
    if int(os.environ["FLYTE_ATTEMPT_NUMBER"]) < 1:
        from flytekit.exceptions.user import FlyteRecoverableException

        marks.write_text("tried")
        raise FlyteRecoverableException("once more")
    return square(x=n)


@workflow
def retried(place: str, n: int) -> int:
    return flaky(place=place, n=n)


@task
def mark(place: str, x: int) -> int:
    with Path(place).open("a") as marks:
        marks.write("task ")
    return x


@dynamic(cache=True, cache_version="1")
def remembered(place: str, n: int) -> int:
    with Path(place).open("a") as marks:
        marks.write("dynamic ")
    return mark(place=place, x=n)


@workflow
def caches(place: str, n: int) -> int:
    return remembered(place=place, n=n)


@dynamic(cache=True, cache_version="1", cache_serialize=True)
def in_turn(place: str, n: int) -> int:
    with Path(place).open("a") as marks:
        marks.write("dynamic ")
    return mark(place=place, x=n)


@workflow
def serial(place: str, n: int) -> int:
    return in_turn(place=place, n=n)
