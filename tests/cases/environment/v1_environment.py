"""flytekit's own `Environment` bundles settings; it becomes a task environment of the same name."""

import flytekit
from flytekit import Resources, workflow

base = flytekit.Environment(requests=Resources(cpu="1"), environment={"MODE": "test"}, retries=1)
large = base.extend(requests=Resources(cpu="4"), environment={"SIZE": "large"})


@base.task
def first(n: int) -> int:
    return n + 1


@large.task(cache=True, cache_version="1")
def second(n: int) -> int:
    return n * 2


@base.task(requests=Resources(cpu="2"))
def third(n: int) -> int:
    return n - 1


@workflow
def wf(n: int = 1) -> int:
    return third(n=second(n=first(n=n)))
