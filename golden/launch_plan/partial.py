"""A partial of a launch plan at module level: its workflow is bound, with the plan's inputs; a trigger cannot be called."""

import asyncio
from functools import partial
from typing import Tuple

import flyte

env = flyte.TaskEnvironment(name="partial")
driver = flyte.TaskEnvironment(
    name="partial-workflows", resources=flyte.Resources(cpu=1, memory="500Mi"), depends_on=[env]
)


@env.task
def join(x: int, y: int) -> int:
    return x * 10 + y


plan = flyte.Trigger("sub_plan", inputs={"y": 7}, auto_activate=False)


@driver.task(triggers=plan)
async def sub(x: int, y: int = 2) -> int:
    return await join.aio(x=x, y=y)


three = partial(sub, x=3, y=7)
other = partial(sub, y=5)


@driver.task
async def wf(x: int = 1) -> Tuple[int, int]:
    sub_result, sub_result_2 = await asyncio.gather(sub(x=3, y=7), sub(y=5, x=x))
    return sub_result, sub_result_2
