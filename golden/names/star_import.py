import flyte

env = flyte.TaskEnvironment(name="star_import")
driver = flyte.TaskEnvironment(
    name="star_import-workflows",
    resources=flyte.Resources(cpu=1, memory="500Mi"),
    depends_on=[env],
)


@env.task(retries=1)
def double(x: int) -> int:
    return 2 * x


@driver.task
async def wf(x: int = 4) -> int:
    return await double.aio(x=x)
