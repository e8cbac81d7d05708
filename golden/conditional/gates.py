"""Conditions of every kind."""

import asyncio
from typing import Optional, Tuple

import flyte

env = flyte.TaskEnvironment(name="gates")
driver = flyte.TaskEnvironment(
    name="gates-workflows", resources=flyte.Resources(cpu=1, memory="500Mi"), depends_on=[env]
)


@env.task
def measure(x: int) -> int:
    return x


@env.task
def is_even(x: int) -> bool:
    return x % 2 == 0


@env.task
def half(x: int) -> int:
    return x // 2


@env.task
def triple(x: int) -> int:
    return 3 * x + 1


@env.task
def describe(x: int) -> Tuple[str, int]:
    return f"is {x}", x


@env.task
def note(x: int) -> None:
    print("note", x)


@driver.task
async def parity(x: int = 7) -> int:
    even = await is_even.aio(x=x)
    if even:
        return await half.aio(x=x)
    else:
        return await triple.aio(x=x)


@driver.task
async def chain(x: int = 7) -> int:
    value, other = await asyncio.gather(measure.aio(x=x), measure.aio(x=3))
    if value > 0 and value < 5:
        return await half.aio(x=value)
    elif value == other or (value >= 5 and other != 4):
        return await triple.aio(x=value)
    else:
        raise ValueError("out of range")


@driver.task
async def refused(x: int = -7) -> int:
    if x > 0:
        return await half.aio(x=x)
    else:
        raise ValueError("must be positive")


@driver.task
async def several_outputs(x: int = 4) -> Tuple[str, int]:
    if x > 3:
        text, value = await describe.aio(x=x)
    else:
        text, value = await describe.aio(x=0)
    return text, value


@driver.task
async def unused(x: int = 4) -> int:
    async def run_unused() -> None:
        if x > 3:
            await note.aio(x=x)
        else:
            await note.aio(x=0)

    _, measure_result = await asyncio.gather(run_unused(), measure.aio(x=x))
    return measure_result


@driver.task
async def not_even(x: int = 4) -> int:
    even = await is_even.aio(x=x)
    if not even:
        return await triple.aio(x=x)
    else:
        return await half.aio(x=x)
