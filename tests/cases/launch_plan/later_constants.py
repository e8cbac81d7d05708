"""The launch plan needs something defined below its workflow, so it cannot stand above it."""

from flytekit import LaunchPlan, task, workflow


@task
def work(region: str) -> str:
    return region


@workflow
def wf(region: str = "eu") -> str:
    return work(region=region)


HOME = "us"

at_home = LaunchPlan.get_or_create(wf, "at_home", default_inputs={"region": HOME})
