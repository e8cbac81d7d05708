"""What an environment refers to is defined between the tasks."""

import flyte

env = flyte.TaskEnvironment(name="definitions_below")


@env.task
def start(n: int) -> int:
    return n


BIG = flyte.Resources(cpu="4", memory="8Gi")
crunch_env = flyte.TaskEnvironment(name="definitions_below-crunch", resources=BIG)
driver = flyte.TaskEnvironment(
    name="definitions_below-workflows",
    resources=flyte.Resources(cpu=1, memory="500Mi"),
    depends_on=[env, crunch_env],
)


@crunch_env.task
def crunch(n: int) -> int:
    return n * n


@driver.task
async def wf(n: int = 6) -> int:
    return await crunch.aio(n=await start.aio(n=n))
