"""A `task` that is not Flyte's, in a file that uses Flyte too."""

import functools

import flytekit


def task(function):
    @functools.wraps(function)
    def inner(*args, **kwargs):
        return function(*args, **kwargs)

    return inner


@task
def plain(x: int) -> int:
    return x + 1


@flytekit.task
def double(x: int) -> int:
    return 2 * plain(x)


@flytekit.workflow
def wf(x: int = 4) -> int:
    return double(x=x)
