"""Approvals, inputs and a pause."""

from datetime import timedelta
from typing import List

from flytekit import approve, sleep, task, wait_for_input, workflow


@task
def report(rows: List[int]) -> str:
    return f"{len(rows)} rows"


@task
def publish(text: str, title: str) -> str:
    return f"{title}: {text}"


@workflow
def signed(rows: List[int] = [1, 2]) -> str:
    """The title is asked for while the report is written."""
    text = report(rows=rows)
    title = wait_for_input("title", timeout=timedelta(hours=1), expected_type=str)
    approved = approve(text, "text-is-fine", timeout=timedelta(hours=2))
    return publish(text=approved, title=title)


@workflow
def paused(rows: List[int] = [1, 2]) -> str:
    pause = sleep(timedelta(seconds=1))
    text = report(rows=rows)
    pause >> text
    return text


@workflow
def parsed(rows: List[int] = [1, 2]) -> str:
    extra = wait_for_input("extra", timeout=timedelta(hours=1), expected_type=List[int])
    return report(rows=extra)
