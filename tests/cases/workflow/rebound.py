"""A variable that is bound again, in a chain and beside others."""

from flytekit import task, workflow


@task
def step(x: int) -> int:
    return x + 1


@task
def other(x: int) -> int:
    return x * 10


@task
def join(x: int, y: int, z: int) -> int:
    return x + y + z


@workflow
def in_a_chain(x: int = 1) -> int:
    x = step(x=x)
    x = other(x=x)
    x = step(x=x)
    return x


@workflow
def side_by_side(x: int = 1) -> int:
    value = step(x=x)
    first = other(x=value)
    value = other(x=x)
    second = step(x=value)
    value = step(x=second)
    return join(x=first, y=second, z=value)
