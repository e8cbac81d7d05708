import asyncio

import flyte

env = flyte.TaskEnvironment(name="two")


@env.task
async def double(x: int) -> int:
    return 2 * x


@env.task
async def main(n: int = 3) -> list[int]:
    return list(await asyncio.gather(*(double(x) for x in range(n))))
