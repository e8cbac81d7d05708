from datetime import datetime

from flytekit import CronSchedule, LaunchPlan, task, workflow


@task
def report(kickoff: datetime, n: int, rate: float) -> str:
    return f"{kickoff:%Y-%m-%d} {n} {rate}"


@workflow
def wf(kickoff: datetime = datetime(2024, 1, 1), n: int = 1, rate: float = 0.5) -> str:
    return report(kickoff=kickoff, n=n, rate=rate)


# Every night at two.
nightly = LaunchPlan.get_or_create(
    workflow=wf,
    name="nightly",
    schedule=CronSchedule(schedule="0 2 * * *", kickoff_time_input_arg="kickoff"),
    default_inputs={"n": 3},
    fixed_inputs={"rate": 2.0},
    auto_activate=True,
)
