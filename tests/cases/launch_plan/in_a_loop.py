from flytekit import LaunchPlan, task, workflow


@task
def work(region: str) -> str:
    return region


@workflow
def wf(region: str = "eu") -> str:
    return work(region=region)


for name in ("eu", "us"):
    LaunchPlan.get_or_create(wf, f"work-{name}", fixed_inputs={"region": name})
