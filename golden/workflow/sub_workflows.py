"""Workflows as nodes of workflows, and a launch plan called as a node."""

import asyncio
from typing import Tuple

import flyte

env = flyte.TaskEnvironment(name="sub_workflows-tasks")
driver = flyte.TaskEnvironment(name="sub_workflows", resources=flyte.Resources(cpu=1, memory="500Mi"), depends_on=[env])


@env.task
def double(x: int) -> int:
    return 2 * x


@env.task
def join(x: int, y: int) -> str:
    return f"{x}/{y}"


plan = flyte.Trigger("plan", inputs={"factor": 2, "x": 5}, auto_activate=False)


@driver.task(triggers=plan)
async def twice(x: int, factor: int = 1) -> int:
    return await double.aio(x=await double.aio(x=x))


@driver.task
async def pair(x: int = 1) -> Tuple[int, int]:
    double_result, twice_result = await asyncio.gather(double.aio(x=x), twice(x=x))
    return double_result, twice_result


@driver.task
async def outer(x: int = 3) -> str:
    first, second = await pair(x=x)
    return await join.aio(x=first, y=second)


@driver.task
async def with_plan() -> int:
    return await twice(factor=2, x=5)
