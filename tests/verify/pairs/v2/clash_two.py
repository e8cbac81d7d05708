import flyte

env = flyte.TaskEnvironment(name="clash")


@env.task
def two(n: int) -> int:
    return n + 2


@env.task
async def plus_two(n: int = 1) -> int:
    return await two.aio(n=n)


@env.task(triggers=flyte.Trigger("nightly", auto_activate=False))
async def nightly() -> int:
    return await plus_two(n=4)
