"""Arrays and dynamic tasks that leave a mark each time one of their tasks runs."""

import functools
import os
from pathlib import Path

from flytekit import LaunchPlan, WorkflowFailurePolicy, dynamic, map_task, task, workflow
from flytekit.exceptions.user import FlyteRecoverableException


def _mark(where: str, name: str) -> None:
    with (Path(where) / name).open("a") as file:
        file.write(f"{os.environ['ACTION_NAME']}\n")


@task
def element(where: str, x: int) -> int:
    _mark(where, f"element-{x}")
    if x == 3 and not (Path(where) / "mend").exists():
        raise ValueError("not yet")
    return x * 10


@task
def total(where: str, xs: list[int]) -> int:
    _mark(where, "total")
    return sum(xs)


@dynamic
def deeper(where: str, n: int) -> int:
    _mark(where, "deeper")
    every = functools.partial(element, where=where)
    mapped = map_task(every, concurrency=2, run_all_sub_nodes=True)(x=[3, *(x for x in range(n) if x != 3)])
    return total(where=where, xs=mapped)


@workflow
def child(where: str, x: int) -> int:
    return element(where=where, x=x)


plan = LaunchPlan.get_or_create(child, name="expands.plan")


@dynamic
def numbers(where: str, n: int) -> list[int]:
    _mark(where, "numbers")
    return [plan(where=where, x=100 + n)]


@workflow(failure_policy=WorkflowFailurePolicy.FAIL_AFTER_EXECUTABLE_NODES_COMPLETE)
def expands(where: str, n: int = 4) -> tuple[int, list[int]]:
    return deeper(where=where, n=n), map_task(functools.partial(element, where=where))(x=numbers(where=where, n=n))


@dynamic(retries=2)
def second_time(where: str) -> int:
    if os.environ["FLYTE_ATTEMPT_NUMBER"] == "0":
        raise FlyteRecoverableException("once more")
    return total(where=where, xs=[1])


@task
def never(x: int) -> int:
    if x:
        raise ValueError("never")
    return x


@workflow
def flaky(where: str) -> int:
    return never(x=second_time(where=where))
