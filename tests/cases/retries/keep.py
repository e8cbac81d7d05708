from flytekit import task, workflow

RETRIES = 2


@task(retries=RETRIES)
def load(n: int) -> int:
    return n


@workflow
def wf(n: int = 1) -> int:
    return load(n=n)
