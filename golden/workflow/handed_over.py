"""A task handed to code that calls it and awaits nothing: said, since no such code can be rewritten."""

from typing import List

import flyte

env = flyte.TaskEnvironment(name="handed_over")
driver = flyte.TaskEnvironment(
    name="handed_over-workflows", resources=flyte.Resources(cpu=1, memory="500Mi"), depends_on=[env]
)


@env.task
def double(x: int) -> int:
    return 2 * x


@driver.task
async def mapped(xs: List[int]) -> List[int]:
    kept = [double]
    print(len(kept), double)
    # TODO(flyte-bridge FB254): `map` is given what is awaited in Flyte 2, and may call it without: map(double, xs)
    return list(map(double, xs))


@driver.task
async def wf(xs: List[int] = [1, 2]) -> List[int]:
    return await mapped(xs=xs)
