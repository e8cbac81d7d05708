import flyte

env = flyte.TaskEnvironment(name="long")
driver = flyte.TaskEnvironment(
    name="long-workflows", resources=flyte.Resources(cpu=1, memory="500Mi"), depends_on=[env]
)


@env.task(docs=flyte.Documentation(description="Doubles.\n\nTwice the number."))
def double(x: int) -> int:
    return 2 * x


@driver.task(docs=flyte.Documentation(description="Doubles once."))
async def wf(x: int = 2) -> int:
    return await double.aio(x=x)
