import asyncio
from typing import List, NamedTuple, Tuple

import flyte

env = flyte.TaskEnvironment(name="int_for_a_float")
driver = flyte.TaskEnvironment(
    name="int_for_a_float-workflows",
    resources=flyte.Resources(cpu=1, memory="500Mi"),
    depends_on=[env],
)

Stats = NamedTuple("Stats", total=int, mean=float)


@env.task
def half(x: float) -> float:
    return x / 2


@env.task
def three() -> int:
    return 3


@env.task
def two() -> Tuple[int, float]:
    return 2, 0.5


@env.task
def stats() -> Stats:
    return Stats(total=7, mean=0.5)


@env.task
def largest(xs: List[float]) -> float:
    return max(xs)


@driver.task
async def of_an_input(n: int = 3) -> float:
    return await half.aio(x=float(n))


@driver.task
async def of_a_task() -> float:
    return await half.aio(x=float(await three.aio()))


@driver.task
async def of_a_variable() -> Tuple[float, float]:
    number = await three.aio()
    return await half.aio(x=float(number)), float(number)


@driver.task
async def of_a_place() -> float:
    (a, b), three_result = await asyncio.gather(two.aio(), three.aio())
    return await largest.aio(xs=[float(a), b, float(three_result)])


@driver.task
async def of_a_field() -> float:
    s_total, _ = await stats.aio()
    return await half.aio(x=float(s_total))


@driver.task
async def returned() -> float:
    return float(await three.aio())


@driver.task
async def a_float_stays(x: float = 1.5) -> float:
    return await half.aio(x=x)
