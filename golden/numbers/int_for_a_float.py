import asyncio
from typing import Dict, List, NamedTuple, Tuple

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


@env.task
def ints() -> List[int]:
    return [1, 2]


@env.task
def table() -> Dict[str, int]:
    return {"a": 1}


@env.task
def total(xs: Dict[str, float]) -> float:
    return sum(xs.values()) / 2


@driver.task
async def of_a_list() -> float:
    return await largest.aio(xs=[float(number) for number in await ints.aio()])


@driver.task
async def of_a_dictionary() -> float:
    return await total.aio(
        xs={key: float(number) for key, number in (await table.aio()).items()}
    )


@driver.task
async def of_a_dictionary_written_here(n: int = 2) -> float:
    return await total.aio(xs={"a": float(await three.aio()), "b": float(n)})


@driver.task
async def mapped() -> List[float]:
    xs = await ints.aio()
    return await asyncio.gather(
        *(half.aio(x=x) for x in [float(number) for number in xs])
    )


@driver.task
async def a_list_of_an_input(numbers: List[int] = [1, 2]) -> List[float]:
    return await asyncio.gather(
        *(half.aio(x=x) for x in [float(number) for number in numbers])
    )
