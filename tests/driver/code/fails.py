"""Failures: nodes that handle them, policies, retries, time-outs."""

import os
import time
from datetime import timedelta

from flytekit import LaunchPlan, WorkflowFailurePolicy, task, workflow
from flytekit.exceptions.user import FlyteRecoverableException
from flytekit.types.error.error import FlyteError


@task
def good(x: int) -> int:
    return x + 1


@task
def slow(seconds: float) -> int:
    time.sleep(seconds)
    return 1


@task
def bad(x: int) -> int:
    if x is not None:
        raise ValueError(f"cannot do {x}")
    return 0


@task(retries=2)
def flaky(x: int) -> int:
    if os.environ["FLYTE_ATTEMPT_NUMBER"] != "2":
        raise FlyteRecoverableException("once more")
    return x


@task(retries=1)
def hopeless(x: int) -> int:
    if x is not None:
        raise FlyteRecoverableException("always")
    return 0


@task
def clean(x: int, err: FlyteError | None = None) -> None:
    print(f"CLEANED {x} after {err.failed_node_id}: {err.message}" if err else "CLEANED without an error")


@workflow(on_failure=clean)
def handled(x: int = 1) -> int:
    return bad(x=good(x=x))


@workflow(on_failure=clean)
def inner(x: int) -> int:
    return bad(x=x)


@workflow
def outer(x: int = 2) -> int:
    return good(x=inner(x=x))


@workflow
def at_once(x: int = 1) -> tuple[int, int]:
    return bad(x=x), good(x=slow(seconds=60.0))


@workflow(failure_policy=WorkflowFailurePolicy.FAIL_AFTER_EXECUTABLE_NODES_COMPLETE)
def patiently(x: int = 1) -> tuple[int, int]:
    wrong = bad(x=x)
    after = good(x=wrong)
    return after, good(x=good(x=slow(seconds=1.0)))


@workflow
def retried(x: int = 3) -> int:
    return flaky(x=x)


@workflow
def given_up(x: int = 3) -> int:
    return hopeless(x=x)


@workflow
def too_slow() -> int:
    return slow(seconds=60.0).with_overrides(timeout=timedelta(seconds=1), retries=0)


@task
def slow_once(where: str) -> str:
    """Takes too long the first time, by a file that it leaves."""
    import pathlib

    mark = pathlib.Path(where) / "slept"
    if mark.exists():
        return os.environ["ACTION_NAME"]
    mark.touch()
    time.sleep(60.0)
    return ""


@workflow
def too_slow_once(where: str) -> str:
    return slow_once(where=where).with_overrides(timeout=timedelta(seconds=2), retries=1)


@workflow
def naps(seconds: float) -> int:
    return slow(seconds=seconds)


nap_plan = LaunchPlan.get_or_create(naps, name="fails.nap_plan")


@workflow
def sub_workflow_too_slow() -> int:
    return naps(seconds=60.0).with_overrides(timeout=timedelta(seconds=2), retries=1)


@workflow
def launch_plan_too_slow() -> int:
    return nap_plan(seconds=60.0).with_overrides(timeout=timedelta(seconds=2), retries=0)
