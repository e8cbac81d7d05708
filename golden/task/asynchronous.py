import asyncio

import flyte

env = flyte.TaskEnvironment(name="asynchronous")


@env.task(retries=1)
async def fetch(x: int) -> int:
    await asyncio.sleep(0)
    return x + 1
