from typing import List

from flytekit import task, workflow


def describe(task: str, workflow: str) -> str:
    # these are plain words here
    return f"{task} of {workflow}"


@task
def label(names: List[str]) -> List[str]:
    return [describe(task=task, workflow="wf") for task in names]


@workflow
def wf(names: List[str] = ["a", "b"]) -> List[str]:
    return label(names=names)
