import flyte

env = flyte.TaskEnvironment(name="as_node")
driver = flyte.TaskEnvironment(
    name="as_node-workflows",
    resources=flyte.Resources(cpu=1, memory="500Mi"),
    depends_on=[env],
)


@env.task
def work(n: int) -> int:
    return n + 1


inner_plan = flyte.Trigger("inner_plan", inputs={"n": 5}, auto_activate=False)


@driver.task(triggers=inner_plan)
async def inner(n: int = 1) -> int:
    return await work.aio(n=n)


@driver.task
async def outer(n: int = 2) -> int:
    return await inner(n=n)
