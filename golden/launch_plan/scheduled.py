from datetime import datetime

import flyte

env = flyte.TaskEnvironment(name="scheduled")
driver = flyte.TaskEnvironment(
    name="scheduled-workflows",
    resources=flyte.Resources(cpu=1, memory="500Mi"),
    depends_on=[env],
)


@env.task
def report(kickoff: datetime, n: int, rate: float) -> str:
    return f"{kickoff:%Y-%m-%d} {n} {rate}"


@driver.task
async def wf(kickoff: datetime = datetime(2024, 1, 1), n: int = 1, rate: float = 0.5) -> str:
    return await report.aio(kickoff=kickoff, n=n, rate=rate)


# Every night at two.
@driver.task(
    triggers=flyte.Trigger(
        "nightly",
        flyte.Cron("0 2 * * *"),
        inputs={"kickoff": flyte.TriggerTime},
        auto_activate=True,
    ),
)
async def nightly(kickoff: datetime = datetime(2024, 1, 1)) -> str:
    return await wf(kickoff=kickoff, n=3, rate=2.0)
