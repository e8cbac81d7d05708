"""Eager workflows await already."""

import asyncio
from typing import List

import flyte

env = flyte.TaskEnvironment(name="eager")
driver = flyte.TaskEnvironment(
    name="eager-workflows",
    resources=flyte.Resources(cpu=1, memory="500Mi"),
    depends_on=[env],
)


@env.task
def add_one(x: int) -> int:
    return x + 1


@env.task
async def double(x: int) -> int:
    return x * 2


@driver.task
async def both(x: int) -> int:
    return await double(x=await add_one.aio(x=x))


@driver.task
async def simple(x: int = 2) -> int:
    out = await add_one.aio(x=x)
    if out < 0:
        return -1
    return await double(x=out)


@driver.task
async def gathered(x: int = 3) -> int:
    outputs = []
    for i in range(x):
        outputs.append(add_one.aio(x=i))
    results: List[int] = await asyncio.gather(*outputs)
    return sum(results) + await both(x=1)
