import asyncio
from typing import List

import flyte

env = flyte.TaskEnvironment(name="dynamic_with_settings")
squares_driver = flyte.TaskEnvironment(
    name="dynamic_with_settings-squares-driver",
    resources=flyte.Resources(memory="2Gi"),
    depends_on=[env],
)
driver = flyte.TaskEnvironment(
    name="dynamic_with_settings-workflows",
    resources=flyte.Resources(cpu=1, memory="500Mi"),
    depends_on=[env, squares_driver],
)


@env.task
def square(n: int) -> int:
    return n * n


@squares_driver.task(cache=flyte.Cache("auto", version_override="1"), retries=1)
async def squares(n: int) -> List[int]:
    found = await asyncio.gather(*(square.aio(n=i) for i in range(n)))
    return found


@env.task
def total(numbers: List[int]) -> int:
    return sum(numbers)


@driver.task
async def wf(n: int = 4) -> int:
    return await total.aio(numbers=await squares(n=n))
