"""A task called inside a task runs in the same process, as a plain function."""

from flytekit import task, workflow


@task
def add_one(x: int) -> int:
    return x + 1


@task
def add_two(x: int) -> int:
    return add_one(x=add_one(x=x))


@workflow
def nested(x: int = 1) -> int:
    return add_two(x=x)
