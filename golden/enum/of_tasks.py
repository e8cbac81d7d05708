"""Tasks in the members of an enum, by attribute, by name and in a loop."""

import asyncio
from enum import Enum
from typing import List, Tuple

import flyte

env = flyte.TaskEnvironment(name="of_tasks")
driver = flyte.TaskEnvironment(
    name="of_tasks-workflows",
    resources=flyte.Resources(cpu=1, memory="500Mi"),
    depends_on=[env],
)


@env.task
def add(x: int) -> int:
    return x + 1


@env.task
def double(x: int) -> int:
    return x * 2


class Step(Enum):
    ADD = (add,)
    DOUBLE = (double,)


@driver.task
async def wf(x: int = 3) -> Tuple[int, int]:
    call_result, call_result_2 = await asyncio.gather(
        Step.ADD.value[0].aio(x=x), Step["DOUBLE"].value[0].aio(x=x)
    )
    return call_result, call_result_2


@driver.task
async def chain(x: int = 3) -> int:
    for step in Step:
        x = await step.value[0].aio(x=x)
    return x
