"""A trigger cannot carry lists and dictionaries (flyte 2.12.1): a small task can."""

from typing import Dict, List

from flytekit import CronSchedule, LaunchPlan, task, workflow


@task
def total(xs: List[int], weights: Dict[str, float], factor: int) -> float:
    return factor * sum(xs) * sum(weights.values())


@workflow
def wf(xs: List[int] = [1], weights: Dict[str, float] = {"a": 1.0}, factor: int = 1) -> float:
    return total(xs=xs, weights=weights, factor=factor)


weekly = LaunchPlan.get_or_create(
    wf,
    "weekly",
    schedule=CronSchedule(schedule="@weekly"),
    default_inputs={"xs": [1, 2, 3]},
    fixed_inputs={"factor": 10},
)

if __name__ == "__main__":
    print(wf())
