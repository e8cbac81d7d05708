"""A `map_task(...)` or a partial held by a variable, used otherwise than called."""

import asyncio
from functools import partial
from typing import List

import flyte

env = flyte.TaskEnvironment(name="variables")
driver = flyte.TaskEnvironment(
    name="variables-workflows",
    resources=flyte.Resources(cpu=1, memory="500Mi"),
    depends_on=[env],
)


@env.task
def scale(x: int, factor: int = 2) -> int:
    return x * factor


@env.task
def shift(x: int) -> int:
    return x + 1


@driver.task
async def called(xs: List[int]) -> List[int]:
    return await asyncio.gather(*(scale.aio(factor=3, x=x) for x in xs))


@driver.task
async def kept(xs: List[int]) -> List[int]:
    tripled = partial(scale, factor=3)
    print(tripled)
    return await asyncio.gather(*(scale.aio(factor=3, x=x) for x in xs))


@driver.task
async def chosen(xs: List[int], up: bool = True) -> List[int]:
    from flytekit import map_task

    if up:
        # TODO(flyte-bridge FB103): flytekit.map_task is still used here
        mapped = map_task(shift)
    else:
        # TODO(flyte-bridge FB103): flytekit.map_task is still used here
        mapped = map_task(scale)
    # TODO(flyte-bridge FB213): `mapped` holds a `map_task(...)`, but which one when it is used is not known here
    return mapped(x=xs)


@driver.task
async def listed(xs: List[int]) -> List[int]:
    from flytekit import map_task

    # TODO(flyte-bridge FB103): flytekit.map_task is still used here
    mapped = map_task(shift)
    # TODO(flyte-bridge FB213): `mapped` is a `map_task(...)` that is used where it is not called
    every = [mapped]
    return every[0](x=xs)


if __name__ == "__main__":
    flyte.init()
    print(flyte.run(called, xs=[1, 2]).outputs()[0], flyte.run(kept, xs=[1, 2]).outputs()[0], flyte.run(chosen, xs=[1, 2]).outputs()[0], flyte.run(listed, xs=[1, 2]).outputs()[0])
