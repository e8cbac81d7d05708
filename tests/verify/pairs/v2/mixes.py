import flyte
from flytekit import task

env = flyte.TaskEnvironment(name="mixes")


@env.task
def half(n: int) -> float:
    return n / 2


@env.task
async def halves(n: int = 4) -> float:
    return await half.aio(n=n)
