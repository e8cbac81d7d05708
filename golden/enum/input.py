"""An enum among the inputs of a workflow."""

from enum import Enum
from typing import List

import flyte
from flytekit import task, workflow


class Color(Enum):
    RED = "red"
    BLUE = "blue"


# TODO(flyte-bridge FB103): flytekit.task is still used here
@task
def shade(color: Color) -> str:
    return f"dark {color.value}"


# TODO(flyte-bridge FB103): flytekit.workflow is still used here
@workflow
async def wf(color: Color = Color.RED, others: List[int] = [1]) -> str:
    return await shade.aio(color=color)


if __name__ == "__main__":
    flyte.init()
    print(flyte.run(wf).outputs()[0], flyte.run(wf, color=Color.BLUE).outputs()[0])
