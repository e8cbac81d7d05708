from datetime import datetime, timedelta

from flytekit import FixedRate, LaunchPlan, task, workflow

PAUSE = timedelta(hours=2)
HOURS = 3


@task
def tick(at: datetime) -> datetime:
    return at


@workflow
def wf(at: datetime = datetime(2024, 1, 1)) -> datetime:
    return tick(at=at)


days = LaunchPlan.get_or_create(wf, "days", schedule=FixedRate(timedelta(days=1, hours=12), "at"))
named = LaunchPlan.get_or_create(wf, "named", schedule=FixedRate(duration=PAUSE))
computed = LaunchPlan.get_or_create(wf, "computed", schedule=FixedRate(duration=timedelta(hours=HOURS)))
