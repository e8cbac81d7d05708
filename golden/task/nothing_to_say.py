"""Parameters Flyte 2 has nothing for are reported, one by one."""

import flyte

env = flyte.TaskEnvironment(name="nothing_to_say")
driver = flyte.TaskEnvironment(
    name="nothing_to_say-workflows",
    resources=flyte.Resources(cpu=1, memory="500Mi"),
    depends_on=[env],
)


@env.task(report=True)
def old(x: int) -> int:
    return x


@driver.task
async def wf(x: int = 1) -> int:
    return await old.aio(x=x)
