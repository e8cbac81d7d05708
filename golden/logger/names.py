"""The SDK's own logger, under two names."""

import flyte
from flytekit import task, workflow


# TODO(flyte-bridge FB103): flytekit.task is still used here
@task
def logged(n: int) -> int:
    flyte.logger.debug("n is %s", n)
    flyte.logger.debug("done")
    return n


# TODO(flyte-bridge FB103): flytekit.workflow is still used here
@workflow
async def wf(n: int = 1) -> int:
    return await logged.aio(n=n)


if __name__ == "__main__":
    flyte.init()
    print(flyte.run(wf).outputs()[0])
