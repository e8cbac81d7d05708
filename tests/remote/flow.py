"""A project for the ways in: a workflow of each kind of node, one that fails, and a scheduled launch plan."""

import datetime
import typing
from dataclasses import dataclass

from flytekit import CronSchedule, LaunchPlan, conditional, dynamic, map_task, task, workflow


@task
def inc(x: int) -> int:
    return x + 1


@task
def total(xs: typing.List[int]) -> int:  # noqa: UP006 - as Flyte 1's users have it
    return sum(xs)


@dynamic
def dyn(n: int) -> int:
    return total(xs=[inc(x=i) for i in range(n)])


@workflow
def sub(x: int) -> int:
    return inc(x=inc(x=x))


@workflow
def wf(x: int = 3) -> int:
    a = sub(x=x)
    map_task(inc)(x=[1, 2, 3])
    c = dyn(n=3)
    d = conditional("c").if_(a > 4).then(inc(x=a)).else_().then(inc(x=c))
    return total(xs=[a, c, d])


@task
def fail(x: int) -> int:
    if x:
        raise ValueError(f"no {x}")
    return x


@workflow
def bad(x: int) -> int:
    return fail(x=inc(x=x))


@dataclass
class Shape:
    n: int


@task
def size(shape: Shape) -> int:
    return shape.n


@workflow
def shaped(shape: Shape) -> int:
    return size(shape=shape)


@workflow
def daily(day: datetime.datetime, x: int = 1) -> int:
    return inc(x=x)


lp = LaunchPlan.get_or_create(
    daily, "daily_lp", schedule=CronSchedule(schedule="0 6 * * *", kickoff_time_input_arg="day")
)
