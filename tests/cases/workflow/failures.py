"""What happens when a node fails: handlers and policies."""

from typing import Optional, Tuple

from flytekit import WorkflowFailurePolicy, task, workflow
from flytekit.types.error.error import FlyteError


@task
def create(name: str) -> str:
    print("create", name)
    return name


@task
def break_it(name: str) -> str:
    if name == "bad":
        raise ValueError("broken")
    return name


@task
def finish(name: str) -> str:
    print("finish", name)
    return name + "!"


@task
def clean_up(name: str, err: Optional[FlyteError] = None) -> None:
    print("clean up", name)


@workflow(on_failure=clean_up)
def handled(name: str = "good") -> str:
    """Cleans up when something fails."""
    created = create(name=name)
    broken = break_it(name=created)
    return finish(name=broken)


@workflow(on_failure=clean_up, failure_policy=WorkflowFailurePolicy.FAIL_AFTER_EXECUTABLE_NODES_COMPLETE)
def failing(name: str = "bad") -> Tuple[str, str]:
    first = create(name=name)
    second = break_it(name=name)
    return first, finish(name=second)


@workflow(failure_policy=WorkflowFailurePolicy.FAIL_AFTER_EXECUTABLE_NODES_COMPLETE)
def patient(name: str = "good") -> Tuple[str, str]:
    return finish(name=create(name=name)), break_it(name=name)


@workflow(failure_policy=WorkflowFailurePolicy.FAIL_IMMEDIATELY)
def impatient(name: str = "good") -> None:
    create(name=name)
    finish(name=name)
