"""Launch plans that allow few executions at once, started in every way there is."""

from __future__ import annotations

import datetime

from flytekit import (
    ConcurrencyLimitBehavior,
    ConcurrencyPolicy,
    CronSchedule,
    LaunchPlan,
    map_task,
    sleep,
    task,
    workflow,
)

SKIP = ConcurrencyLimitBehavior.SKIP


@task
def same(n: int) -> int:
    return n


@workflow
def held(n: int) -> int:
    """Goes on until it is aborted."""
    rest = sleep(datetime.timedelta(hours=1))
    value = same(n=n)
    rest >> value
    return value


@workflow
def quick(n: int) -> int:
    return same(n=n)


LIMITED = LaunchPlan.get_or_create(held, name="limits.limited", concurrency=ConcurrencyPolicy(1, SKIP))
MAPPED = LaunchPlan.get_or_create(held, name="limits.mapped", concurrency=ConcurrencyPolicy(2, SKIP))
TURNS = LaunchPlan.get_or_create(quick, name="limits.turns", concurrency=ConcurrencyPolicy(1, SKIP))


@workflow
def parent() -> tuple[int, int]:
    return LIMITED(n=1), LIMITED(n=2)


@workflow
def over() -> list[int]:
    return map_task(MAPPED)(n=[1, 2, 3])


@workflow
def one_after_another() -> int:
    first = TURNS(n=1)
    return TURNS(n=first)


SCHEDULED = LaunchPlan.get_or_create(
    held,
    name="limits.scheduled",
    fixed_inputs={"n": 1},
    schedule=CronSchedule(schedule="* * * * *"),
    concurrency=ConcurrencyPolicy(1, SKIP),
)
