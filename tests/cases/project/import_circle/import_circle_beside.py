"""Each imports the other in a function."""

from flytekit import task, workflow


@task
def dbl(x: int) -> int:
    return x * 2


@workflow
def wf_beside(x: int = 1) -> int:
    from import_circle import inc, wf

    return wf(x=inc(x=dbl(x=x)))
