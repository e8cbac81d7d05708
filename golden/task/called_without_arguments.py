import flyte

env = flyte.TaskEnvironment(name="called_without_arguments")
driver = flyte.TaskEnvironment(
    name="called_without_arguments-workflows",
    resources=flyte.Resources(cpu=1, memory="500Mi"),
    depends_on=[env],
)


@env.task
def double(x: int) -> int:
    return 2 * x


@driver.task
async def wf(x: int = 3) -> int:
    return await double.aio(x=x)
