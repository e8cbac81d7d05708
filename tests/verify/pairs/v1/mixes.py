from flytekit import task, workflow


@task
def half(n: int) -> float:
    return n / 2


@task
def alone(n: int = 8) -> float:
    return n / 4


@workflow
def halves(n: int = 4) -> float:
    return half(n=n)
