"""The SDK's own logger, under two names."""

import flytekit
from flytekit import logger, task, workflow


@task
def logged(n: int) -> int:
    logger.debug("n is %s", n)
    flytekit.logger.debug("done")
    return n


@workflow
def wf(n: int = 1) -> int:
    return logged(n=n)


if __name__ == "__main__":
    print(wf())
