"""`cron_expression` is AWS's form; flytekit 1.16 refuses it, older code has it."""

import flyte

env = flyte.TaskEnvironment(name="aws")
driver = flyte.TaskEnvironment(name="aws-workflows", resources=flyte.Resources(cpu=1, memory="500Mi"), depends_on=[env])


@env.task
def tick() -> int:
    return 1


weekdays = flyte.Trigger("weekdays", flyte.Cron("0 10 * * 1-5"), auto_activate=False)
first = flyte.Trigger("first", flyte.Cron("0/15 3 1 * *"), auto_activate=False)
last = flyte.Trigger("last", auto_activate=False)


# TODO(flyte-bridge FB346): "0 3 L * ? *" uses L, W, # or a year, which five fields cannot say
@driver.task(triggers=(weekdays, first, last))
async def wf() -> int:
    return await tick.aio()
