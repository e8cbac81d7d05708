"""Exceptions that decide about retries, and a failure handler."""

from typing import Optional

from flytekit import task, workflow
from flytekit.exceptions.user import FlyteRecoverableException, FlyteUserException
from flytekit.types.error import FlyteError


class Busy(FlyteRecoverableException):
    """Come again."""


@task(retries=2)
def flaky(n: int) -> int:
    if n < 0:
        raise FlyteUserException("never")
    try:
        if n == 0:
            raise FlyteRecoverableException("again")
        if n == 1:
            raise Busy("again")
    except FlyteRecoverableException :
        return -1
    return n


@task
def clean_up(n: int, err: Optional[FlyteError] = None) -> None:
    if err is not None:
        print(err.message)
        print(err.failed_node_id)


@workflow(on_failure=clean_up)
def wf(n: int = 0) -> int:
    return flaky(n=n)


if __name__ == "__main__":
    print(wf(n=0), wf(n=1), wf(n=7))
