import flyte

env = flyte.TaskEnvironment(name="clash")


@env.task
def one(n: int) -> int:
    return n + 1


@env.task
async def plus_one(n: int = 1) -> int:
    return await one.aio(n=n)
