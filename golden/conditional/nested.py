"""Conditionals in conditionals, arms that are workflows, arms beside other calls."""

import asyncio
from typing import Tuple

import flyte

env = flyte.TaskEnvironment(name="nested")
driver = flyte.TaskEnvironment(
    name="nested-workflows", resources=flyte.Resources(cpu=1, memory="500Mi"), depends_on=[env]
)


@env.task
def small(x: int) -> str:
    return f"small {x}"


@env.task
def medium(x: int) -> str:
    return f"medium {x}"


@env.task
def large(x: int) -> str:
    return f"large {x}"


@env.task
def size(x: int) -> int:
    return x * 2


@driver.task
async def twice_large(x: int) -> str:
    return await large.aio(x=await size.aio(x=x))


@driver.task
async def nested(x: int = 30) -> str:
    if x < 10:
        return await small.aio(x=x)
    elif x < 100:
        return await medium.aio(x=x)
    else:
        return await twice_large(x=x)


@driver.task
async def beside(x: int = 300) -> Tuple[str, int]:
    """The branch and the size do not wait for each other."""

    async def run_label() -> str:
        if x < 100:
            return await small.aio(x=x)
        else:
            return await twice_large(x=x)

    async def run_size() -> int:
        measured = await size.aio(x=x)
        return await size.aio(x=measured)

    label, size_result = await asyncio.gather(run_label(), run_size())
    return label, size_result


@driver.task
async def after(x: int = 5) -> str:
    measured = await size.aio(x=x)
    if measured < 100:
        label = await small.aio(x=measured)
    else:
        label = await large.aio(x=measured)
    return label
