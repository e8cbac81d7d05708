"""Maps of what a parameter holds, and of inputs that stand elsewhere."""

import asyncio
import functools
import inspect
from functools import partial
from typing import List, Tuple

import flyte

env = flyte.TaskEnvironment(name="of_a_parameter")
driver = flyte.TaskEnvironment(
    name="of_a_parameter-workflows",
    resources=flyte.Resources(cpu=1, memory="500Mi"),
    depends_on=[env],
)


async def call(callee, *args, **kwargs):
    """Call a task, a workflow or plain Python, whichever `callee` is, and await what must be awaited."""
    while isinstance(callee, functools.partial):
        callee, args, kwargs = callee.func, (*callee.args, *args), {**callee.keywords, **kwargs}
    result = getattr(callee, "aio", callee)(*args, **kwargs)
    return await result if inspect.isawaitable(result) else result


@env.task
def scaled(x: int, by: int) -> int:
    return x * by


async def mapped(step, xs):
    return await asyncio.gather(*(call(step, x=x) for x in xs))


async def limited(step, xs):
    limit = asyncio.Semaphore(2)

    async def limited_step(x):
        async with limit:
            return await call(step, x=x)

    return await asyncio.gather(*(limited_step(x) for x in xs))


async def unread(step, **inputs):
    from flytekit import map_task

    # TODO(flyte-bridge FB103): flytekit.map_task is still used here
    return map_task(step)(**inputs)


@driver.task
async def wf(xs: List[int] = [1, 2]) -> Tuple[List[int], List[int]]:
    mapped_result, limited_result = await asyncio.gather(
        mapped(partial(scaled, by=2), xs), limited(partial(scaled, by=3), xs)
    )
    return mapped_result, limited_result


@driver.task
async def other(xs: List[int] = [1, 2]) -> List[int]:
    return await unread(partial(scaled, by=2), x=xs)
