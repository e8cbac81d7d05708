"""Gates."""

import datetime

from flytekit import approve, sleep, task, wait_for_input, workflow


@task
def number() -> int:
    return 5


@task
def listed(numbers: list[int], when: datetime.datetime, title: str) -> str:
    return f"{title}: {numbers} {when.isoformat()}"


@workflow
def signals() -> tuple[str, int]:
    approved = approve(number(), "go-on", timeout=datetime.timedelta(hours=1))
    numbers = wait_for_input("numbers", timeout=datetime.timedelta(hours=1), expected_type=list[int])
    when = wait_for_input("when", timeout=datetime.timedelta(hours=1), expected_type=datetime.datetime)
    title = wait_for_input("title", timeout=datetime.timedelta(hours=1), expected_type=str)
    return listed(numbers=numbers, when=when, title=title), approved


@workflow
def naps() -> int:
    nap = sleep(datetime.timedelta(seconds=1))
    five = number()
    nap >> five
    return five


@workflow
def impatient() -> int:
    return wait_for_input("never", timeout=datetime.timedelta(seconds=1), expected_type=int)
