from flytekit import task, workflow


@task
def double(x: int) -> int:
    return 2 * x


@workflow
def wf(x: int = 3) -> int:
    return double(x=x)
