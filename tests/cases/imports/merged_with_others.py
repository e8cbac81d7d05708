from typing import List

import numpy as np
from flytekit import map_task, task, workflow

import json


@task
def double(x: int) -> int:
    return int(np.multiply(x, 2))


@task
def dump(xs: List[int]) -> str:
    return json.dumps(xs)


@workflow
def wf(xs: List[int] = [1, 2, 3]) -> str:
    return dump(xs=map_task(double)(x=xs))
