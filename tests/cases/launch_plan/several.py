from datetime import timedelta

from flytekit import FixedRate, LaunchPlan, task, workflow


@task
def work(n: int) -> int:
    return n + 1


@workflow
def wf(n: int = 1) -> int:
    return work(n=n)


often = LaunchPlan.get_or_create(wf, "often", schedule=FixedRate(duration=timedelta(minutes=10)))
by_hand = LaunchPlan.create("by_hand", wf, fixed_inputs={"n": 7})
default = LaunchPlan.get_or_create(wf)
LaunchPlan.get_or_create(wf, name="nobody keeps it", max_parallelism=5, overwrite_cache=True)
