"""Workflows whose driver lives for a while."""

import datetime

from flytekit import task, wait_for_input, workflow


@task
def step(x: int) -> int:
    return x + 1


@workflow
def six() -> int:
    return step(x=step(x=step(x=step(x=step(x=step(x=0))))))


@workflow
def waiting() -> int:
    return wait_for_input("number", timeout=datetime.timedelta(hours=1), expected_type=int)
