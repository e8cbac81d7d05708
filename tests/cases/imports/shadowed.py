from mylib import task, workflow


@task
def a(x: int) -> int:
    return x


@workflow
def wf(x: int) -> int:
    return a(x=x)
