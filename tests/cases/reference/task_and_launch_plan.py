from flytekit import reference_launch_plan, reference_task, task, workflow


@reference_task(project="wine", domain="production", name="cellar.count", version="v1")
def count(bottles: int) -> int: ...


@reference_launch_plan(project="wine", domain="production", name="cellar.nightly", version="v1")
def nightly(n: int) -> int: ...


@task
def double(x: int) -> int:
    return 2 * x


@workflow
def wf(x: int = 1) -> int:
    return double(x=x)
