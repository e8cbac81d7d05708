import flyte

env = flyte.TaskEnvironment(name="inside_functions")
driver = flyte.TaskEnvironment(
    name="inside_functions-workflows",
    resources=flyte.Resources(cpu=1, memory="500Mi"),
    depends_on=[env],
)


@env.task
def where(x: int) -> str:

    return f"{x} {bool(flyte.ctx().action.run_name)}"


@driver.task
async def wf(x: int = 1) -> str:
    return await where.aio(x=x)
