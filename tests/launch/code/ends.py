"""Workflows whose nodes end without an action of their own, or whose child executions are recovered or aborted."""

from __future__ import annotations

import datetime
from pathlib import Path

from flytekit import LaunchPlan, conditional, dynamic, task, wait_for_input, workflow
from flytekit.core.array_node import array_node


@task
def same(i: int) -> int:
    return i


@task
def table() -> dict[str, int]:
    return {"a": 1}


@task
def pair(i: int) -> list[int]:
    return [i, i + 1]


@task
def needs(path: str) -> int:
    if not Path(path).exists():
        raise ValueError("not there yet")
    return 1


@workflow
def small(i: int) -> int:
    return conditional("c").if_(i > 5).then(same(i=i)).else_().fail("too small")


@workflow
def small_within(i: int) -> int:
    return small(i=i)


@workflow
def unbound() -> int:
    return same(i=table()["b"])


@workflow
def child(i: int) -> int:
    return same(i=i)


@workflow
def asking() -> int:
    return same(i=wait_for_input("number", timeout=datetime.timedelta(minutes=10), expected_type=int))


CHILD = LaunchPlan.get_or_create(child, name="ends.child-plan")
ASKING = LaunchPlan.get_or_create(asking, name="ends.asking-plan")


@workflow
def asks() -> int:
    return ASKING()


@workflow
def recovers(path: str) -> int:
    return CHILD(i=needs(path=path))


@dynamic
def spread(i: int) -> list[int]:
    return [CHILD(i=i), CHILD(i=i + 1)]


@workflow
def recovers_many(path: str) -> tuple[list[int], list[int]]:
    i = needs(path=path)
    return spread(i=i), array_node(CHILD)(i=pair(i=i))
