"""Arguments bound by `functools.partial` before a task is called."""

from typing import List

import flyte

env = flyte.TaskEnvironment(name="partial_of_a_task")
driver = flyte.TaskEnvironment(
    name="partial_of_a_task-workflows",
    resources=flyte.Resources(cpu=1, memory="500Mi"),
    depends_on=[env],
)


@env.task
def scale(rows: List[int], factor: int, offset: int = 0) -> List[int]:
    return [row * factor + offset for row in rows]


@env.task
def total(rows: List[int]) -> int:
    return sum(rows)


@driver.task
async def wf(rows: List[int] = [1, 2, 3], factor: int = 2) -> int:
    first = await scale.aio(factor=factor, offset=1, rows=rows)
    second = await scale.aio(factor=factor, rows=first, offset=5)
    return await total.aio(rows=second)


if __name__ == "__main__":
    flyte.init()
    print(flyte.run(wf).outputs()[0])
