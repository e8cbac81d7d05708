"""An enum among the inputs of a workflow."""

from enum import Enum
from typing import List

from flytekit import task, workflow


class Color(Enum):
    RED = "red"
    BLUE = "blue"


@task
def shade(color: Color) -> str:
    return f"dark {color.value}"


@workflow
def wf(color: Color = Color.RED, others: List[int] = [1]) -> str:
    return shade(color=color)


if __name__ == "__main__":
    print(wf(), wf(color=Color.BLUE))
