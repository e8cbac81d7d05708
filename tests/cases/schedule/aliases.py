from flytekit import CronSchedule, LaunchPlan, task, workflow

EVERY = "@hourly"


@task
def tick() -> int:
    return 1


@workflow
def wf() -> int:
    return tick()


hourly = LaunchPlan.get_or_create(wf, "hourly", schedule=CronSchedule(EVERY and None, EVERY))
daily = LaunchPlan.get_or_create(wf, "daily", schedule=CronSchedule(schedule="Daily"))
monthly = LaunchPlan.get_or_create(wf, "monthly", schedule=CronSchedule(schedule="@monthly", offset="PT1H"))
yearly = LaunchPlan.get_or_create(wf, "yearly", schedule=CronSchedule(schedule=EVERY))
