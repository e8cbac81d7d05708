import asyncio

from flytekit import task, workflow


@task
async def fetch(x: int) -> int:
    await asyncio.sleep(0)
    return x + 1


@workflow
def wf(x: int = 1) -> int:
    return fetch(x=x)
