"""Plain functions that call tasks, called from a dynamic: Flyte 1 ran them inline."""

import asyncio
from typing import List

import flyte

env = flyte.TaskEnvironment(name="helpers")
driver = flyte.TaskEnvironment(
    name="helpers-workflows",
    resources=flyte.Resources(cpu=1, memory="500Mi"),
    depends_on=[env],
)


@env.task
def fetch(day: int) -> int:
    return day * 10


@env.task
def merge(left: int, right: int) -> int:
    return left + right


async def both(day: int):
    """Two calls and their merge."""
    left, right = await asyncio.gather(fetch.aio(day=day), fetch.aio(day=7))
    return await merge.aio(left=left, right=right)


def width(values: List[int]) -> int:
    return len(values)


@driver.task
async def with_helper(days: int = 3) -> List[int]:
    return await asyncio.gather(*(both(day) for day in range(days)))


@driver.task
async def in_workflow(day: int = 3) -> int:
    first = await both(day)
    return await merge.aio(left=first, right=1)
