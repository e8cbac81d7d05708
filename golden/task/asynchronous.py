import asyncio

import flyte

env = flyte.TaskEnvironment(name="asynchronous")
driver = flyte.TaskEnvironment(
    name="asynchronous-workflows",
    resources=flyte.Resources(cpu=1, memory="500Mi"),
    depends_on=[env],
)


@env.task
async def fetch(x: int) -> int:
    await asyncio.sleep(0)
    return x + 1


@driver.task
async def wf(x: int = 1) -> int:
    return await fetch(x=x)
