"""a feeds c and d, b feeds d only: level by level would be slower than Flyte 1."""

from flytekit import task, workflow


@task
def one(x: int) -> int:
    return x + 1


@task
def two(x: int) -> int:
    return x + 2


@task
def left(p: int) -> int:
    return p * 3


@task
def right(p: int, q: int) -> int:
    return p * q


@task
def join(r: int, s: int) -> int:
    return r - s


@workflow
def shared(x: int = 4) -> int:
    a = one(x=x)
    b = two(x=x)
    c = left(p=a)
    d = right(p=a, q=b)
    return join(r=c, s=d)
