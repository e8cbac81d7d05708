"""Workflows of flytekit that the façade's tests register and run."""

from __future__ import annotations

import datetime
import enum
from dataclasses import dataclass
from pathlib import Path

from flytekit import CronSchedule, LaunchPlan, approve, conditional, dynamic, map_task, task, wait_for_input, workflow
from flytekit.types.error import FlyteError
from flytekit.types.file import FlyteFile


@task
def plus(a: int, b: int = 1) -> int:
    return a + b


@task
def twice(a: int) -> int:
    return 2 * a


@task
def fails(a: int) -> int:
    if a < 1000:
        raise ValueError("no " + "x" * 300)
    return a


@task
def cleans(a: int, err: FlyteError | None = None) -> None: ...


@task(retries=2)
def flaky(a: int) -> int:
    import os

    from flytekit.exceptions.user import FlyteRecoverableException

    if os.environ.get("FLYTE_ATTEMPT_NUMBER", "0") == "0":
        raise FlyteRecoverableException("once more")
    return a


@task(cache=True, cache_version="1")
def cached(a: int) -> int:
    return a


@task(enable_deck=True)
def decked(a: int) -> int:
    from flytekit import Deck

    Deck("mine", "<b>hello</b>")
    return a


@workflow
def inner(a: int) -> int:
    return plus(a=plus(a=a))


@workflow
def child(a: int, b: int = 5) -> int:
    return plus(a=a, b=b)


PLAN = LaunchPlan.get_or_create(child, name="flows.plan", default_inputs={"b": 7})
FIXED = LaunchPlan.get_or_create(child, name="flows.fixed", fixed_inputs={"b": 100})


@workflow
def everything(a: int = 1) -> int:
    x = inner(a=a)
    y = conditional("size").if_(x > 2).then(plus(a=x)).else_().then(inner(a=x))
    return plus(a=PLAN(a=y), b=y)


@workflow
def maps(a: int = 1) -> int:
    return last(z=map_task(twice)(a=[a, plus(a=a)]))


@task
def last(z: list[int]) -> int:
    return z[-1]


@workflow(on_failure=cleans)
def failing(a: int) -> int:
    return plus(a=fails(a=a))


@workflow
def lingers(a: int) -> int:
    return wait_for_input("enough", timeout=datetime.timedelta(hours=1), expected_type=int)


@workflow(on_failure=lingers)
def failing_slowly(a: int) -> int:
    return plus(a=fails(a=a))


@workflow
def waits(a: int) -> int:
    ok = approve(plus(a=a), "go", timeout=datetime.timedelta(hours=1))
    n = wait_for_input("number", timeout=datetime.timedelta(hours=1), expected_type=int)
    d = wait_for_input("day", timeout=datetime.timedelta(hours=1), expected_type=datetime.datetime)
    return tell(a=ok, n=n, d=d)


@task
def tell(a: int, n: int, d: datetime.datetime) -> int:
    return a + n + d.year


@dynamic
def spreads(n: int) -> int:
    total = 0
    values = [plus(a=i) for i in range(n)]
    for value in values:
        total = plus(a=value, b=total)
    return total


@workflow
def expands(n: int) -> int:
    return plus(a=spreads(n=n))


@workflow
def slow(seconds: int) -> int:
    return rest(seconds=seconds)


@task
def rest(seconds: int) -> int:
    import time

    time.sleep(seconds)
    return seconds


@workflow
def tasks(a: int) -> int:
    return decked(a=cached(a=flaky(a=a)))


@task
def counts(log: str) -> int:
    with Path(log).open("a") as file:
        file.write("ran\n")
    return 20


@task
def needs(a: int, flag: str) -> int:
    if not Path(flag).exists():
        raise ValueError("the flag is not there yet")
    return a + 1


@workflow
def recovers(log: str, flag: str) -> int:
    return plus(a=needs(a=counts(log=log), flag=flag))


@task
def odd(a: int) -> int:
    if a % 2 == 0:
        raise ValueError("even")
    return a


@workflow
def some(values: list[int]) -> list[int | None]:
    return map_task(odd, min_success_ratio=0.5)(a=values)


@workflow
def parent(seconds: int) -> int:
    return SLOW(seconds=seconds)


SLOW = LaunchPlan.get_or_create(slow, name="flows.slow-plan")


@task
def long(size: int) -> str:
    return "x" * size


@workflow
def large(size: int) -> str:
    return long(size=size)


@task
def day(kickoff: datetime.datetime) -> str:
    return kickoff.strftime("%Y-%m-%d")


@workflow
def daily(kickoff: datetime.datetime) -> str:
    return day(kickoff=kickoff)


DAILY = LaunchPlan.get_or_create(
    daily, name="flows.daily", schedule=CronSchedule(schedule="0 3 * * *", kickoff_time_input_arg="kickoff")
)


@workflow
def planned(values: list[int]) -> list[int]:
    return map_task(INNER)(a=values)


INNER = LaunchPlan.get_or_create(inner, name="flows.inner-plan")


class Colour(enum.Enum):
    RED = "red"


@dataclass
class Deep:
    n: int
    names: list[str]


HOUR = datetime.timedelta(hours=1)


@task
def listed(
    numbers: list[int],
    words: dict[str, str],
    deep: Deep,
    span: datetime.timedelta,
    file: FlyteFile,
    colour: Colour,
    weight: float,
    maybe: int | None,
    either: list[int | str],
) -> str:
    text = Path(file.download()).read_text()
    return f"{numbers} {words} {deep} {span} {text} {colour.value} {weight} {maybe} {either}"


@dynamic
def asks(a: int) -> str:
    approve(plus(a=a), "fine", timeout=HOUR)
    return listed(
        numbers=wait_for_input("numbers", timeout=HOUR, expected_type=list[int]),
        words=wait_for_input("words", timeout=HOUR, expected_type=dict[str, str]),
        deep=wait_for_input("deep", timeout=HOUR, expected_type=Deep),
        span=wait_for_input("span", timeout=HOUR, expected_type=datetime.timedelta),
        file=wait_for_input("file", timeout=HOUR, expected_type=FlyteFile),
        colour=wait_for_input("colour", timeout=HOUR, expected_type=Colour),
        weight=wait_for_input("weight", timeout=HOUR, expected_type=float),
        maybe=wait_for_input("maybe", timeout=HOUR, expected_type=int | None),
        either=wait_for_input("either", timeout=HOUR, expected_type=list[int | str]),
    )


@workflow
def asking(a: int) -> str:
    return asks(a=a)


@dynamic
def fan(n: int) -> int:
    return plus(a=plus(a=n))
