"""A partial of a launch plan at module level: its workflow is bound, with the plan's inputs; a trigger cannot be called."""

from functools import partial
from typing import Tuple

from flytekit import LaunchPlan, task, workflow


@task
def join(x: int, y: int) -> int:
    return x * 10 + y


@workflow
def sub(x: int, y: int = 2) -> int:
    return join(x=x, y=y)


plan = LaunchPlan.get_or_create(sub, "sub_plan", default_inputs={"y": 7})
three = partial(plan, x=3)
other = partial(plan, y=5)


@workflow
def wf(x: int = 1) -> Tuple[int, int]:
    return three(), other(x=x)
