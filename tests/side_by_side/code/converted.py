"""What `pipeline.steady` and `pipeline.daily` become in Flyte 2."""

from datetime import datetime

import flyte

env = flyte.TaskEnvironment(name="converted")


@env.task
async def inc(x: int) -> int:
    return x + 1


@env.task
async def day(at: datetime, plus: int) -> int:
    return at.day + plus


@env.task
async def daily(at: datetime, plus: int = 0) -> int:
    return await day(at=at, plus=plus)
