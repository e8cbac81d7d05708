import asyncio

from flytekit import task


@task(retries=1)
async def fetch(x: int) -> int:
    await asyncio.sleep(0)
    return x + 1
