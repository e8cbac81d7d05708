"""Maps: partials with any bound argument, the mapped argument in any position, several mapped inputs."""

import asyncio
from typing import List, Optional

import flyte

env = flyte.TaskEnvironment(name="maps")
driver = flyte.TaskEnvironment(
    name="maps-workflows", resources=flyte.Resources(cpu=1, memory="500Mi"), depends_on=[env]
)


@env.task
def scale(x: float, factor: float, offset: float = 0.0) -> float:
    return x * factor + offset


@env.task
def square(x: int) -> int:
    return x * x


@env.task
def numbers(n: int) -> List[int]:
    return list(range(n))


@env.task
def total(values: List[int]) -> int:
    return sum(values)


@driver.task
async def simple(n: int = 4) -> int:
    xs = await numbers.aio(n=n)
    values = await asyncio.gather(*(square.aio(x=x) for x in xs))
    return await total.aio(values=values)


@driver.task
async def first_bound(xs: List[float] = [1.0, 2.0]) -> List[float]:
    return await asyncio.gather(*(scale.aio(x=3.0, offset=1.0, factor=factor) for factor in xs))


@driver.task
async def last_bound(xs: List[float] = [1.0, 2.0], factor: float = 2.0) -> List[float]:
    return await asyncio.gather(*(scale.aio(factor=factor, offset=0.5, x=x) for x in xs))


@driver.task
async def two_mapped(xs: List[float] = [1.0, 2.0], factors: List[float] = [3.0, 4.0]) -> List[float]:
    return await asyncio.gather(
        *(scale.aio(x=x, factor=factor, offset=offset) for x, factor, offset in zip(xs, factors, factors, strict=True))
    )


@driver.task
async def bounded(xs: List[int] = [1, 2, 3]) -> List[int]:
    limit = asyncio.Semaphore(2)

    async def limited_square(x):
        async with limit:
            return await square.aio(x=x)

    return await asyncio.gather(*(limited_square(x) for x in xs))


@driver.task
async def bounded_beside(xs: List[int] = [1, 2, 3]) -> int:
    async def run_total() -> int:
        limit = asyncio.Semaphore(2)

        async def limited_square(x):
            async with limit:
                return await square.aio(x=x)

        squares = await asyncio.gather(*(limited_square(x) for x in xs))
        return await total.aio(values=squares)

    total_result, _ = await asyncio.gather(run_total(), numbers.aio(n=3))
    return total_result


@env.task
def picky(x: int) -> int:
    if x == 2:
        raise ValueError("not two")
    return x


@driver.task
async def tolerant(xs: List[int] = [1, 2, 3, 4]) -> List[Optional[int]]:
    results = await asyncio.gather(*(picky.aio(x=x) for x in xs), return_exceptions=True)
    errors = [result for result in results if isinstance(result, BaseException)]
    if errors and len(results) - len(errors) < 0.5 * len(results):
        raise errors[0]
    return [None if isinstance(result, BaseException) else result for result in results]


@driver.task
async def overridden(xs: List[int] = [1, 2, 3]) -> List[int]:
    return await asyncio.gather(*(square.override(retries=2).aio(x=x) for x in xs))
