"""Helpers that change what a driver hands to them: lists they append to, objects that keep what they are told."""

import asyncio
from typing import List

import flyte

env = flyte.TaskEnvironment(name="changed_by_helpers")
driver = flyte.TaskEnvironment(
    name="changed_by_helpers-workflows", resources=flyte.Resources(cpu=1, memory="500Mi"), depends_on=[env]
)


@env.task
def f(x: int) -> int:
    return x + 1


@env.task
def total(xs: List[int]) -> int:
    return sum(xs)


def fill(outs, y):
    outs.append(y)


async def add(outs, y):
    outs.append(await f.aio(x=y))


class Box:
    def __init__(self):
        self.outs = []

    async def add(self, y):
        self.outs.append(await f.aio(x=y))


@driver.task
async def plain(x: int = 1) -> int:
    outs = []
    fill(outs, 3)
    return await total.aio(xs=outs)


@driver.task
async def plain2(x: int = 1) -> int:
    outs = []
    a = await f.aio(x=x)

    async def run_total() -> int:
        fill(outs, a)
        fill(outs, 3)
        return await total.aio(xs=outs)

    total_result, _ = await asyncio.gather(run_total(), f.aio(x=a))
    return total_result


@driver.task
async def helper(x: int = 1) -> int:
    outs = []
    await add(outs, x)
    await add(outs, 5)
    return await total.aio(xs=outs)


@driver.task
async def boxed(x: int = 1) -> int:
    box = Box()
    await box.add(x)
    await box.add(7)
    return await total.aio(xs=box.outs)


@driver.task
async def dyn(n: int) -> int:
    outs = []
    for i in range(n):
        await add(outs, i)
    return await total.aio(xs=outs)


@driver.task
async def wdyn(n: int = 3) -> int:
    return await dyn(n=n)


@driver.task
async def closure(x: int = 1) -> int:
    outs = []

    async def put(y):
        outs.append(await f.aio(x=y))

    await put(x)
    await put(2)
    return await total.aio(xs=outs)


@driver.task
async def keyed(x: int = 1) -> int:
    outs = {}

    async def put(k, y):
        outs[k] = await f.aio(x=y)

    await put("a", x)
    await put("b", 2)
    return await total.aio(xs=[outs["a"], outs["b"]])


@driver.task
async def counted(x: int = 1) -> int:
    last = await f.aio(x=x)

    async def advance(y: int) -> int:
        nonlocal last
        last = await f.aio(x=y)
        return await f.aio(x=last)

    first = await advance(last)
    await advance(first)
    return await f.aio(x=last)


LAST = None


async def remember(y: int) -> None:
    global LAST
    LAST = await f.aio(x=y)


@driver.task
async def remembered(x: int = 1) -> int:
    await remember(x)
    return await f.aio(x=LAST)
