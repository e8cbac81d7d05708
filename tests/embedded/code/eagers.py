"""An eager task of Flyte 1, and what it calls: run unmodified on the embedded backend."""

import asyncio
import sys

from flytekit import eager, task, workflow


@task
async def inc(x: int) -> int:
    return x + 1


@task
def add(a: int, b: int) -> int:
    return a + b


@workflow
def twice(x: int) -> int:
    return add(a=add(a=x, b=1), b=0)


@eager
async def plan(x: int) -> tuple[int, bool]:
    a, b = await asyncio.gather(inc(x=x), inc(x=x + 10))
    if a < 100:
        a = twice(x=a)
    return add(a=a, b=b), "flyte" in sys.modules
