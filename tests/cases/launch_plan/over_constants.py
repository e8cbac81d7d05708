from datetime import timedelta

from flytekit import CronSchedule, FixedRate, LaunchPlan, task, workflow


@task
def load(region: str, days: int) -> str:
    return f"{region}:{days}"


@workflow
def daily(region: str = "eu", days: int = 1) -> str:
    return load(region=region, days=days)


REGIONS = {"eu": 6, "us": 12}
plans = []

# One for each region.
for region, hour in REGIONS.items():
    name = f"daily_{region}"
    # at its own hour
    plan = LaunchPlan.get_or_create(
        name=name,
        workflow=daily,
        fixed_inputs={"region": region},
        schedule=CronSchedule(schedule=f"0 {hour} * * *"),
    )
    plans.append(plan)

by_days = {
    days: LaunchPlan.get_or_create(daily, f"days_{days}", default_inputs={"days": days}) for days in range(1, 3)
}

pair = [
    LaunchPlan.get_or_create(daily, "first", schedule=FixedRate(duration=timedelta(hours=1))),
    LaunchPlan.get_or_create(daily, "second", schedule=FixedRate(duration=timedelta(hours=2))),
]

for days in (10, 20):
    for region in ["asia"]:
        LaunchPlan.get_or_create(daily, f"{region}_{days}", fixed_inputs={"region": region, "days": days * 2})
