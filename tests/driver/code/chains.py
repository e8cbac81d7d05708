"""Tasks one after the other."""

from flytekit import task, workflow


@task
def double(x: int) -> int:
    return x * 2


@task
def add(a: int, b: int) -> int:
    return a + b


@task
def tell(x: int) -> str:
    return f"got {x}"


@workflow
def chain(x: int = 3) -> str:
    return tell(x=add(a=double(x=x), b=double(x=double(x=x))))
