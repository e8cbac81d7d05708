"""A workflow with a node of each kind, whose last task fails on Flyte 1 alone: what was done before it can be recovered."""

import os
import random
from datetime import timedelta

from flytekit import CronSchedule, LaunchPlan, conditional, dynamic, map_task, task, wait_for_input, workflow


@task
def dice() -> float:
    return random.random()


@task
def inc(x: int) -> int:
    return x + 1


@dynamic
def spread(n: int) -> list[float]:
    return [dice() for _ in range(n)]


@task
def total(xs: list[float]) -> float:
    return sum(xs)


@workflow
def child() -> float:
    return dice()


rolled = LaunchPlan.get_or_create(child, "rolled")


@workflow
def inner(x: int) -> int:
    return conditional("sign").if_(x > 0).then(inc(x=x)).else_().then(inc(x=0))


@task
def finish(one: float, other: float, xs: list[int], n: int, given: int, spread_out: float) -> float:
    if os.environ.get("SIDE_BY_SIDE") == "1":
        raise ValueError("not on Flyte 1")
    return one + other + sum(xs) + n + given + spread_out


@workflow
def past(n: int = 2) -> tuple[float, float, float, float]:
    given = wait_for_input("given", timeout=timedelta(minutes=5), expected_type=int)
    one, other = dice(), rolled()
    spread_out = total(xs=spread(n=n))
    xs = map_task(inc)(x=[1, 2])
    last = finish(one=one, other=other, xs=xs, n=inner(x=n), given=given, spread_out=spread_out)
    return one, other, spread_out, last


@workflow
def plain(n: int = 2) -> int:
    return inc(x=n)


at_six = LaunchPlan.get_or_create(plain, "at_six", schedule=CronSchedule(schedule="0 6 * * *"))
fixed = LaunchPlan.get_or_create(plain, "fixed", fixed_inputs={"n": 4})
