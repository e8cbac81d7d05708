"""Two chains that have nothing to do with each other."""

from typing import Tuple

from flytekit import task, workflow


@task
def fetch(day: int) -> int:
    return day * 10


@task
def clean(raw: int) -> int:
    return raw + 1


@task
def weather(day: int) -> float:
    return day / 2


@task
def smooth(value: float) -> float:
    return value * 0.9


@workflow
def chains(day: int = 3) -> Tuple[int, float]:
    # sales
    raw = fetch(day=day)
    sales = clean(raw=raw)

    # weather
    measured = weather(day=day)
    smoothed = smooth(value=measured)
    return sales, smoothed
