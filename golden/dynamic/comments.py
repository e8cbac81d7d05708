"""Comments in and around loops that become one gather."""

import asyncio
from typing import List

import flyte

env = flyte.TaskEnvironment(name="comments")
driver = flyte.TaskEnvironment(
    name="comments-workflows",
    resources=flyte.Resources(cpu=1, memory="500Mi"),
    depends_on=[env],
)


@env.task
def double(x: int) -> int:
    return x * 2


@env.task
def join(xs: List[int]) -> int:
    return sum(xs)


@driver.task
async def one_call(n: int) -> int:
    # what comes out
    # in the order of the loop
    # one call per number
    # all at once
    # double it
    # never waits
    # nothing else happens
    results = await asyncio.gather(*(double.aio(x=i) for i in range(n)))
    # and add up
    return await join.aio(xs=results)  # the sum


@driver.task
async def two_calls(n: int) -> int:
    # all at once
    # keep it
    # kept
    # nothing else happens

    async def run_double(i):
        # once
        first = await double.aio(x=i)  # the first
        # and once more
        return await double.aio(x=first)  # the second

    results = await asyncio.gather(*(run_double(i) for i in range(n)))
    return await join.aio(xs=results)


@driver.task
async def carried(n: int) -> int:
    total = 0
    # adds up in turn
    double_tasks = [asyncio.create_task(double.aio(x=i)) for i in range(n)]
    for i, double_task in zip(range(n), double_tasks):  # header
        # beforehand
        # as tasks
        twice = await double_task
        # in turn
        total = await join.aio(xs=[total, twice])  # one by one
        # end of the loop
    return total


@driver.task
async def beside(n: int) -> int:
    # on the left
    # on the right
    a, b = await asyncio.gather(double.aio(x=n), double.aio(x=n + 1))
    return await join.aio(xs=[a, b])


if __name__ == "__main__":
    flyte.init()
    print(flyte.run(one_call, n=3).outputs()[0], flyte.run(two_calls, n=3).outputs()[0], flyte.run(carried, n=3).outputs()[0], flyte.run(beside, n=3).outputs()[0])
