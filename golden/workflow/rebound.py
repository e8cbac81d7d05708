"""A variable that is bound again, in a chain and beside others."""

import asyncio

import flyte

env = flyte.TaskEnvironment(name="rebound")
driver = flyte.TaskEnvironment(
    name="rebound-workflows",
    resources=flyte.Resources(cpu=1, memory="500Mi"),
    depends_on=[env],
)


@env.task
def step(x: int) -> int:
    return x + 1


@env.task
def other(x: int) -> int:
    return x * 10


@env.task
def join(x: int, y: int, z: int) -> int:
    return x + y + z


@driver.task
async def in_a_chain(x: int = 1) -> int:
    x = await step.aio(x=x)
    x = await other.aio(x=x)
    x = await step.aio(x=x)
    return x


@driver.task
async def side_by_side(x: int = 1) -> int:
    async def run_other() -> int:
        value = await step.aio(x=x)
        return await other.aio(x=value)

    async def run_step() -> tuple[int, int]:
        value_2 = await other.aio(x=x)
        second = await step.aio(x=value_2)
        value_3 = await step.aio(x=second)
        return second, value_3

    first, (second, value_3) = await asyncio.gather(run_other(), run_step())
    return await join.aio(x=first, y=second, z=value_3)
