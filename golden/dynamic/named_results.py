"""Fields of a NamedTuple result, where the variable may hold more than one call's."""

import asyncio
from typing import List, NamedTuple

import flyte

env = flyte.TaskEnvironment(name="named_results")
driver = flyte.TaskEnvironment(
    name="named_results-workflows", resources=flyte.Resources(cpu=1, memory="500Mi"), depends_on=[env]
)

Best = NamedTuple("Best", score=int, name=str)
Only = NamedTuple("Only", score=int)


@env.task
def pick(x: int) -> Best:
    return Best(x + 1, f"n{x}")


@env.task
def lone(x: int) -> Only:
    return Only(x * 3)


@env.task
def double(x: int) -> int:
    return x * 2


@env.task
def pair(x: int) -> tuple[int, int]:
    return x + 1, x + 2


@driver.task
async def either(n: int) -> int:
    if n > 1:
        best = Best(*await pick.aio(x=n))
    else:
        best = Best(*await pick.aio(x=2))
    return await double.aio(x=best.score)


@driver.task
async def carried(n: int) -> int:
    best = Best(*await pick.aio(x=n))
    for _ in range(n):
        best = Best(*await pick.aio(x=best.score))
    return best.score


@driver.task
async def collected(n: int) -> List[int]:
    async def run_double():
        async def run_pick(i):
            return Best(*await pick.aio(x=i))

        found = await asyncio.gather(*(run_pick(i) for i in range(n)))
        return await asyncio.gather(*(double.aio(x=one.score) for one in found))

    async def run_double_2():
        async def run_lone(i):
            return Only(await lone.aio(x=i))

        more = await asyncio.gather(*(run_lone(i) for i in range(n)))
        return await asyncio.gather(*(double.aio(x=one.score) for one in more))

    double_result, double_result_2 = await asyncio.gather(run_double(), run_double_2())
    return double_result + double_result_2


@driver.task
async def by_another_name(n: int) -> str:
    best = Best(*await pick.aio(x=n))
    same = best
    return same.name


@driver.task
async def straight(n: int) -> str:
    best_score, _ = await pick.aio(x=n)
    _, best_name = await pick.aio(x=best_score)
    return best_name


@driver.task
async def places(n: int) -> int:
    both = await pair.aio(x=n)
    for _ in range(n):
        both = await pair.aio(x=both[0])
    return both[1]


@driver.task
async def nodes(n: int) -> int:
    if n > 1:
        node = await double.aio(x=n)
    else:
        node = await double.aio(x=2)
    return await double.aio(x=node)


if __name__ == "__main__":
    flyte.init()
    print(flyte.run(either, n=3).outputs()[0], flyte.run(carried, n=2).outputs()[0], flyte.run(collected, n=2).outputs()[0], flyte.run(by_another_name, n=1).outputs()[0], flyte.run(straight, n=1).outputs()[0], flyte.run(places, n=2).outputs()[0], flyte.run(nodes, n=3).outputs()[0])
