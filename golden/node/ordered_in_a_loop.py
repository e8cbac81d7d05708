"""`>>` between the node of one iteration and the next: they run in turn."""

from typing import List

import flyte

env = flyte.TaskEnvironment(name="ordered_in_a_loop")
driver = flyte.TaskEnvironment(
    name="ordered_in_a_loop-workflows",
    resources=flyte.Resources(cpu=1, memory="500Mi"),
    depends_on=[env],
)


@env.task
def step(x: int) -> int:
    return x


@driver.task
async def in_turn(n: int = 2) -> List[int]:
    previous = await step.aio(x=0)
    found = []
    for i in range(n):
        # one after the other
        current = await step.aio(x=i)
        previous = current
        found.append(current)
    return found


if __name__ == "__main__":
    flyte.init()
    print(flyte.run(in_turn, n=3).outputs()[0])
