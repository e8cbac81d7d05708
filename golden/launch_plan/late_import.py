"""Flyte 1's names may be imported below the workflow: the trigger does not need them."""

import flyte

env = flyte.TaskEnvironment(name="late_import")
driver = flyte.TaskEnvironment(
    name="late_import-workflows", resources=flyte.Resources(cpu=1, memory="500Mi"), depends_on=[env]
)


@env.task
def work(n: int) -> int:
    return n


often = flyte.Trigger("often", flyte.Cron("*/10 * * * *"), auto_activate=False)


@driver.task(triggers=often)
async def wf(n: int = 1) -> int:
    return await work.aio(n=n)


MINUTE = 5
