"""What nodes and executions set for their tasks."""

import os
import time
from datetime import timedelta
from pathlib import Path

from flytekit import Resources, task, workflow


@task(cache=True, cache_version="1", cache_ignore_input_vars=("where",))
def kept(where: str, x: int) -> int:
    with Path(where).open("a") as file:
        file.write("x")
    return x + 1


@task
def nap(x: int) -> int:
    time.sleep(0.5)
    return x


@task
def environment() -> dict[str, str]:
    return dict(os.environ)


@workflow
def cached(where: str, x: int) -> int:
    return kept(where=where, x=x)


@workflow
def not_cached(where: str, x: int) -> int:
    return kept(where=where, x=x).with_overrides(cache=False)


@workflow
def version_2(where: str, x: int) -> int:
    return kept(where=where, x=x).with_overrides(cache=True, cache_version="2")


@workflow
def part(x: int) -> int:
    nap(x=x)
    nap(x=x)
    return nap(x=x)


@workflow
def wide(x: int = 1) -> int:
    nap(x=x)
    part(x=x)
    part(x=x)
    return nap(x=x)


@workflow
def shown() -> dict[str, str]:
    return environment().with_overrides(
        requests=Resources(cpu="100m", mem="64Mi"),
        retries=4,
        timeout=timedelta(minutes=7),
        interruptible=True,
        container_image="example.org/other:2",
    )
