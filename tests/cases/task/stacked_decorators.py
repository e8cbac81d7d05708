from functools import wraps

from flytekit import task, workflow


def loud(fn):
    @wraps(fn)
    def inner(*args, **kwargs):
        print(f"calling {fn.__name__}")
        return fn(*args, **kwargs)

    return inner


@task(retries=1)
@loud
def double(x: int) -> int:
    return 2 * x


@workflow
def wf(x: int = 3) -> int:
    return double(x=x)
