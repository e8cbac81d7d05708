"""Child runs that last."""

import time

from flytekit import LaunchPlan, task, workflow


@task
def nap(seconds: float) -> float:
    time.sleep(seconds)
    return seconds


@task
def bad(seconds: float) -> float:
    time.sleep(seconds)
    if seconds:
        raise ValueError("on purpose")
    return seconds


@workflow
def long(seconds: float) -> float:
    return nap(seconds=seconds)


plan = LaunchPlan.get_or_create(long, name="lasts.plan")


@workflow
def middle(seconds: float) -> float:
    return plan(seconds=seconds)


middle_plan = LaunchPlan.get_or_create(middle, name="lasts.middle_plan")


@workflow
def outer(seconds: float = 120.0) -> float:
    return middle_plan(seconds=seconds)


@workflow
def fails_beside(seconds: float = 120.0) -> float:
    bad(seconds=2.0)
    return middle_plan(seconds=seconds)
