"""Two chains that have nothing to do with each other."""

import asyncio
from typing import Tuple

import flyte

env = flyte.TaskEnvironment(name="chains")
driver = flyte.TaskEnvironment(
    name="chains-workflows",
    resources=flyte.Resources(cpu=1, memory="500Mi"),
    depends_on=[env],
)


@env.task
def fetch(day: int) -> int:
    return day * 10


@env.task
def clean(raw: int) -> int:
    return raw + 1


@env.task
def weather(day: int) -> float:
    return day / 2


@env.task
def smooth(value: float) -> float:
    return value * 0.9


@driver.task
async def chains(day: int = 3) -> Tuple[int, float]:
    async def run_clean() -> int:
        # sales
        raw = await fetch.aio(day=day)
        return await clean.aio(raw=raw)

    async def run_smooth() -> float:
        # weather
        measured = await weather.aio(day=day)
        return await smooth.aio(value=measured)

    sales, smoothed = await asyncio.gather(run_clean(), run_smooth())
    return sales, smoothed
