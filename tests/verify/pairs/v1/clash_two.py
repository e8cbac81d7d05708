from flytekit import LaunchPlan, task, workflow


@task
def two(n: int) -> int:
    return n + 2


@workflow
def plus_two(n: int = 1) -> int:
    return two(n=n)


nightly = LaunchPlan.get_or_create(plus_two, name="nightly", fixed_inputs={"n": 3})
