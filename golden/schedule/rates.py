from datetime import datetime, timedelta

import flyte

env = flyte.TaskEnvironment(name="rates")
driver = flyte.TaskEnvironment(
    name="rates-workflows", resources=flyte.Resources(cpu=1, memory="500Mi"), depends_on=[env]
)

PAUSE = timedelta(hours=2)
HOURS = 3


@env.task
def tick(at: datetime) -> datetime:
    return at


days = flyte.Trigger(
    "days",
    flyte.FixedRate(interval_minutes=2160),
    inputs={"at": flyte.TriggerTime},
    auto_activate=False,
)
named = flyte.Trigger("named", flyte.FixedRate(interval_minutes=120), auto_activate=False)
computed = flyte.Trigger(
    "computed", flyte.FixedRate(interval_minutes=int(timedelta(hours=HOURS).total_seconds() // 60)), auto_activate=False
)


@driver.task(triggers=(days, named, computed))
async def wf(at: datetime = datetime(2024, 1, 1)) -> datetime:
    return await tick.aio(at=at)
