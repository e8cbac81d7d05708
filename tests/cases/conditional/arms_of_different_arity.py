"""Arms that give different numbers of outputs: Flyte 1 keeps what all of them have."""

from typing import Tuple

from flytekit import conditional, task, workflow


@task
def one(x: int) -> int:
    return x


@task
def two(x: int) -> Tuple[int, str]:
    return x + 1, "a"


@workflow
def passed_on(x: int = 1) -> int:
    kept = conditional("few").if_(x > 1).then(one(x=x)).else_().then(two(x=x))
    return one(x=kept)


@workflow
def returned(x: int = 2) -> int:
    return conditional("many").if_(x > 1).then(two(x=x)).elif_(x == 0).then(one(x=x)).else_().fail("negative")


@workflow
def unused(x: int = 1):
    conditional("nobody").if_(x > 1).then(one(x=x)).else_().then(two(x=x))
