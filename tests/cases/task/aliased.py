import flytekit as fk
from flytekit.core.task import task as step


@step(cache=True, cache_version="2")
def first(x: int) -> int:
    return x + 1


@fk.task(retries=1)
def second(x: int) -> int:
    return x * 2


@fk.workflow
def wf(x: int = 4) -> int:
    return second(x=first(x=x))
