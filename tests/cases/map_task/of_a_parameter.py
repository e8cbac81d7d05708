"""Maps of what a parameter holds, and of inputs that stand elsewhere."""

from functools import partial
from typing import List, Tuple

from flytekit import map_task, task, workflow


@task
def scaled(x: int, by: int) -> int:
    return x * by


def mapped(step, xs):
    return map_task(step)(x=xs)


def limited(step, xs):
    return map_task(step, concurrency=2)(x=xs)


def unread(step, **inputs):
    return map_task(step)(**inputs)


@workflow
def wf(xs: List[int] = [1, 2]) -> Tuple[List[int], List[int]]:
    return mapped(partial(scaled, by=2), xs), limited(partial(scaled, by=3), xs)


@workflow
def other(xs: List[int] = [1, 2]) -> List[int]:
    return unread(partial(scaled, by=2), x=xs)
