"""Tasks that draw."""

from flytekit import map_task, task, workflow


@task
def numbers(n: int) -> list[int]:
    return list(range(n))


@task
def draw(x: int) -> str:
    from flytekit.interfaces.random import random

    return str(random.getrandbits(64))


@task
def different(drawn: list[str]) -> int:
    return len(set(drawn))


@workflow
def draws(n: int) -> int:
    return different(drawn=map_task(draw)(x=numbers(n=n)))
