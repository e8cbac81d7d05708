"""A context manager that calls tasks becomes an async generator, which its decorator does not take: said there."""

import contextlib

from flytekit import dynamic, task


@task
def add(x: int) -> int:
    return x + 1


@contextlib.contextmanager
def stage(x):
    y = add(x=x)
    yield y
    add(x=y)


@dynamic
def wf(n: int = 3) -> int:
    with stage(n) as y:
        z = add(x=y)
    return z
