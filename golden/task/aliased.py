import flyte

env = flyte.TaskEnvironment(name="aliased")
driver = flyte.TaskEnvironment(
    name="aliased-workflows",
    resources=flyte.Resources(cpu=1, memory="500Mi"),
    depends_on=[env],
)


@env.task(cache=flyte.Cache("auto", version_override="2"))
def first(x: int) -> int:
    return x + 1


@env.task(retries=1)
def second(x: int) -> int:
    return x * 2


@driver.task
async def wf(x: int = 4) -> int:
    return await second.aio(x=await first.aio(x=x))
