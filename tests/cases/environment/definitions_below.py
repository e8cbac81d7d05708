"""What an environment refers to is defined between the tasks."""

from flytekit import Resources, task, workflow


@task
def start(n: int) -> int:
    return n


BIG = Resources(cpu="4", mem="8Gi")


@task(requests=BIG)
def crunch(n: int) -> int:
    return n * n


@workflow
def wf(n: int = 6) -> int:
    return crunch(n=start(n=n))
