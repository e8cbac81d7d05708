from datetime import datetime

import flyte

env = flyte.TaskEnvironment(name="kickoff_and_inputs")
driver = flyte.TaskEnvironment(
    name="kickoff_and_inputs-workflows", resources=flyte.Resources(cpu=1, memory="500Mi"), depends_on=[env]
)


@env.task
def stamp(when: datetime, tag: str, days: int) -> str:
    return f"{when:%Y-%m-%d} {tag} {days}"


@driver.task
async def report(when: datetime, tag: str, days: int = 1) -> str:
    return await stamp.aio(when=when, tag=tag, days=days)


# The time comes from the schedule, the tag is fixed.
@driver.task(
    triggers=flyte.Trigger(
        "report_daily",
        flyte.Cron("0 6 * * *"),
        inputs={"when": flyte.TriggerTime},
        auto_activate=False,
    ),
)
async def daily(when: datetime) -> str:
    return await report(when=when, tag="daily")


@driver.task(
    triggers=flyte.Trigger(
        "report_weekly",
        flyte.Cron("0 6 * * 1"),
        inputs={"when": flyte.TriggerTime},
        auto_activate=False,
    ),
)
async def weekly(when: datetime) -> str:
    return await report(when=when, tag="weekly", days=7)


# Nothing but the time: a trigger of the workflow itself.
hourly = flyte.Trigger("plain_hourly", flyte.Cron("0 * * * *"), inputs={"when": flyte.TriggerTime}, auto_activate=False)


@driver.task(triggers=hourly)
async def plain(when: datetime) -> str:
    return await stamp.aio(when=when, tag="plain", days=1)
