"""What the tests of this room register and run."""

from flytekit import task, workflow


@task
def double(x: int) -> int:
    return 2 * x


@workflow
def doubled(x: int = 1) -> int:
    return double(x=double(x=x))
