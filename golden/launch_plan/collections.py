"""A trigger cannot carry lists and dictionaries (flyte 2.12.1): a small task can."""

from typing import Dict, List

import flyte

env = flyte.TaskEnvironment(name="collections")
driver = flyte.TaskEnvironment(
    name="collections-workflows", resources=flyte.Resources(cpu=1, memory="500Mi"), depends_on=[env]
)


@env.task
def total(xs: List[int], weights: Dict[str, float], factor: int) -> float:
    return factor * sum(xs) * sum(weights.values())


@driver.task
async def wf(xs: List[int] = [1], weights: Dict[str, float] = {"a": 1.0}, factor: int = 1) -> float:
    return await total.aio(xs=xs, weights=weights, factor=factor)


@driver.task(triggers=flyte.Trigger("weekly", flyte.Cron("0 0 * * 0"), auto_activate=False))
async def weekly(xs: List[int] = [1, 2, 3], weights: Dict[str, float] = {"a": 1.0}) -> float:
    return await wf(xs=xs, weights=weights, factor=10)


if __name__ == "__main__":
    flyte.init()
    print(flyte.run(wf).outputs()[0])
