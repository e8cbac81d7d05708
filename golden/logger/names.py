"""The SDK's own logger, under two names."""

import flyte

env = flyte.TaskEnvironment(name="names")
driver = flyte.TaskEnvironment(
    name="names-workflows",
    resources=flyte.Resources(cpu=1, memory="500Mi"),
    depends_on=[env],
)


@env.task
def logged(n: int) -> int:
    flyte.logger.debug("n is %s", n)
    flyte.logger.debug("done")
    return n


@driver.task
async def wf(n: int = 1) -> int:
    return await logged.aio(n=n)


if __name__ == "__main__":
    flyte.init()
    print(flyte.run(wf).outputs()[0])
