from flytekit import LaunchPlan, task, workflow


@task
def work(n: int) -> int:
    return n + 1


@workflow
def inner(n: int = 1) -> int:
    return work(n=n)


inner_plan = LaunchPlan.get_or_create(inner, "inner_plan", default_inputs={"n": 5})


@workflow
def outer(n: int = 2) -> int:
    return inner_plan(n=n)
