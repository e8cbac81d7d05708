"""a feeds c and d, b feeds d only: level by level would be slower than Flyte 1."""

import asyncio

import flyte

env = flyte.TaskEnvironment(name="shared_upstream")
driver = flyte.TaskEnvironment(
    name="shared_upstream-workflows",
    resources=flyte.Resources(cpu=1, memory="500Mi"),
    depends_on=[env],
)


@env.task
def one(x: int) -> int:
    return x + 1


@env.task
def two(x: int) -> int:
    return x + 2


@env.task
def left(p: int) -> int:
    return p * 3


@env.task
def right(p: int, q: int) -> int:
    return p * q


@env.task
def join(r: int, s: int) -> int:
    return r - s


@driver.task
async def shared(x: int = 4) -> int:
    a_task = asyncio.create_task(one.aio(x=x))

    async def run_left() -> int:
        return await left.aio(p=await a_task)

    async def run_right() -> int:
        b = await two.aio(x=x)
        return await right.aio(p=await a_task, q=b)

    c, d = await asyncio.gather(run_left(), run_right())
    return await join.aio(r=c, s=d)
