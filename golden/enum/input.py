"""An enum among the inputs of a workflow."""

from enum import Enum
from typing import List

import flyte

env = flyte.TaskEnvironment(name="input")
driver = flyte.TaskEnvironment(
    name="input-workflows",
    resources=flyte.Resources(cpu=1, memory="500Mi"),
    depends_on=[env],
)


class Color(Enum):
    RED = "red"
    BLUE = "blue"


@env.task
def shade(color: Color) -> str:
    return f"dark {color.value}"


@driver.task
async def wf(color: Color = Color.RED, others: List[int] = [1]) -> str:
    return await shade.aio(color=color)


if __name__ == "__main__":
    flyte.init()
    print(flyte.run(wf).outputs()[0], flyte.run(wf, color=Color.BLUE).outputs()[0])
