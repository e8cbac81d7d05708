"""Settings given by module-level constants are followed."""

from datetime import timedelta

from flytekit import Resources, task, workflow

CACHE = True
VERSION = "3"
LIMIT = timedelta(hours=1)
SMALL = Resources(cpu="1", mem="500Mi")
LARGE = Resources(cpu="2", mem="1Gi")


@task(cache=CACHE, cache_version=VERSION, timeout=LIMIT, requests=SMALL, limits=LARGE)
def load(n: int) -> int:
    return n


@task(requests=SMALL)
def small(n: int) -> int:
    return n + 1


@workflow
def wf(n: int = 5) -> int:
    return small(n=load(n=n))
