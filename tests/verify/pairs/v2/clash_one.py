import flyte

env = flyte.TaskEnvironment(name="clash")

nightly = flyte.Trigger("nightly", inputs={"n": 2}, auto_activate=False)


@env.task
def one(n: int) -> int:
    return n + 1


@env.task(triggers=nightly)
async def plus_one(n: int = 1) -> int:
    return await one.aio(n=n)
