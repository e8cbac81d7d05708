"""Tasks in the members of an enum, by attribute, by name and in a loop."""

from enum import Enum
from typing import List, Tuple

from flytekit import task, workflow


@task
def add(x: int) -> int:
    return x + 1


@task
def double(x: int) -> int:
    return x * 2


class Step(Enum):
    ADD = (add,)
    DOUBLE = (double,)


@workflow
def wf(x: int = 3) -> Tuple[int, int]:
    return Step.ADD.value[0](x=x), Step["DOUBLE"].value[0](x=x)


@workflow
def chain(x: int = 3) -> int:
    for step in Step:
        x = step.value[0](x=x)
    return x
