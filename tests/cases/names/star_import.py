from flytekit import *


@task(retries=1)
def double(x: int) -> int:
    return 2 * x


@workflow
def wf(x: int = 4) -> int:
    return double(x=x)
