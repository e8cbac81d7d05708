"""A workflow that fails until a file is there."""

import os
import time
from datetime import timedelta
from pathlib import Path

from flytekit import LaunchPlan, WorkflowFailurePolicy, approve, task, workflow


def _mark(where: str, name: str) -> None:
    with (Path(where) / name).open("a") as file:
        file.write(f"{os.environ['ACTION_NAME']}\n")


@task
def step(where: str, name: str, x: int) -> int:
    _mark(where, name)
    return x + 1


@task
def mended(where: str, x: int) -> int:
    _mark(where, "mended")
    if not (Path(where) / "mend").exists():
        raise ValueError("not yet")
    return x


@workflow
def inner(where: str, x: int) -> int:
    return mended(where=where, x=step(where=where, name="in-child", x=x))


plan = LaunchPlan.get_or_create(inner, name="mends.plan")


@workflow
def good(where: str, x: int) -> int:
    return step(where=where, name="in-good-child", x=x)


good_plan = LaunchPlan.get_or_create(good, name="mends.good_plan")


@workflow
def sub(where: str, x: int) -> tuple[int, int]:
    first = step(where=where, name="in-sub", x=x)
    return first, mended(where=where, x=first)


@workflow(failure_policy=WorkflowFailurePolicy.FAIL_AFTER_EXECUTABLE_NODES_COMPLETE)
def mends(where: str, x: int = 1) -> tuple[int, int, int]:
    fine = approve(step(where=where, name="first", x=x), "fine", timeout=timedelta(hours=1))
    one = good_plan(where=where, x=fine)
    first, second = sub(where=where, x=one)
    third = plan(where=where, x=one)
    return first, second, third


@task
def slow_once(where: str) -> int:
    """Takes too long the first time."""
    again = (Path(where) / "slow-once").exists()
    _mark(where, "slow-once")
    time.sleep(0 if again else 60)
    return 7


@workflow
def tried(where: str) -> int:
    """The first node is tried again, the second fails."""
    return mended(where=where, x=slow_once(where=where).with_overrides(timeout=timedelta(seconds=2), retries=1))
