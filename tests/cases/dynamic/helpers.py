"""Plain functions that call tasks, called from a dynamic: Flyte 1 ran them inline."""

from typing import List

from flytekit import dynamic, task, workflow


@task
def fetch(day: int) -> int:
    return day * 10


@task
def merge(left: int, right: int) -> int:
    return left + right


def both(day: int):
    """Two calls and their merge."""
    left = fetch(day=day)
    right = fetch(day=7)
    return merge(left=left, right=right)


def width(values: List[int]) -> int:
    return len(values)


@dynamic
def with_helper(days: int = 3) -> List[int]:
    return [both(day) for day in range(days)]


@workflow
def in_workflow(day: int = 3) -> int:
    first = both(day)
    return merge(left=first, right=1)
