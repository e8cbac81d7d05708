"""A lambda that calls a task stands outside of all workflows."""

from flytekit import task, workflow


@task
def inc(x: int) -> int:
    return x + 1


plus = lambda v: inc(x=v)  # noqa: E731


def run(v, step=lambda q: inc(x=q)):
    return step(v)


def make(*, step):
    return lambda v: step(x=v)


@workflow
def wf(x: int = 1) -> int:
    return make(step=inc)(run(plus(x)))
