import os

from flytekit import task, workflow

DEBUG = bool(os.environ.get("NO_SUCH_DEBUG"))
VERSION = "2"


@task(cache=not DEBUG, cache_version=f"v{VERSION}")
def load(n: int) -> int:
    return n


@workflow
def wf(n: int = 1) -> int:
    return load(n=n)
