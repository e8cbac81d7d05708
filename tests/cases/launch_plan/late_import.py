"""Flyte 1's names may be imported below the workflow: the trigger does not need them."""

from flytekit import task, workflow


@task
def work(n: int) -> int:
    return n


@workflow
def wf(n: int = 1) -> int:
    return work(n=n)


from flytekit import CronSchedule, LaunchPlan

MINUTE = 5

often = LaunchPlan.get_or_create(wf, "often", schedule=CronSchedule(schedule="*/10 * * * *"))
