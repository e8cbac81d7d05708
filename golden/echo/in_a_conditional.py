import flyte

env = flyte.TaskEnvironment(name="in_a_conditional")
driver = flyte.TaskEnvironment(
    name="in_a_conditional-workflows",
    resources=flyte.Resources(cpu=1, memory="500Mi"),
    depends_on=[env],
)


@env.task
def up(x: int) -> int:
    return x + 10


@driver.task
async def wf(go: bool = False, x: int = 1) -> int:
    if go:
        return await up.aio(x=x)
    else:
        return x


@driver.task
async def pair(x: int = 1) -> tuple[int, str]:
    a, b = (await up.aio(x=x), "text")
    return a, b
