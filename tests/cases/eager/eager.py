"""Eager workflows await already."""

import asyncio
from typing import List

from flytekit import eager, task, workflow


@task
def add_one(x: int) -> int:
    return x + 1


@task
async def double(x: int) -> int:
    return x * 2


@workflow
def both(x: int) -> int:
    return double(x=add_one(x=x))


@eager
async def simple(x: int = 2) -> int:
    out = await add_one(x=x)
    if out < 0:
        return -1
    return await double(x=out)


@eager
async def gathered(x: int = 3) -> int:
    outputs = []
    for i in range(x):
        outputs.append(add_one(x=i))
    results: List[int] = await asyncio.gather(*outputs)
    return sum(results) + await both(x=1)
