"""Exceptions that decide about retries, and a failure handler."""

from typing import Optional

import flyte

env = flyte.TaskEnvironment(name="exceptions")
driver = flyte.TaskEnvironment(
    name="exceptions-workflows",
    resources=flyte.Resources(cpu=1, memory="500Mi"),
    depends_on=[env],
)


class Busy(RuntimeError):
    """Come again."""


@env.task(retries=2)
def flaky(n: int) -> int:
    if n < 0:
        raise flyte.errors.NonRecoverableError("never")
    try:
        if n == 0:
            raise RuntimeError("again")
        if n == 1:
            raise Busy("again")
    except RuntimeError:
        return -1
    return n


@env.task
def clean_up(n: int, err: Optional[str] = None) -> None:
    if err is not None:
        print(err)
        # TODO(flyte-bridge FB451): err.failed_node_id is not known to a failure handler of Flyte 2
        print(err.failed_node_id)


@driver.task
async def wf(n: int = 0) -> int:
    try:
        return await flaky.aio(n=n)
    except Exception as error:
        # on_failure: the run still fails
        await clean_up.aio(n=n, err=str(error))
        raise


if __name__ == "__main__":
    flyte.init()
    print(flyte.run(wf, n=0).outputs()[0], flyte.run(wf, n=1).outputs()[0], flyte.run(wf, n=7).outputs()[0])
