"""Nodes kept in a list: their order and their outputs are left to do by hand."""

import asyncio
from typing import List

import flyte

env = flyte.TaskEnvironment(name="in_lists")
driver = flyte.TaskEnvironment(
    name="in_lists-workflows",
    resources=flyte.Resources(cpu=1, memory="500Mi"),
    depends_on=[env],
)


@env.task
def step(x: int) -> int:
    return x


@driver.task
async def listed(x: int = 3) -> List[int]:
    step_result, step_result_2 = await asyncio.gather(step.aio(x=x), step.aio(x=4))
    nodes = [step_result, step_result_2]
    # the first comes first
    # TODO(flyte-bridge FB245): `nodes[0] >> nodes[1]` puts nodes in order, but which ones is not known here: it was left out
    # TODO(flyte-bridge FB223): `nodes[0].o0` is an output of a node, but which node's is not known here
    # TODO(flyte-bridge FB223): `nodes[1].o0` is an output of a node, but which node's is not known here
    return [nodes[0].o0, nodes[1].o0]


if __name__ == "__main__":
    flyte.init()
    print(flyte.run(listed, x=3).outputs()[0])
