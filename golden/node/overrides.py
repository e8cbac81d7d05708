"""`with_overrides` on a call, on a result, on a node."""

from datetime import timedelta

import flyte

env = flyte.TaskEnvironment(name="overrides")
driver = flyte.TaskEnvironment(
    name="overrides-workflows", resources=flyte.Resources(cpu=1, memory="500Mi"), depends_on=[env]
)


@env.task
def train(x: int) -> int:
    return x * 2


@env.task
def score(x: int) -> int:
    return x + 1


@driver.task
async def overrides(x: int = 2) -> int:
    fitted = await train.override(resources=flyte.Resources(cpu="2", memory="1Gi"), retries=3).aio(x=x)
    result = await score.override(short_name="final-score", timeout=timedelta(minutes=5), interruptible=True).aio(
        x=fitted
    )
    return result


@driver.task
async def cached(x: int = 2) -> int:
    return await score.override(cache="disable").aio(
        x=await train.override(cache=flyte.Cache("auto", version_override="2")).aio(x=x)
    )


@driver.task
async def no_counterpart(x: int = 2) -> int:
    # TODO(flyte-bridge FB204): `with_overrides(container_image=...)` was left out: the image belongs to the task environment: declare the task again in one with this image
    return await train.override(short_name="big").aio(x=x)


@driver.task
async def merged(x: int = 2) -> int:
    return await train.override(resources=flyte.Resources(cpu=("1", "2"), memory=("1Gi", "2Gi"))).aio(x=x)
