"""The launch plan needs something defined below its workflow, so it cannot stand above it."""

import flyte

env = flyte.TaskEnvironment(name="later_constants")
driver = flyte.TaskEnvironment(
    name="later_constants-workflows", resources=flyte.Resources(cpu=1, memory="500Mi"), depends_on=[env]
)


@env.task
def work(region: str) -> str:
    return region


@driver.task
async def wf(region: str = "eu") -> str:
    return await work.aio(region=region)


HOME = "us"


@driver.task(triggers=flyte.Trigger("at_home", auto_activate=False))
async def at_home(region: str = HOME) -> str:
    return await wf(region=region)
