"""Arms that give different numbers of outputs: Flyte 1 keeps what all of them have."""

from typing import Tuple

import flyte

env = flyte.TaskEnvironment(name="arms_of_different_arity")
driver = flyte.TaskEnvironment(
    name="arms_of_different_arity-workflows", resources=flyte.Resources(cpu=1, memory="500Mi"), depends_on=[env]
)


@env.task
def one(x: int) -> int:
    return x


@env.task
def two(x: int) -> Tuple[int, str]:
    return x + 1, "a"


@driver.task
async def passed_on(x: int = 1) -> int:
    if x > 1:
        kept = await one.aio(x=x)
    else:
        two_o0, _ = await two.aio(x=x)
        kept = two_o0
    return await one.aio(x=kept)


@driver.task
async def returned(x: int = 2) -> int:
    if x > 1:
        two_o0, _ = await two.aio(x=x)
        return two_o0
    elif x == 0:
        return await one.aio(x=x)
    else:
        raise ValueError("negative")


@driver.task
async def unused(x: int = 1):
    if x > 1:
        await one.aio(x=x)
    else:
        two_o0, _ = await two.aio(x=x)
