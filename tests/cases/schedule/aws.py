"""`cron_expression` is AWS's form; flytekit 1.16 refuses it, older code has it."""

from flytekit import CronSchedule, LaunchPlan, task, workflow


@task
def tick() -> int:
    return 1


@workflow
def wf() -> int:
    return tick()


weekdays = LaunchPlan.get_or_create(wf, "weekdays", schedule=CronSchedule(cron_expression="0 10 ? * 2-6 *"))
first = LaunchPlan.get_or_create(wf, "first", schedule=CronSchedule(cron_expression="0/15 3 1 * ? *"))
last = LaunchPlan.get_or_create(wf, "last", schedule=CronSchedule(cron_expression="0 3 L * ? *"))
