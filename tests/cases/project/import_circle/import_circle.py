"""Modules whose functions import each other: no environment may be imported at the top of both."""

from flytekit import dynamic, task, workflow


@task
def inc(x: int) -> int:
    return x + 1


@dynamic
def fan(x: int) -> int:
    from import_circle_below import fan_below

    return fan_below(x=x)


def helper(x):
    import import_circle_beside as beside

    return beside.dbl(x=x)


@workflow
def wf(x: int = 1) -> int:
    return fan(x=helper(x))
