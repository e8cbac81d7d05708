"""Calls as arguments of calls, in lists, dictionaries and in the return."""

import asyncio
from typing import Dict, List, Tuple

import flyte

env = flyte.TaskEnvironment(name="nested_calls")
driver = flyte.TaskEnvironment(
    name="nested_calls-workflows",
    resources=flyte.Resources(cpu=1, memory="500Mi"),
    depends_on=[env],
)


@env.task
def square(x: int) -> int:
    return x * x


@env.task
def add(x: int, y: int) -> int:
    return x + y


@env.task
def total(values: List[int]) -> int:
    return sum(values)


@env.task
def keys(values: Dict[str, int]) -> str:
    return ",".join(sorted(values))


@driver.task
async def one_line(x: int = 2) -> int:
    return await square.aio(x=await square.aio(x=await square.aio(x=x)))


@driver.task
async def two_arguments(x: int = 2, y: int = 3) -> int:
    square_result, square_result_2 = await asyncio.gather(
        square.aio(x=x), square.aio(x=y)
    )
    return await add.aio(x=square_result, y=square_result_2)


@driver.task
async def in_a_list(x: int = 2) -> int:
    square_result, add_result = await asyncio.gather(
        square.aio(x=x), add.aio(x=x, y=1)
    )
    return await total.aio(values=[square_result, x, add_result])


@driver.task
async def in_a_dict(x: int = 2) -> str:
    return await keys.aio(values={"a": await square.aio(x=x), "b": x})


@driver.task
async def in_a_tuple(x: int = 2) -> Tuple[int, int, int]:
    base = await square.aio(x=x)
    add_result, square_result = await asyncio.gather(
        add.aio(x=base, y=1), square.aio(x=base)
    )
    return base, add_result, square_result
