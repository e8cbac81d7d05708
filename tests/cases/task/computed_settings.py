from flytekit import task, workflow

SETTINGS = {"retries": 2}


@task(**SETTINGS)
def double(x: int) -> int:
    return 2 * x


@workflow
def wf(x: int = 3) -> int:
    return double(x=x)
