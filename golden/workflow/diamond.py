"""Two branches of one table, joined again."""

import asyncio
from typing import List

import flyte

env = flyte.TaskEnvironment(name="diamond")
driver = flyte.TaskEnvironment(
    name="diamond-workflows",
    resources=flyte.Resources(cpu=1, memory="500Mi"),
    depends_on=[env],
)


@env.task
def load(n: int) -> List[int]:
    return list(range(n))


@env.task
def low(rows: List[int]) -> int:
    return min(rows)


@env.task
def high(rows: List[int]) -> int:
    return max(rows)


@env.task
def span(low: int, high: int) -> int:
    return high - low


@driver.task
async def diamond(n: int = 5) -> int:
    rows = await load.aio(n=n)
    # both only need the rows
    smallest, largest = await asyncio.gather(low.aio(rows=rows), high.aio(rows=rows))
    return await span.aio(low=smallest, high=largest)
