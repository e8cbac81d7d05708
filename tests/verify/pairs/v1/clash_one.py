from flytekit import LaunchPlan, task, workflow


@task
def one(n: int) -> int:
    return n + 1


@workflow
def plus_one(n: int = 1) -> int:
    return one(n=n)


nightly = LaunchPlan.get_or_create(plus_one, name="nightly", fixed_inputs={"n": 2})
