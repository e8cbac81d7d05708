"""Plain Python between the calls: Flyte 1 ran it when the workflow was compiled."""

import asyncio
import os
from datetime import datetime, timedelta
from typing import List, Tuple

import flyte

env = flyte.TaskEnvironment(name="plain_python")
driver = flyte.TaskEnvironment(
    name="plain_python-workflows", resources=flyte.Resources(cpu=1, memory="500Mi"), depends_on=[env]
)

RATES = {"low": 0.1, "high": 0.5}


@env.task
def train(rows: int, rate: float, name: str) -> float:
    return rows * rate


@env.task
def best(scores: List[float]) -> float:
    return max(scores)


@env.task
def since(start: datetime, days: int) -> str:
    return (start + timedelta(days=days)).strftime("%Y")


@driver.task
async def constants(rows: int = 10) -> float:
    name = "model-" + "a"
    rate = RATES["low"] * 2
    score = await train.aio(rows=rows, rate=rate, name=name)
    print("compiled")
    return score


@driver.task
async def printed(rows: int = 10) -> float:
    """A promise in an f-string: the value now, its repr then."""
    score = await train.aio(rows=rows, rate=0.5, name=f"model-{'b'}")
    print(f"score: {score}")
    return score


@driver.task
async def loops(rows: int = 10) -> float:
    scores = await asyncio.gather(*(train.aio(rows=rows, rate=rate, name=name) for name, rate in RATES.items()))
    return await best.aio(scores=scores)


@driver.task
async def comprehension(rows: int = 10) -> float:
    scores = await asyncio.gather(*(train.aio(rows=rows, rate=rate, name="x") for rate in (0.1, 0.2, 0.3)))
    return await best.aio(scores=scores)


@driver.task
async def frozen() -> Tuple[str, str]:
    now = datetime.now()
    home = os.environ.get("PIPELINE_STAGE", "dev")
    year, since_result = await asyncio.gather(
        since.aio(start=now, days=0), since.aio(start=datetime(2020, 1, 1), days=len(home))
    )
    return year, since_result
