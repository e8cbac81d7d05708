"""What goes wrong outside the user's functions."""

import os

from flytekit import LaunchPlan, task, workflow


@task
def one(x: int) -> int:
    return x


@task
def leaves(x: int) -> int:
    if x is not None:
        os._exit(0)
    return x


@workflow
def simple(x: int) -> int:
    return one(x=one(x=x))


@workflow
def without_outputs(x: int) -> int:
    return leaves(x=x)


@workflow
def unknown(x: int) -> int:
    return one(x=x)


plan = LaunchPlan.get_or_create(unknown, name="bad.plan")


@workflow
def launches(x: int) -> int:
    return plan(x=x)
