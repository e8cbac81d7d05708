import asyncio
from typing import List

import flyte
import numpy as np

import json

env = flyte.TaskEnvironment(name="merged_with_others")
driver = flyte.TaskEnvironment(
    name="merged_with_others-workflows",
    resources=flyte.Resources(cpu=1, memory="500Mi"),
    depends_on=[env],
)


@env.task
def double(x: int) -> int:
    return int(np.multiply(x, 2))


@env.task
def dump(xs: List[int]) -> str:
    return json.dumps(xs)


@driver.task
async def wf(xs: List[int] = [1, 2, 3]) -> str:
    double_result = await asyncio.gather(*(double.aio(x=x) for x in xs))
    return await dump.aio(xs=double_result)
