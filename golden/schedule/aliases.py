import flyte

env = flyte.TaskEnvironment(name="aliases")
driver = flyte.TaskEnvironment(
    name="aliases-workflows", resources=flyte.Resources(cpu=1, memory="500Mi"), depends_on=[env]
)

EVERY = "@hourly"


@env.task
def tick() -> int:
    return 1


hourly = flyte.Trigger("hourly", flyte.Cron("0 * * * *"), auto_activate=False)
daily = flyte.Trigger("daily", flyte.Cron("0 0 * * *"), auto_activate=False)
monthly = flyte.Trigger("monthly", flyte.Cron("0 0 1 * *"), auto_activate=False)
yearly = flyte.Trigger("yearly", flyte.Cron("0 * * * *"), auto_activate=False)


@driver.task(triggers=(hourly, daily, monthly, yearly))
async def wf() -> int:
    return await tick.aio()
